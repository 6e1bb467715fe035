//! Rows of `directory_totals`.

use keymoor_types::{RealmId, TenantId};

use crate::base::error::Result;
use crate::base::refs::{RealmRef, Ref, Subject};
use crate::db::{Rx, Tx};

/// A list with a stored total, identified by its name in the database. Its slice declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Directory(&'static str);

impl Directory {
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }
}

/// The realm in the key of lists of the whole tenant.
const TENANT_WIDE: i64 = 0;

/// The key of a list: of a realm, or of the whole tenant.
fn key(owner: impl Ref) -> (TenantId, i64) {
    let Subject {
        tenant_id,
        realm_id,
        ..
    } = owner.subject();
    (tenant_id, realm_id.map_or(TENANT_WIDE, RealmId::as_i64))
}

/// Adds `change` to the total of a list that belongs to a realm, or to the whole tenant.
pub async fn add(tx: &mut Tx, owner: impl Ref, directory: Directory, change: i64) -> Result<()> {
    const SQL: &str = "INSERT INTO directory_totals (tenant_id, realm_id, directory, total) VALUES ($1, $2, $3, $4)
        ON CONFLICT (tenant_id, realm_id, directory) DO UPDATE SET total = directory_totals.total + excluded.total";
    let (tenant, realm) = key(owner);
    tx.exec(SQL, &(tenant, realm, directory.0, change)).await?;
    Ok(())
}

pub async fn total(rx: &mut Rx, owner: impl Ref, directory: Directory) -> Result<i64> {
    const SQL: &str = "SELECT total FROM directory_totals WHERE tenant_id = $1 AND realm_id = $2 AND directory = $3";
    let (tenant, realm) = key(owner);
    Ok(rx
        .opt(SQL, &(tenant, realm, directory.0))
        .await?
        .unwrap_or(0))
}

/// Deletes the totals of a realm.
pub async fn forget(tx: &mut Tx, realm: RealmRef) -> Result<()> {
    const SQL: &str = "DELETE FROM directory_totals WHERE tenant_id = $1 AND realm_id = $2";
    tx.exec(SQL, &realm).await?;
    Ok(())
}
