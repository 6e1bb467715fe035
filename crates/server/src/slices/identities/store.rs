//! Rows of `identities`.

use keymoor_types::{IdentityId, RealmId, Timestamp};

use super::model::{EnrollmentStatus, Identity, Profile};
use crate::base::error::{Error, Kind, Result};
use crate::base::paging::{Page, PageRequest};
use crate::base::refs::{IdentityRef, RealmRef};
use crate::base::secret::Digest;
use crate::base::text;
use crate::db::{self, Json, Param, Rx, Sql, Tx, record};
use crate::infra::directory::store::{self as totals, Directory};
use crate::slices::applications::choices::SubjectField;

/// The list whose total is stored.
pub const DIRECTORY: Directory = Directory::new("identities");

record!(Identity as columns {
    tenant_id,
    realm_id,
    id: "identity_id",
    display_name,
    status,
    traits: Json,
    user_handle,
    created_at,
    updated_at,
});

/// The columns of an [`Identity`], for statements of other slices.
pub(crate) use columns as identity_columns;

/// The columns of an [`Identity`], then its [`EnrollmentStatus`] at `$4`. Jobs count in the state
/// in which they are shown, so a failed mail no longer counts once its job has expired.
macro_rules! profile_columns {
    () => {
        concat!(
            columns!(),
            ", CASE
              WHEN EXISTS (SELECT 1 FROM credentials c
                WHERE c.tenant_id = $1 AND c.realm_id = $2 AND c.identity_id = identities.identity_id
                  AND c.state = 'ACTIVE') THEN 'ENROLLED'
              WHEN EXISTS (SELECT 1 FROM binding_jobs j
                WHERE j.tenant_id = $1 AND j.realm_id = $2 AND j.identity_id = identities.identity_id
                  AND j.state IN ('LINK_SENT', 'LINK_OPENED', 'REQUEST_DELIVERED') AND j.expires_at > $4) THEN 'PENDING'
              WHEN EXISTS (SELECT 1 FROM binding_jobs j
                WHERE j.tenant_id = $1 AND j.realm_id = $2 AND j.identity_id = identities.identity_id
                  AND j.state = 'FAILED_TO_SEND' AND j.expires_at > $4) THEN 'INVITE_FAILED'
              ELSE 'UNENROLLED' END"
        )
    };
}

impl From<(Identity, EnrollmentStatus)> for Profile {
    fn from((identity, enrollment_status): (Identity, EnrollmentStatus)) -> Self {
        Self {
            identity,
            enrollment_status,
        }
    }
}

pub async fn insert(tx: &mut Tx, identity: &Identity) -> Result<()> {
    const SQL: &str = concat!(
        "INSERT INTO identities (",
        columns!(),
        ", username, folded_username, primary_email_address, external_id, folded_email_address)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
    );
    let traits = &identity.traits;
    let searchable = (
        &traits.username,
        text::folded(&traits.username),
        &traits.primary_email_address,
        &traits.external_id,
        folded_address(identity),
    );
    tx.exec(SQL, &(identity, searchable))
        .await
        .map_err(|error| refused(error, identity.realm_id))?;
    Ok(())
}

fn refused(error: db::Error, realm: RealmId) -> Error {
    match &error {
        // The realm was deleted concurrently.
        db::Error::ForeignKey => Error::not_found(Kind::REALM, realm),
        db::Error::Unique { constraint } if constraint == "identities_username" => {
            Error::conflict_on("username already exists", Kind::IDENTITY, "", "duplicate")
        }
        db::Error::Unique { constraint } if constraint == "identities_pkey" => Error::Collision,
        _ => error.into(),
    }
}

/// The statement that reads an identity.
macro_rules! select {
    ($lock:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM identities WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3",
            $lock
        )
    };
}

pub async fn find(rx: &mut Rx, at: IdentityRef) -> Result<Option<Identity>> {
    Ok(rx.opt(select!(""), &at).await?)
}

/// Like [`find`], and locks the row until the transaction ends.
pub async fn find_locked(tx: &mut Tx, at: IdentityRef) -> Result<Option<Identity>> {
    // SQLite has one writer, so needs no lock.
    const SQL: Sql = Sql {
        sqlite: select!(""),
        postgres: select!(" FOR UPDATE"),
    };
    Ok(tx.opt(SQL, &at).await?)
}

/// Reads an identity as it is shown at `now`.
pub async fn find_profile(rx: &mut Rx, at: IdentityRef, now: Timestamp) -> Result<Option<Profile>> {
    const SQL: &str = concat!(
        "SELECT ",
        profile_columns!(),
        " FROM identities WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3"
    );
    let row: Option<(Identity, EnrollmentStatus)> = rx.opt(SQL, &(at, now)).await?;
    Ok(row.map(Profile::from))
}

/// Whether a realm has any identity.
pub async fn any(rx: &mut Rx, realm: RealmRef) -> Result<bool> {
    const SQL: &str =
        "SELECT EXISTS (SELECT 1 FROM identities WHERE tenant_id = $1 AND realm_id = $2)";
    Ok(rx.one(SQL, &realm).await?)
}

/// Statements over the identities that `$3` selects: one for a page, one for their number. Each
/// filter has its own text, which states the condition of its own index.
macro_rules! texts {
    ($matching:literal) => {
        [
            concat!(
                "SELECT ",
                profile_columns!(),
                " FROM identities WHERE tenant_id = $1 AND realm_id = $2 AND ",
                $matching,
                " AND identity_id > $5 ORDER BY identity_id LIMIT $6 OFFSET $7"
            ),
            concat!(
                "SELECT COUNT(*) FROM identities WHERE tenant_id = $1 AND realm_id = $2 AND ",
                $matching
            ),
        ]
    };
}

const ALL: [&str; 2] = texts!("CAST($3 AS TEXT) IS NULL");
const BY_ID: [&str; 2] = texts!("identity_id = $3");
const BY_DISPLAY_NAME: [&str; 2] = texts!("display_name = $3 AND display_name >= ''");
const BY_USERNAME: [&str; 2] = texts!("folded_username = $3 AND folded_username >= ''");
const BY_EXTERNAL_ID: [&str; 2] = texts!("external_id = $3 AND external_id IS NOT NULL");
const BY_EMAIL_ADDRESS: [&str; 2] =
    texts!("primary_email_address = $3 AND primary_email_address IS NOT NULL");

/// The attributes that [`list`] can filter by.
pub const FILTERS: &[&str] = &[
    "id",
    "display_name",
    "traits.username",
    "username",
    "traits.external_id",
    "traits.primary_email_address",
];

/// Less than every id, and not itself an id.
const NOBODY: IdentityId = IdentityId::from_i64(-1);

/// Reads a page of a realm's identities as they are shown at `now`.
pub async fn list(
    rx: &mut Rx,
    realm: RealmRef,
    page: &PageRequest,
    now: Timestamp,
) -> Result<Page<Profile>> {
    let filter = page.filter.as_ref();
    let value = filter.map(|filter| filter.value.clone());
    let id = value
        .as_deref()
        .map_or(NOBODY, |text| text.parse().unwrap_or(NOBODY));
    let folded = value.as_deref().map(text::folded);
    let ([page_sql, count_sql], wanted): (_, &dyn Param) =
        match filter.map(|filter| filter.attribute.as_str()) {
            None => (ALL, &value),
            Some("id") => (BY_ID, &id),
            Some("display_name") => (BY_DISPLAY_NAME, &value),
            Some("traits.username" | "username") => (BY_USERNAME, &folded),
            Some("traits.external_id") => (BY_EXTERNAL_ID, &value),
            Some("traits.primary_email_address") => (BY_EMAIL_ADDRESS, &value),
            Some(other) => return Err(Error::internal(format!("no list by {other}"))),
        };
    let after = page.after::<IdentityId>()?.unwrap_or(NOBODY);
    let rows: Vec<(Identity, EnrollmentStatus)> = rx
        .all(
            page_sql,
            &(realm, wanted, now, after, page.limit(), page.offset()),
        )
        .await?;
    let total = match filter {
        Some(_) => rx.one(count_sql, &(realm, wanted)).await?,
        None => totals::total(rx, realm, DIRECTORY).await?,
    };
    let profiles = rows.into_iter().map(Profile::from).collect();
    Ok(page.page(profiles, total, |profile: &Profile| profile.identity.id))
}

/// Updates the mutable columns of an identity. A username that stays keeps its form for comparisons,
/// which an older version may have computed, so that the update can't fail for it.
pub async fn update(tx: &mut Tx, identity: &Identity) -> Result<()> {
    const SQL: &str = "UPDATE identities
        SET display_name = $4, status = $5, username = $6,
            folded_username = CASE WHEN username = $6 THEN folded_username ELSE $7 END, primary_email_address = $8,
            external_id = $9, traits = $10, updated_at = $11, folded_email_address = $12
        WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3";
    let Identity {
        tenant_id,
        realm_id,
        id,
        display_name,
        status,
        traits,
        updated_at,
        ..
    } = identity;
    tx.exec(
        SQL,
        &(
            tenant_id,
            realm_id,
            id,
            display_name,
            status,
            &traits.username,
            text::folded(&traits.username),
            &traits.primary_email_address,
            &traits.external_id,
            Json(traits),
            updated_at,
            folded_address(identity),
        ),
    )
    .await
    .map_err(|error| refused(error, *realm_id))?;
    Ok(())
}

/// Voids the codes that the identity has got and not redeemed.
pub async fn raise_grant_epoch(tx: &mut Tx, at: IdentityRef) -> Result<()> {
    const SQL: &str = "UPDATE identities SET grant_epoch = grant_epoch + 1
        WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3";
    tx.exec(SQL, &at).await?;
    Ok(())
}

/// The address as addresses are compared: ignoring case, although RFC 5321 lets a mail server
/// distinguish it, because applications do.
fn folded_address(identity: &Identity) -> Option<String> {
    let address = identity.traits.primary_email_address.as_deref();
    address.map(text::folded)
}

/// Whether another identity of the realm has the same value of `field`. Ids and usernames are
/// unique anyway.
pub async fn shares_subject(rx: &mut Rx, identity: &Identity, field: SubjectField) -> Result<bool> {
    const BY_ADDRESS: &str = "SELECT EXISTS (SELECT 1 FROM identities
        WHERE tenant_id = $1 AND realm_id = $2 AND folded_email_address IN ($4, $5) AND identity_id <> $3)";
    const BY_EXTERNAL_ID: &str = "SELECT EXISTS (SELECT 1 FROM identities
        WHERE tenant_id = $1 AND realm_id = $2 AND external_id = $4 AND identity_id <> $3)";
    let (at, traits) = (identity.at(), &identity.traits);
    match field {
        SubjectField::Id | SubjectField::Username => Ok(false),
        SubjectField::Email => {
            // An older address may still have the form that SQL gave it.
            let older = traits.primary_email_address.as_deref();
            let older = older.map(str::to_ascii_lowercase);
            Ok(rx
                .one(BY_ADDRESS, &(at, folded_address(identity), older))
                .await?)
        }
        SubjectField::ExternalId => Ok(rx.one(BY_EXTERNAL_ID, &(at, &traits.external_id)).await?),
    }
}

/// Whether any two identities of a realm have the same value of `field`.
pub async fn any_shared_subject(rx: &mut Rx, realm: RealmRef, field: SubjectField) -> Result<bool> {
    const BY_ADDRESS: &str = "SELECT EXISTS (SELECT folded_email_address FROM identities
        WHERE tenant_id = $1 AND realm_id = $2 AND folded_email_address IS NOT NULL
        GROUP BY folded_email_address HAVING COUNT(*) > 1)";
    const BY_EXTERNAL_ID: &str = "SELECT EXISTS (SELECT external_id FROM identities
        WHERE tenant_id = $1 AND realm_id = $2 AND external_id IS NOT NULL
        GROUP BY external_id HAVING COUNT(*) > 1)";
    match field {
        SubjectField::Id | SubjectField::Username => Ok(false),
        SubjectField::Email => Ok(rx.one(BY_ADDRESS, &realm).await?),
        SubjectField::ExternalId => Ok(rx.one(BY_EXTERNAL_ID, &realm).await?),
    }
}

/// Makes others that would give an identity the same subject wait until the transaction ends.
pub async fn lock_subject(tx: &mut Tx, identity: &Identity, field: SubjectField) -> Result<()> {
    // There is no row to lock before the first identity has the value. SQLite has one writer.
    const SQL: Sql = Sql {
        sqlite: "SELECT CAST($1 AS TEXT)",
        postgres: "SELECT CAST(pg_advisory_xact_lock($1) AS TEXT)",
    };
    let value = match field {
        SubjectField::Email => folded_address(identity),
        SubjectField::ExternalId => identity.traits.external_id.clone(),
        SubjectField::Id | SubjectField::Username => None,
    };
    let realm = identity.at().realm();
    let named = format!("{realm} {field} {}", value.unwrap_or_default());
    let Digest(digest) = Digest::of(named.as_bytes());
    let (lock, _) = digest.split_first_chunk().expect("a digest has 32 bytes");
    tx.one::<String>(SQL, &i64::from_be_bytes(*lock)).await?;
    Ok(())
}

/// Deletes an identity with its credentials and binding jobs. Returns false if it is missing.
pub async fn delete(tx: &mut Tx, at: IdentityRef) -> Result<bool> {
    const SQL: &str =
        "DELETE FROM identities WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3";
    let deleted = tx.exec(SQL, &at).await?;
    Ok(deleted == 1)
}

/// Returns the oldest identity of a realm that is not suspended.
pub async fn first_active(rx: &mut Rx, realm: RealmRef) -> Result<Option<Identity>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM identities
        WHERE tenant_id = $1 AND realm_id = $2 AND status = 'active' ORDER BY identity_id LIMIT 1"
    );
    Ok(rx.opt(SQL, &realm).await?)
}

/// Returns the identity with this username, ignoring case, unless it is suspended.
pub async fn find_active_by_username(
    rx: &mut Rx,
    realm: RealmRef,
    username: &str,
) -> Result<Option<Identity>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM identities WHERE tenant_id = $1 AND realm_id = $2
          AND folded_username = $3 AND folded_username >= '' AND status = 'active'"
    );
    Ok(rx.opt(SQL, &(realm, text::folded(username))).await?)
}
