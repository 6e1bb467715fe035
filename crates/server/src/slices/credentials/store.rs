//! Rows of `credentials`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_types::{BindingJobId, CredentialId, IdentityId, RealmId, TenantId, Timestamp};
use keymoor_webauthn::{AttestationLevel, PublicKey};

use super::model::{CreatedFrom, Credential, KeyOrigin, Mechanism, State, Use, WebAuthnKey};
use crate::base::error::{Error, Kind, Result};
use crate::base::paging::{Page, PageRequest};
use crate::base::refs::{CredentialRef, IdentitiesRef, IdentityRef, RealmRef};
use crate::db::{self, Param, Rx, Tx, record};
use crate::slices::identities::model::Identity;
use crate::slices::identities::store::identity_columns;

/// A credential as stored.
pub(crate) struct CredentialRow {
    tenant_id: TenantId,
    realm_id: RealmId,
    identity_id: IdentityId,
    id: CredentialId,
    binding_job_id: BindingJobId,
    state: State,
    csr_type: String,
    jwk: String,
    webauthn_id: Option<Vec<u8>>,
    rp_id: Option<String>,
    aaguid: Option<Vec<u8>>,
    attestation_format: Option<String>,
    attestation_level: String,
    sign_count: i64,
    backup_eligible: bool,
    backup_state: bool,
    display_name: String,
    last_used_at: Option<Timestamp>,
    created_ip: Option<String>,
    created_user_agent: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

record!(CredentialRow {
    tenant_id,
    realm_id,
    identity_id,
    id: "credential_id",
    binding_job_id,
    state,
    csr_type,
    jwk,
    webauthn_id,
    rp_id,
    aaguid,
    attestation_format,
    attestation_level,
    sign_count,
    backup_eligible,
    backup_state,
    display_name,
    last_used_at,
    created_ip,
    created_user_agent,
    created_at,
    updated_at,
});

/// The columns of [`CredentialRow`].
macro_rules! columns {
    () => {
        "tenant_id, realm_id, identity_id, credential_id, binding_job_id, state, csr_type, jwk,
         webauthn_id, rp_id, aaguid, attestation_format, attestation_level, sign_count,
         backup_eligible, backup_state, display_name, last_used_at, created_ip, created_user_agent,
         created_at, updated_at"
    };
}

/// The columns of [`CredentialRow`], for statements of other slices.
pub(crate) use columns as credential_columns;

impl TryFrom<CredentialRow> for Credential {
    type Error = Error;

    fn try_from(row: CredentialRow) -> Result<Self> {
        let inconsistent = || Error::internal(format!("credential {} is inconsistent", row.id));
        let mechanism = match row.csr_type.as_str() {
            "JWT" => None,
            "WEBAUTHN" => Some(Mechanism::WebAuthn),
            "FIDO2" => Some(Mechanism::Fido2),
            _ => return Err(inconsistent()),
        };
        let origin = match mechanism {
            None => KeyOrigin::Software,
            Some(mechanism) => KeyOrigin::WebAuthn(WebAuthnKey {
                mechanism,
                credential_id: row.webauthn_id.ok_or_else(inconsistent)?,
                rp_id: row.rp_id.ok_or_else(inconsistent)?,
                aaguid: row
                    .aaguid
                    .and_then(|id| id.try_into().ok())
                    .ok_or_else(inconsistent)?,
                attestation_format: row.attestation_format.ok_or_else(inconsistent)?,
                attestation_level: AttestationLevel::from_name(&row.attestation_level)
                    .ok_or_else(inconsistent)?,
                sign_count: row.sign_count.try_into().map_err(|_| inconsistent())?,
                backup_eligible: row.backup_eligible,
                backup_state: row.backup_state,
            }),
        };
        Ok(Self {
            tenant_id: row.tenant_id,
            realm_id: row.realm_id,
            identity_id: row.identity_id,
            id: row.id,
            binding_job_id: row.binding_job_id,
            state: row.state,
            key: PublicKey::from_jwk_str(&row.jwk).map_err(|_| inconsistent())?,
            origin,
            display_name: row.display_name,
            last_used_at: row.last_used_at,
            created_from: CreatedFrom {
                ip: row.created_ip,
                user_agent: row.created_user_agent,
            },
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

pub async fn insert(tx: &mut Tx, credential: &Credential) -> Result<()> {
    const SQL: &str = "INSERT INTO credentials
        (tenant_id, realm_id, identity_id, credential_id, binding_job_id, state, csr_type, jwk, key_thumbprint,
         webauthn_id, rp_id, aaguid, attestation_format, attestation_level, sign_count,
         backup_eligible, backup_state, display_name, last_used_at, created_ip, created_user_agent,
         created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
         $21, $22, $23)";
    let facts = match &credential.origin {
        KeyOrigin::Software => None,
        KeyOrigin::WebAuthn(facts) => Some(facts),
    };
    let later = (
        &credential.display_name,
        credential.last_used_at,
        &credential.created_from.ip,
        &credential.created_from.user_agent,
        credential.created_at,
        credential.updated_at,
    );
    tx.post(
        SQL,
        &(
            credential.at(),
            credential.binding_job_id,
            credential.state,
            credential.origin.csr_type().as_str(),
            credential.key.to_jwk_json(),
            credential.key.thumbprint(),
            facts.map(|facts| facts.credential_id.as_slice()),
            facts.map(|facts| facts.rp_id.as_str()),
            facts.map(|facts| facts.aaguid.as_slice()),
            facts.map(|facts| facts.attestation_format.as_str()),
            credential.origin.attestation_level().as_str(),
            facts.map_or(0, |facts| i64::from(facts.sign_count)),
            facts.is_some_and(|facts| facts.backup_eligible),
            facts.is_some_and(|facts| facts.backup_state),
            later,
        ),
    )
    .await
    .map_err(|error| refused(error, credential.id))?;
    Ok(())
}

fn refused(error: db::Error, id: CredentialId) -> Error {
    match &error {
        db::Error::Unique { constraint } => match constraint.as_str() {
            "credentials_key" | "credentials_webauthn_id" => Error::conflict_on(
                "this key is already bound",
                Kind::CREDENTIAL,
                "",
                "duplicate",
            ),
            "credentials_id" | "credentials_pkey" => {
                tracing::debug!(%id, "credential id was taken");
                Error::Collision
            }
            _ => error.into(),
        },
        _ => error.into(),
    }
}

/// Returns the authenticator-assigned ids of an identity's active credentials for an RP ID: at most
/// 100, since one response contains them all.
pub async fn list_webauthn_ids(
    rx: &mut Rx,
    identity: IdentityRef,
    rp_id: &str,
) -> Result<Vec<Vec<u8>>> {
    const SQL: &str = "SELECT webauthn_id FROM credentials
        WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND state = 'ACTIVE' AND rp_id = $4
        ORDER BY credential_id DESC LIMIT 100";
    Ok(rx.all(SQL, &(identity, rp_id)).await?)
}

/// Returns the credential of `identity` whose key has this thumbprint, and the identity, for a
/// sign-in.
pub async fn find_by_key_with_owner(
    rx: &mut Rx,
    identity: IdentityRef,
    thumbprint: &[u8; 32],
) -> Result<Option<(Identity, Credential)>> {
    const SQL: &str = concat!(
        "SELECT * FROM (SELECT ",
        identity_columns!(),
        " FROM identities WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3) AS owner,
        (SELECT ",
        columns!(),
        " FROM credentials WHERE tenant_id = $1 AND realm_id = $2 AND key_thumbprint = $4
          AND length(key_thumbprint) > 0 AND identity_id = $3) AS passkey"
    );
    let row: Option<(Identity, CredentialRow)> = rx.opt(SQL, &(identity, thumbprint)).await?;
    row.map(|(owner, passkey)| Ok((owner, passkey.try_into()?)))
        .transpose()
}

/// Returns the credential with this authenticator-assigned id, of any identity in the realm, and
/// the identity.
pub async fn find_by_webauthn_id_with_owner(
    rx: &mut Rx,
    realm: RealmRef,
    webauthn_id: &[u8],
) -> Result<Option<(Identity, Credential)>> {
    const SQL: &str = concat!(
        "SELECT owner.*, passkey.* FROM (SELECT ",
        columns!(),
        " FROM credentials WHERE tenant_id = $1 AND realm_id = $2 AND webauthn_id = $3
          AND webauthn_id IS NOT NULL) AS passkey
        JOIN (SELECT ",
        identity_columns!(),
        " FROM identities WHERE tenant_id = $1 AND realm_id = $2) AS owner
        ON owner.identity_id = passkey.identity_id"
    );
    let row: Option<(Identity, CredentialRow)> = rx.opt(SQL, &(realm, webauthn_id)).await?;
    row.map(|(owner, passkey)| Ok((owner, passkey.try_into()?)))
        .transpose()
}

pub async fn find(rx: &mut Rx, key: CredentialRef) -> Result<Option<Credential>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM credentials WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND credential_id = $4"
    );
    let row: Option<CredentialRow> = rx.opt(SQL, &key).await?;
    row.map(Credential::try_from).transpose()
}

/// Revokes an active credential. `None`: it is already revoked or missing.
pub async fn revoke(tx: &mut Tx, key: CredentialRef, now: Timestamp) -> Result<Option<Credential>> {
    const SQL: &str = concat!(
        "UPDATE credentials SET state = 'REVOKED', updated_at = $5
        WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND credential_id = $4 AND state = 'ACTIVE'
        RETURNING ",
        columns!()
    );
    let row: Option<CredentialRow> = tx.opt(SQL, &(key, now)).await?;
    row.map(Credential::try_from).transpose()
}

/// Renames a credential. `None`: it is missing.
pub async fn rename(
    tx: &mut Tx,
    key: CredentialRef,
    display_name: &str,
    now: Timestamp,
) -> Result<Option<Credential>> {
    const SQL: &str = concat!(
        "UPDATE credentials SET display_name = $5, updated_at = $6
        WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND credential_id = $4
        RETURNING ",
        columns!()
    );
    let row: Option<CredentialRow> = tx.opt(SQL, &(key, display_name, now)).await?;
    row.map(Credential::try_from).transpose()
}

/// Statements over the credentials that `$3` and `$4` select: one for a page, one for their number.
/// Each combination of filters has its own text, which states the condition of its own index.
macro_rules! texts {
    ($identity:literal, $filter:literal) => {
        [
            concat!(
                "SELECT ",
                columns!(),
                " FROM credentials WHERE tenant_id = $1 AND realm_id = $2 AND ",
                $identity,
                " AND ",
                $filter,
                " AND credential_id > $5 ORDER BY credential_id LIMIT $6 OFFSET $7"
            ),
            concat!(
                "SELECT COUNT(*) FROM credentials WHERE tenant_id = $1 AND realm_id = $2 AND ",
                $identity,
                " AND ",
                $filter
            ),
        ]
    };
}

/// The statements of lists without filter, by state, and by thumbprint.
macro_rules! filters {
    ($identity:literal) => {
        [
            texts!($identity, "CAST($4 AS TEXT) IS NULL"),
            texts!($identity, "state = $4"),
            texts!(
                $identity,
                "key_thumbprint = $4 AND length(key_thumbprint) > 0"
            ),
        ]
    };
}

const OF_ONE: [[&str; 2]; 3] = filters!("identity_id = $3");
const OF_ALL: [[&str; 2]; 3] = filters!("CAST($3 AS BIGINT) IS NULL AND credential_id >= 0");

/// Reads a page of the credentials of one identity, or of all identities of a realm.
pub async fn list(rx: &mut Rx, of: IdentitiesRef, page: &PageRequest) -> Result<Page<Credential>> {
    let (realm, identity) = (of.realm(), of.one().map(|of| of.identity_id));
    let [all, by_state, by_thumbprint] = if identity.is_some() { OF_ONE } else { OF_ALL };
    let state = page.filtered("state");
    let thumbprint = page.filtered("jwk_thumbprint").map(decoded);
    let ([page_sql, count_sql], wanted): (_, &dyn Param) = match (&state, &thumbprint) {
        (_, Some(thumbprint)) => (by_thumbprint, thumbprint),
        (Some(state), None) => (by_state, state),
        (None, None) => (all, &state),
    };
    let after = page
        .after::<CredentialId>()?
        .unwrap_or(CredentialId::from_i64(-1));
    let rows: Vec<CredentialRow> = rx
        .all(
            page_sql,
            &(realm, identity, wanted, after, page.limit(), page.offset()),
        )
        .await?;
    let credentials = rows
        .into_iter()
        .map(Credential::try_from)
        .collect::<Result<Vec<_>>>()?;
    let total = rx.one(count_sql, &(realm, identity, wanted)).await?;
    Ok(page.page(credentials, total, |credential: &Credential| credential.id))
}

/// Returns a thumbprint as stored, for padded and unpadded input. Invalid input matches no row.
fn decoded(thumbprint: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD
        .decode(thumbprint.trim_end_matches('='))
        .unwrap_or_default()
}

/// Whether the realm has an identity that can sign in: active, with an active passkey.
pub async fn any_usable(rx: &mut Rx, realm: RealmRef) -> Result<bool> {
    const SQL: &str = "SELECT COUNT(*) FROM (
        SELECT 1 FROM credentials JOIN identities
          ON identities.tenant_id = $1 AND identities.realm_id = $2
            AND identities.identity_id = credentials.identity_id
        WHERE credentials.tenant_id = $1 AND credentials.realm_id = $2
          AND credentials.state = 'ACTIVE' AND identities.status = 'active'
        LIMIT 1) AS usable";
    Ok(rx.one::<i64>(SQL, &realm).await? > 0)
}

/// Records a use: its hour, the authenticator's counter, which never decreases, and whether the key
/// is backed up. Changes nothing if all of this is known.
pub async fn record_use(tx: &mut Tx, at: CredentialRef, used: Use) -> Result<()> {
    const SQL: &str = "UPDATE credentials
        SET backup_state = $6, sign_count = CASE WHEN sign_count < $5 THEN $5 ELSE sign_count END,
            last_used_at = CASE WHEN last_used_at >= $7 THEN last_used_at ELSE $7 END
        WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3 AND credential_id = $4
          AND (sign_count < $5 OR backup_state <> $6 OR last_used_at IS NULL OR last_used_at < $7)";
    let Use {
        hour,
        sign_count,
        backup_state,
    } = used;
    tx.post(SQL, &(at, i64::from(sign_count), backup_state, hour))
        .await?;
    Ok(())
}
