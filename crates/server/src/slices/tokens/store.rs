//! Rows of `issued_tokens`, `revoked_tokens` and `revocation_generations`.

use keymoor_types::{IdentityId, RealmId, TenantId, Timestamp};

use super::model::{IssuedToken, Principals, TokenId, TokenRef};
use crate::base::error::Result;
use crate::base::paging::{Page, PageRequest};
use crate::base::refs::{ApplicationRef, RealmRef};
use crate::db::{Rx, Text, Tx, record};

record!(IssuedToken as columns {
    tenant_id,
    realm_id,
    application_id,
    id: "token_id",
    identity_id,
    scopes: Text,
    suffix,
    issued_at,
    expires_at,
});

pub async fn insert(tx: &mut Tx, token: &IssuedToken) -> Result<()> {
    const SQL: &str = concat!(
        "INSERT INTO issued_tokens (",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    );
    tx.post(SQL, &token).await?;
    Ok(())
}

/// The filter of a list: valid tokens of these principals.
macro_rules! matching {
    () => {
        " FROM issued_tokens WHERE tenant_id = $1 AND realm_id = $2 AND application_id = $3 AND expires_at > $4
          AND (CAST($5 AS BOOLEAN) IS NULL OR (identity_id IS NULL) = $5)
          AND (CAST($6 AS BIGINT) IS NULL OR identity_id = $6)"
    };
}

/// Reads a page of an application's tokens, ordered by id.
pub async fn list(
    rx: &mut Rx,
    issuer: ApplicationRef,
    principals: Principals,
    page: &PageRequest,
    now: Timestamp,
) -> Result<Page<IssuedToken>> {
    const ROWS: &str = concat!(
        "SELECT ",
        columns!(),
        matching!(),
        " AND token_id > $7 ORDER BY token_id LIMIT $8 OFFSET $9"
    );
    const COUNT: &str = concat!("SELECT COUNT(*)", matching!());
    let (of_application, identity): (Option<bool>, Option<IdentityId>) = match principals {
        Principals::All => (None, None),
        Principals::Applications => (Some(true), None),
        Principals::Identities => (Some(false), None),
        Principals::Identity(id) => (Some(false), Some(id)),
        Principals::Application(id) if id == issuer.application_id => (Some(true), None),
        // A token that speaks for an application speaks for its issuer.
        Principals::Application(_) => return Ok(Page::empty()),
    };
    let first = TokenId::from_bytes([0; 24]);
    let after = page.after::<TokenId>()?.unwrap_or(first);
    let tokens = rx
        .all(
            ROWS,
            &(
                issuer,
                now,
                of_application,
                identity,
                after,
                page.limit(),
                page.offset(),
            ),
        )
        .await?;
    let total = rx
        .one(COUNT, &(issuer, now, of_application, identity))
        .await?;
    Ok(page.page(tokens, total, |token: &IssuedToken| token.id))
}

/// The data of a token that was removed from the list.
pub struct Taken {
    pub identity_id: Option<IdentityId>,
    pub expires_at: Timestamp,
}

record!(Taken {
    identity_id,
    expires_at
});

/// Removes a valid token from the list. `None`: it is missing, or was removed concurrently.
pub async fn take(tx: &mut Tx, at: TokenRef, now: Timestamp) -> Result<Option<Taken>> {
    const SQL: &str = "DELETE FROM issued_tokens
        WHERE tenant_id = $1 AND realm_id = $2 AND application_id = $3 AND token_id = $4 AND expires_at > $5
        RETURNING identity_id, expires_at";
    Ok(tx.opt(SQL, &(at, now)).await?)
}

/// Records that a token is revoked, until it would expire, and raises the tenant's generation, so
/// that every node rereads the list.
pub async fn revoke(
    tx: &mut Tx,
    realm: RealmRef,
    id: TokenId,
    expires_at: Timestamp,
) -> Result<()> {
    const REVOKE: &str = "INSERT INTO revoked_tokens (tenant_id, realm_id, token_id, expires_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (tenant_id, realm_id, token_id) DO NOTHING";
    const ANNOUNCE: &str =
        "INSERT INTO revocation_generations (tenant_id, generation) VALUES ($1, 1)
        ON CONFLICT (tenant_id) DO UPDATE SET generation = revocation_generations.generation + 1";
    let revoked = tx.exec(REVOKE, &(realm, id, expires_at)).await?;
    if revoked > 0 {
        tx.exec(ANNOUNCE, &realm.tenant_id).await?;
    }
    Ok(())
}

/// A revoked token and its expiry.
pub struct Revoked {
    pub realm_id: RealmId,
    pub id: TokenId,
    pub expires_at: Timestamp,
}

record!(Revoked {
    realm_id,
    id: "token_id",
    expires_at
});

/// Reads every revoked token of a tenant that has not expired.
pub async fn revoked(rx: &mut Rx, tenant: TenantId, now: Timestamp) -> Result<Vec<Revoked>> {
    const SQL: &str = "SELECT realm_id, token_id, expires_at FROM revoked_tokens
        WHERE tenant_id = $1 AND expires_at > $2";
    Ok(rx.all(SQL, &(tenant, now)).await?)
}

/// Reads each tenant's number of revocations. Tenants without any are absent.
pub async fn generations(rx: &mut Rx) -> Result<Vec<(TenantId, i64)>> {
    const SQL: &str = "SELECT tenant_id, generation FROM revocation_generations";
    Ok(rx.all(SQL, &()).await?)
}

/// Deletes up to 100 rows each of expired tokens and of revoked tokens that expired, of all
/// tenants, and returns the number.
pub async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    const ISSUED: &str =
        "DELETE FROM issued_tokens WHERE (tenant_id, realm_id, application_id, token_id) IN
        (SELECT tenant_id, realm_id, application_id, token_id FROM issued_tokens
         WHERE expires_at <= $1 AND length(token_id) > 0 ORDER BY expires_at LIMIT 100)";
    const REVOKED: &str = "DELETE FROM revoked_tokens WHERE (tenant_id, realm_id, token_id) IN
        (SELECT tenant_id, realm_id, token_id FROM revoked_tokens
         WHERE expires_at <= $1 AND length(token_id) > 0 ORDER BY expires_at LIMIT 100)";
    Ok(tx.exec(ISSUED, &now).await? + tx.exec(REVOKED, &now).await?)
}
