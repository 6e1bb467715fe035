//! Rows of `authorization_codes`.

use keymoor_types::{ApplicationId, CredentialId, IdentityId, RealmId, TenantId, Timestamp};

use super::model::{CodeKey, GrantFacts, TransactionId};
use crate::base::error::Result;
use crate::base::refs::RealmRef;
use crate::base::secret::Digest;
use crate::db::{Json, Rx, Sql, Tx, record};
use crate::slices::credentials::model::Credential;
use crate::slices::credentials::store::{CredentialRow, credential_columns};
use crate::slices::identities::model::Identity;
use crate::slices::identities::store::identity_columns;
use crate::slices::tokens;
use crate::slices::tokens::model::{IssuedToken, TokenId};

/// A code to be inserted.
#[derive(Clone)]
pub struct NewCode {
    pub tenant_id: TenantId,
    pub realm_id: RealmId,
    pub key: CodeKey,
    pub application_id: ApplicationId,
    pub identity_id: IdentityId,
    pub credential_id: CredentialId,
    pub facts: GrantFacts,
    pub authenticated_at: Timestamp,
    pub expires_at: Timestamp,
    pub keep_until: Timestamp,
}

/// A stored code.
#[derive(Clone)]
pub struct IssuedCode {
    pub key: CodeKey,
    pub application_id: ApplicationId,
    pub identity_id: IdentityId,
    pub credential_id: CredentialId,
    pub facts: GrantFacts,
    pub authenticated_at: Timestamp,
    pub expires_at: Timestamp,
    pub redeemed_at: Option<Timestamp>,
    /// The access token that the code yielded, for revocation, and its expiry.
    pub access_token: Option<(TokenId, Timestamp)>,
}

struct CodeRow {
    transaction_id: TransactionId,
    hash: Digest,
    application_id: ApplicationId,
    identity_id: IdentityId,
    credential_id: CredentialId,
    facts: Json<GrantFacts>,
    authenticated_at: Timestamp,
    expires_at: Timestamp,
    redeemed_at: Option<Timestamp>,
    access_token_id: Option<TokenId>,
    access_token_expires: Option<Timestamp>,
}

record!(CodeRow {
    transaction_id,
    hash: "code_hash",
    application_id,
    identity_id,
    credential_id,
    facts: "grant_facts",
    authenticated_at,
    expires_at,
    redeemed_at,
    access_token_id,
    access_token_expires,
});

impl From<CodeRow> for IssuedCode {
    fn from(row: CodeRow) -> Self {
        Self {
            key: CodeKey {
                transaction_id: row.transaction_id,
                hash: row.hash,
            },
            application_id: row.application_id,
            identity_id: row.identity_id,
            credential_id: row.credential_id,
            facts: row.facts.0,
            authenticated_at: row.authenticated_at,
            expires_at: row.expires_at,
            redeemed_at: row.redeemed_at,
            access_token: row.access_token_id.zip(row.access_token_expires),
        }
    }
}

/// The columns of [`NewCode`], and its values in the same order.
macro_rules! insert {
    ($values:literal) => {
        concat!(
            "INSERT INTO authorization_codes
            (tenant_id, realm_id, transaction_id, code_hash, application_id, identity_id, credential_id, grant_facts,
             authenticated_at, expires_at, keep_until, grant_epoch) ",
            $values,
            " ON CONFLICT (tenant_id, realm_id, transaction_id) DO NOTHING"
        )
    };
}

async fn insert(tx: &mut Tx, sql: &'static str, code: &NewCode) -> Result<bool> {
    let inserted = tx
        .claim(
            sql,
            &(
                code.tenant_id,
                code.realm_id,
                code.key.transaction_id,
                code.key.hash,
                code.application_id,
                code.identity_id,
                code.credential_id,
                Json(&code.facts),
                code.authenticated_at,
                code.expires_at,
                code.keep_until,
            ),
        )
        .await?;
    Ok(inserted)
}

/// Answers a transaction with a code, for the first caller only, and only while passkey, identity
/// and application permit it. Returns false otherwise.
pub async fn insert_if_permitted(tx: &mut Tx, code: &NewCode) -> Result<bool> {
    const SQL: &str = insert!(
        "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, i.grant_epoch FROM identities i
        WHERE i.tenant_id = $1 AND i.realm_id = $2 AND i.identity_id = $6 AND i.status = 'active'
          AND EXISTS (SELECT 1 FROM credentials WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $6
            AND credential_id = $7 AND state = 'ACTIVE')
          AND EXISTS (SELECT 1 FROM applications WHERE tenant_id = $1 AND realm_id = $2 AND application_id = $5)"
    );
    insert(tx, SQL, code).await
}

/// Denies a transaction, for the first caller only. `code` is never issued. Returns false if the
/// transaction was already answered.
pub async fn insert_denied(tx: &mut Tx, code: &NewCode) -> Result<bool> {
    const SQL: &str = insert!("VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0)");
    insert(tx, SQL, code).await
}

/// Whether the transaction is already answered.
pub async fn is_answered(rx: &mut Rx, realm: RealmRef, transaction: TransactionId) -> Result<bool> {
    const SQL: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM authorization_codes
        WHERE tenant_id = $1 AND realm_id = $2 AND transaction_id = $3";
    let rows: i64 = rx.one(SQL, &(realm, transaction)).await?;
    Ok(rows > 0)
}

/// The statement that reads a code.
macro_rules! select {
    () => {
        "SELECT transaction_id, code_hash, application_id, identity_id, credential_id, grant_facts,
            authenticated_at, expires_at, redeemed_at, access_token_id, access_token_expires
        FROM authorization_codes
        WHERE tenant_id = $1 AND realm_id = $2 AND transaction_id = $3 AND code_hash = $4"
    };
}

/// Reads a code, with the identity and the passkey that it was issued for unless one was deleted.
pub async fn find_with_holder(
    rx: &mut Rx,
    realm: RealmRef,
    key: CodeKey,
) -> Result<Option<(IssuedCode, Option<(Identity, Credential)>)>> {
    const SQL: &str = concat!(
        "SELECT code.*, holder.*, passkey.* FROM (",
        select!(),
        ") AS code
        JOIN (SELECT ",
        identity_columns!(),
        " FROM identities WHERE tenant_id = $1 AND realm_id = $2) AS holder
        ON holder.identity_id = code.identity_id
        JOIN (SELECT ",
        credential_columns!(),
        " FROM credentials WHERE tenant_id = $1 AND realm_id = $2) AS passkey
        ON passkey.identity_id = code.identity_id AND passkey.credential_id = code.credential_id"
    );
    let key = (realm, key.transaction_id, key.hash);
    let row: Option<(CodeRow, Identity, CredentialRow)> = rx.opt(SQL, &key).await?;
    if let Some((code, holder, passkey)) = row {
        return Ok(Some((code.into(), Some((holder, passkey.try_into()?)))));
    }
    let alone: Option<CodeRow> = rx.opt(select!(), &key).await?;
    Ok(alone.map(|code| (code.into(), None)))
}

/// A code to redeem, and the access token that it yields.
#[derive(Clone)]
pub struct Redemption {
    pub tenant_id: TenantId,
    pub realm_id: RealmId,
    pub key: CodeKey,
    pub application_id: ApplicationId,
    pub access_token: IssuedToken,
    pub now: Timestamp,
}

/// Redeems a code for the first caller only, and inserts its token into the list. The statement
/// itself checks the application, the expiry, whether passkey and identity are still active, and
/// whether the identity's grants were revoked since the code was issued.
pub async fn redeem(tx: &mut Tx, redemption: &Redemption) -> Result<bool> {
    macro_rules! text {
        ($lock:literal) => {
            concat!(
                "UPDATE authorization_codes
        SET redeemed_at = $6, access_token_id = $7, access_token_expires = $8
        WHERE tenant_id = $1 AND realm_id = $2 AND transaction_id = $3 AND code_hash = $4 AND application_id = $5
          AND redeemed_at IS NULL AND expires_at > $6
          AND EXISTS (SELECT 1 FROM credentials c WHERE c.tenant_id = $1 AND c.realm_id = $2
            AND c.identity_id = authorization_codes.identity_id
            AND c.credential_id = authorization_codes.credential_id AND c.state = 'ACTIVE'",
                $lock,
                ")
          AND EXISTS (SELECT 1 FROM identities i WHERE i.tenant_id = $1 AND i.realm_id = $2
            AND i.identity_id = authorization_codes.identity_id AND i.status = 'active'
            AND i.grant_epoch = authorization_codes.grant_epoch",
                $lock,
                ")"
            )
        };
    }
    // Without the locks, PostgreSQL may redeem from a snapshot older than a suspension or
    // revocation that was acknowledged concurrently. SQLite has one writer.
    const SQL: Sql = Sql {
        sqlite: text!(""),
        postgres: text!(" FOR SHARE"),
    };
    let redeemed = tx
        .claim(
            SQL,
            &(
                redemption.tenant_id,
                redemption.realm_id,
                redemption.key.transaction_id,
                redemption.key.hash,
                redemption.application_id,
                redemption.now,
                redemption.access_token.id,
                redemption.access_token.expires_at,
            ),
        )
        .await?;
    if redeemed {
        tokens::store::insert(tx, &redemption.access_token).await?;
    }
    Ok(redeemed)
}

/// Deletes up to 100 rows that are no longer needed, of all tenants, and returns their number.
pub async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    const SQL: &str =
        "DELETE FROM authorization_codes WHERE (tenant_id, realm_id, transaction_id) IN
        (SELECT tenant_id, realm_id, transaction_id FROM authorization_codes
         WHERE keep_until <= $1 ORDER BY keep_until LIMIT 100)";
    Ok(tx.exec(SQL, &now).await?)
}
