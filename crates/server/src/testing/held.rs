//! What another node has written and not committed yet.

use keymoor_db::testing::HeldTransaction;
use keymoor_types::{IdentityId, RealmId, TenantId};

use super::TestApp;

/// A suspension in a transaction that is still open. PostgreSQL only: SQLite has one writer.
pub(crate) async fn suspension(
    test: &TestApp,
    (tenant, realm, identity): (TenantId, RealmId, IdentityId),
) -> HeldTransaction {
    const SQL: &str = "UPDATE identities SET status = 'suspended'
        WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3";
    let held = HeldTransaction::begin(test.database()).await;
    assert_eq!(held.exec(SQL, &(tenant, realm, identity)).await, 1);
    held
}
