//! Rows of `issued_tokens`, `revoked_tokens` and `revocation_generations`.

use keymoor_types::{IdentityId, RealmId, TenantId, Timestamp};

use super::model::{IssuedToken, Principals, TokenId, TokenRef};
use crate::base::error::Result;
use crate::base::paging::{Page, PageRequest};
use crate::base::refs::{ApplicationRef, CredentialRef, IdentityRef};
use crate::db::{Param, Rx, Text, Tx, record};
use crate::slices::applications::choices::SubjectField;

record!(IssuedToken as columns {
    tenant_id,
    realm_id,
    application_id,
    id: "token_id",
    identity_id,
    credential_id,
    scopes: Text,
    suffix,
    issued_at,
    expires_at,
});

pub async fn insert(tx: &mut Tx, token: &IssuedToken) -> Result<()> {
    const SQL: &str = concat!(
        "INSERT INTO issued_tokens (",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
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

/// Revokes every token of an application, which the caller has locked.
pub async fn revoke_of_application(tx: &mut Tx, at: ApplicationRef) -> Result<Vec<Revoked>> {
    const ADD: &str =
        "INSERT INTO revoked_tokens (tenant_id, realm_id, token_id, expires_at, revision)
        SELECT tenant_id, realm_id, token_id, expires_at, CAST($4 AS BIGINT) FROM issued_tokens
        WHERE tenant_id = $1 AND realm_id = $2 AND application_id = $3
        ON CONFLICT (tenant_id, realm_id, token_id) DO NOTHING";
    const REMOVE: &str = "DELETE FROM issued_tokens
        WHERE tenant_id = $1 AND realm_id = $2 AND application_id = $3
        RETURNING realm_id, token_id, expires_at";
    let revision = begin(tx, at.tenant_id).await?;
    tx.exec(ADD, &(at, revision)).await?;
    Ok(tx.all(REMOVE, &at).await?)
}

/// Begins revocations of a tenant, and returns their revision: its next generation. Others of the
/// tenant wait until the transaction ends, so revisions become visible in their order, and a node
/// that has read one has missed none before it. It precedes every lock of a token, lest two
/// revocations wait for each other.
async fn begin(tx: &mut Tx, tenant: TenantId) -> Result<i64> {
    const SQL: &str = "INSERT INTO revocation_generations (tenant_id, generation) VALUES ($1, 1)
        ON CONFLICT (tenant_id) DO UPDATE SET generation = revocation_generations.generation + 1
        RETURNING generation";
    Ok(tx.one(SQL, &tenant).await?)
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

/// Revokes a valid token. `None`: it is missing, or was revoked before.
pub async fn revoke(tx: &mut Tx, at: TokenRef, now: Timestamp) -> Result<Option<Taken>> {
    let revision = begin(tx, at.tenant_id).await?;
    let taken = take(tx, at, now).await?;
    if let Some(taken) = &taken {
        record(tx, at, taken.expires_at, revision).await?;
    }
    Ok(taken)
}

/// Revokes a token until `expires_at`, whether or not it is in the list.
pub async fn revoke_unlisted(
    tx: &mut Tx,
    at: TokenRef,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<()> {
    let revision = begin(tx, at.tenant_id).await?;
    take(tx, at, now).await?;
    record(tx, at, expires_at, revision).await
}

async fn take(tx: &mut Tx, at: TokenRef, now: Timestamp) -> Result<Option<Taken>> {
    const SQL: &str = "DELETE FROM issued_tokens
        WHERE tenant_id = $1 AND realm_id = $2 AND application_id = $3 AND token_id = $4 AND expires_at > $5
        RETURNING identity_id, expires_at";
    Ok(tx.opt(SQL, &(at, now)).await?)
}

async fn record(tx: &mut Tx, at: TokenRef, expires_at: Timestamp, revision: i64) -> Result<()> {
    const SQL: &str =
        "INSERT INTO revoked_tokens (tenant_id, realm_id, token_id, expires_at, revision)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant_id, realm_id, token_id) DO NOTHING";
    let realm = at.application().realm();
    tx.exec(SQL, &(realm, at.token_id, expires_at, revision))
        .await?;
    Ok(())
}

/// Statements that move the tokens of an identity which match to the revoked ones.
macro_rules! moving {
    ($matching:literal) => {
        [
            concat!(
                "INSERT INTO revoked_tokens (tenant_id, realm_id, token_id, expires_at, revision)
                SELECT tenant_id, realm_id, token_id, expires_at, CAST($5 AS BIGINT) FROM issued_tokens
                WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND ",
                $matching,
                " ON CONFLICT (tenant_id, realm_id, token_id) DO NOTHING"
            ),
            concat!(
                "DELETE FROM issued_tokens
                WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND ",
                $matching,
                " RETURNING realm_id, token_id, expires_at"
            ),
        ]
    };
}

/// Revokes every token of an identity. The caller has locked the identity, so that none is issued
/// before the transaction ends.
pub async fn revoke_of_identity(tx: &mut Tx, at: IdentityRef) -> Result<Vec<Revoked>> {
    const SQL: [&str; 2] = moving!("CAST($4 AS BIGINT) IS NULL");
    move_matching(tx, SQL, at, &None::<i64>).await
}

/// Revokes the tokens that rest on a credential, and those that may. The caller has locked it.
pub async fn revoke_of_credential(tx: &mut Tx, at: CredentialRef) -> Result<Vec<Revoked>> {
    const SQL: [&str; 2] = moving!("(credential_id = $4 OR credential_id IS NULL)");
    move_matching(tx, SQL, at.identity(), &at.credential_id).await
}

/// Revokes the tokens of an identity whose subject is this field. The caller has locked the
/// identity.
pub async fn revoke_of_subject(
    tx: &mut Tx,
    at: IdentityRef,
    field: SubjectField,
) -> Result<Vec<Revoked>> {
    const SQL: [&str; 2] = moving!(
        "application_id IN (SELECT a.application_id FROM applications a
            WHERE a.tenant_id = $1 AND a.realm_id = $2 AND a.subject_field = $4)"
    );
    move_matching(tx, SQL, at, &field).await
}

async fn move_matching(
    tx: &mut Tx,
    [add, remove]: [&'static str; 2],
    identity: IdentityRef,
    matching: &dyn Param,
) -> Result<Vec<Revoked>> {
    let revision = begin(tx, identity.tenant_id).await?;
    tx.exec(add, &(identity, matching, revision)).await?;
    Ok(tx.all(remove, &(identity, matching)).await?)
}

/// A revoked token and its expiry.
#[derive(Clone)]
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

/// Reads the revoked tokens of a tenant that were revoked after `revision` and have not expired.
pub async fn revoked_since(
    rx: &mut Rx,
    tenant: TenantId,
    revision: i64,
    now: Timestamp,
) -> Result<Vec<Revoked>> {
    // A node of an older version writes no revision.
    const SQL: &str = "SELECT realm_id, token_id, expires_at FROM revoked_tokens
        WHERE tenant_id = $1 AND (revision > $2 OR revision < 0) AND expires_at > $3";
    Ok(rx.all(SQL, &(tenant, revision, now)).await?)
}

/// Reads each tenant's generation: the revision of its last revocations. Tenants without any are absent.
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
