//! Rows of `revoked_tokens`.

use keymoor_types::{RealmId, TenantId, Timestamp};

use crate::db::{Rx, Tx};
use crate::error::Result;

/// Remembers, until the token would expire anyway, that it does not hold.
pub async fn revoke(
    tx: &mut Tx,
    (tenant, realm): (TenantId, RealmId),
    token_id: &str,
    expires_at: Timestamp,
) -> Result<()> {
    const SQL: &str = "INSERT INTO revoked_tokens (tenant_id, realm_id, token_id, expires_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (tenant_id, realm_id, token_id) DO NOTHING";
    tx.exec(SQL, &[&tenant, &realm, &token_id, &expires_at])
        .await?;
    Ok(())
}

pub async fn is_revoked(
    rx: &mut Rx,
    tenant: TenantId,
    realm: RealmId,
    token_id: &str,
) -> Result<bool> {
    const SQL: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM revoked_tokens
        WHERE tenant_id = $1 AND realm_id = $2 AND token_id = $3";
    let rows: i64 = rx.one(SQL, &[&tenant, &realm, &token_id]).await?;
    Ok(rows > 0)
}

/// Deletes up to a hundred rows of expired tokens, of all tenants, and says how many.
pub async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    const SQL: &str = "DELETE FROM revoked_tokens WHERE (tenant_id, realm_id, token_id) IN
        (SELECT tenant_id, realm_id, token_id FROM revoked_tokens
         WHERE expires_at <= $1 ORDER BY expires_at LIMIT 100)";
    Ok(tx.exec(SQL, &[&now]).await?)
}
