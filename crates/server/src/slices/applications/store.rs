//! Rows of `applications`.

use keymoor_types::{ApplicationId, RealmId, TenantId, Timestamp};

use super::choices::SubjectField;
use super::model::{Application, Reservation};
use crate::app::App;
use crate::base::error::{Error, Kind, Result};
use crate::base::paging::{Page, PageRequest};
use crate::base::refs::{ApplicationRef, RealmRef, Ref as _};
use crate::base::secret::Secret;
use crate::base::vault::Purpose;
use crate::db::{self, Column, Json, Param, Rx, Sql, Tx, Value, record};
use crate::infra::directory::store::{Directory, total};

/// The list whose total is stored.
pub const DIRECTORY: Directory = Directory::new("applications");

record!(Application as columns {
    tenant_id,
    realm_id,
    id: "application_id",
    display_name,
    classification,
    is_managed,
    resource_server_id,
    authenticator_config_id,
    client_id,
    client_secret_hash,
    previous_secret_hash,
    previous_secret_expires_at,
    protocol: Json("protocol_config"),
    created_at,
    updated_at,
});

/// An application with the fields that require permission to read applications.
pub type WithSecret = (Application, Option<SealedSecret>);

/// The columns of [`WithSecret`].
macro_rules! columns_with_secret {
    () => {
        concat!(columns!(), ", client_secret_sealed")
    };
}

/// A client secret, sealed so that it can be shown again to permitted callers.
#[derive(Clone)]
pub struct SealedSecret(Vec<u8>);

impl SealedSecret {
    pub fn seal(app: &App, application: &Application, secret: &Secret) -> Self {
        Self(app.vault.seal(
            Purpose::ClientSecret,
            &context(application),
            secret.expose().as_bytes(),
        ))
    }

    pub fn open(&self, app: &App, application: &Application) -> Result<Secret> {
        let plain = app
            .vault
            .open(Purpose::ClientSecret, &context(application), &self.0)
            .map_err(|_| Error::Sealed("a client secret".to_owned()))?;
        String::from_utf8(plain.to_vec())
            .map(Secret::new)
            .map_err(Error::internal)
    }
}

impl Param for SealedSecret {
    fn value(&self) -> Value<'_> {
        self.0.value()
    }
}

impl Column for SealedSecret {
    fn column(value: Value<'_>) -> Option<Self> {
        Vec::column(value).map(Self)
    }
}

fn context(application: &Application) -> Vec<u8> {
    application.at().to_string().into_bytes()
}

pub async fn insert(
    tx: &mut Tx,
    application: &Application,
    secret: Option<&SealedSecret>,
) -> Result<()> {
    const SQL: &str = concat!(
        "INSERT INTO applications (",
        columns_with_secret!(),
        ", subject_field) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
    );
    let tokens = application.protocol.token_configuration;
    tx.exec(SQL, &(application, secret, tokens.subject_field))
        .await
        .map_err(|error| match error {
            // Only the realm can be missing.
            db::Error::ForeignKey
                if application.resource_server_id.is_none()
                    && application.authenticator_config_id.is_none() =>
            {
                application.at().realm().not_found()
            }
            other => refused(other, application.id),
        })?;
    Ok(())
}

fn refused(error: db::Error, id: ApplicationId) -> Error {
    match error {
        // The caller has checked every reference, so one was deleted concurrently.
        db::Error::ForeignKey => Error::conflict_on(
            "what the application refers to has just been deleted",
            Kind::APPLICATION,
            id,
            "deleted reference",
        ),
        // A concurrent sign-in was faster. The next attempt finds its client.
        db::Error::Unique { constraint } if constraint == "applications_console" => {
            Error::Collision
        }
        other => other.into(),
    }
}

/// Returns the fields, other than ids, that applications of a realm use as subject, or are about to
/// use.
pub async fn subject_fields(rx: &mut Rx, realm: RealmRef) -> Result<Vec<SubjectField>> {
    const SQL: &str = "SELECT subject_field FROM applications
        WHERE tenant_id = $1 AND realm_id = $2 AND subject_field <> 'id'
        UNION SELECT subject_field FROM subject_reservations
        WHERE tenant_id = $1 AND realm_id = $2
        ORDER BY subject_field";
    Ok(rx.all(SQL, &realm).await?)
}

pub async fn reserve(tx: &mut Tx, reservation: &Reservation) -> Result<()> {
    const SQL: &str = "INSERT INTO subject_reservations
        (tenant_id, realm_id, application_id, subject_field, created_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (tenant_id, realm_id, application_id, subject_field, created_at) DO NOTHING";
    let Reservation {
        application,
        field,
        created_at,
    } = reservation;
    tx.exec(SQL, &(*application, *field, *created_at)).await?;
    Ok(())
}

/// Removes a reservation. False: it is gone.
pub async fn use_reservation(tx: &mut Tx, reservation: &Reservation) -> Result<bool> {
    const SQL: &str = "DELETE FROM subject_reservations
        WHERE tenant_id = $1 AND realm_id = $2 AND application_id = $3 AND subject_field = $4
          AND created_at = $5";
    let Reservation {
        application,
        field,
        created_at,
    } = reservation;
    Ok(tx.exec(SQL, &(*application, *field, *created_at)).await? == 1)
}

/// Whether any tenant has a reservation from before `before`.
pub async fn any_reserved(rx: &mut Rx, before: Timestamp) -> Result<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM subject_reservations WHERE created_at < $1)";
    Ok(rx.one(SQL, &before).await?)
}

/// Removes the reservations of all tenants from before `before`.
pub async fn free_reserved(tx: &mut Tx, before: Timestamp) -> Result<()> {
    const SQL: &str = "DELETE FROM subject_reservations WHERE created_at < $1";
    tx.exec(SQL, &before).await?;
    Ok(())
}

pub async fn find(rx: &mut Rx, at: ApplicationRef) -> Result<Option<Application>> {
    let found = find_with_secret(rx, at).await?;
    Ok(found.map(|(application, _)| application))
}

/// The statement that reads an application.
macro_rules! select {
    ($lock:literal) => {
        concat!(
            "SELECT ",
            columns_with_secret!(),
            " FROM applications WHERE tenant_id = $1 AND realm_id = $2 AND application_id = $3",
            $lock
        )
    };
}

pub async fn find_with_secret(rx: &mut Rx, at: ApplicationRef) -> Result<Option<WithSecret>> {
    Ok(rx.opt(select!(""), &at).await?)
}

/// Like [`find_with_secret`], and locks the application until the transaction ends.
pub async fn find_locked(tx: &mut Tx, at: ApplicationRef) -> Result<Option<WithSecret>> {
    // SQLite has one writer, so needs no lock. This lock is that of an UPDATE, so concurrent
    // foreign key checks still pass.
    const SQL: Sql = Sql {
        sqlite: select!(""),
        postgres: select!(" FOR NO KEY UPDATE"),
    };
    Ok(tx.opt(SQL, &at).await?)
}

/// Reads the built-in application that calls the management API.
pub async fn find_management(rx: &mut Rx, realm: RealmRef) -> Result<Option<Application>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM applications
        WHERE tenant_id = $1 AND realm_id = $2 AND is_managed AND classification = 'management_api'
        ORDER BY application_id LIMIT 1"
    );
    Ok(rx.opt(SQL, &realm).await?)
}

/// Reads the built-in application that signs administrators in to the console, with its secret.
pub async fn find_console(rx: &mut Rx, realm: RealmRef) -> Result<Option<WithSecret>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns_with_secret!(),
        " FROM applications
        WHERE tenant_id = $1 AND realm_id = $2 AND is_managed AND classification = 'console'"
    );
    Ok(rx.opt(SQL, &realm).await?)
}

/// Inserts the console's application. Returns false if a concurrent sign-in was faster.
pub async fn insert_console(
    tx: &mut Tx,
    application: &Application,
    secret: &SealedSecret,
) -> Result<bool> {
    match find_console(tx, application.at().realm()).await? {
        Some(_) => Ok(false),
        None => insert(tx, application, Some(secret)).await.map(|()| true),
    }
}

/// Returns the sealed client secret, for callers that may read applications.
pub async fn find_secret(rx: &mut Rx, at: ApplicationRef) -> Result<Option<SealedSecret>> {
    let found = find_with_secret(rx, at).await?;
    Ok(found.and_then(|(_, sealed)| sealed))
}

/// Updates the mutable columns of an application.
pub async fn update(tx: &mut Tx, application: &Application) -> Result<()> {
    const SQL: &str = "UPDATE applications
        SET display_name = $4, resource_server_id = $5, authenticator_config_id = $6, protocol_config = $7,
            updated_at = $8, subject_field = $9
        WHERE tenant_id = $1 AND realm_id = $2 AND application_id = $3";
    tx.exec(
        SQL,
        &(
            application.at(),
            &application.display_name,
            application.resource_server_id,
            application.authenticator_config_id,
            Json(&application.protocol),
            application.updated_at,
            application.protocol.token_configuration.subject_field,
        ),
    )
    .await
    .map_err(|error| refused(error, application.id))?;
    Ok(())
}

/// Replaces an application's secret by `secret`. Until `overlap_ends`, the replaced one works too.
/// An earlier overlap ends.
pub async fn replace_secret(
    tx: &mut Tx,
    application: &Application,
    secret: &SealedSecret,
    overlap_ends: Option<Timestamp>,
) -> Result<()> {
    const SQL: &str = "UPDATE applications
        SET previous_secret_hash = CASE WHEN CAST($4 AS BIGINT) IS NULL THEN NULL ELSE client_secret_hash END,
            previous_secret_expires_at = $4, client_secret_hash = $5, client_secret_sealed = $6,
            protocol_config = $7, updated_at = $8
        WHERE tenant_id = $1 AND realm_id = $2 AND application_id = $3";
    let Application {
        client_secret_hash,
        protocol,
        updated_at,
        ..
    } = application;
    tx.exec(
        SQL,
        &(
            application.at(),
            overlap_ends,
            client_secret_hash,
            secret,
            Json(protocol),
            updated_at,
        ),
    )
    .await?;
    Ok(())
}

/// Deletes an application. Returns false if it is managed or missing.
pub async fn delete(tx: &mut Tx, at: ApplicationRef) -> Result<bool> {
    const SQL: &str = "DELETE FROM applications
        WHERE tenant_id = $1 AND realm_id = $2 AND application_id = $3 AND NOT is_managed";
    Ok(tx.exec(SQL, &at).await? == 1)
}

/// The filter of a list.
macro_rules! matching {
    () => {
        " FROM applications WHERE tenant_id = $1 AND realm_id = $2
          AND (CAST($3 AS TEXT) IS NULL OR application_id = $3)
          AND (CAST($4 AS TEXT) IS NULL OR display_name = $4)"
    };
}

/// Reads a page of a realm's applications.
pub async fn list(rx: &mut Rx, realm: RealmRef, page: &PageRequest) -> Result<Page<WithSecret>> {
    const ROWS: &str = concat!(
        "SELECT ",
        columns_with_secret!(),
        matching!(),
        " AND application_id > $5 ORDER BY application_id LIMIT $6 OFFSET $7"
    );
    const COUNT: &str = concat!("SELECT COUNT(*)", matching!());
    let (id, name) = (page.filtered("id"), page.filtered("display_name"));
    let after = page
        .after::<ApplicationId>()?
        .map_or_else(String::new, |id| id.to_string());
    let applications = rx
        .all(ROWS, &(realm, id, name, after, page.limit(), page.offset()))
        .await?;
    let total = if page.filter.is_some() {
        rx.one(COUNT, &(realm, id, name)).await?
    } else {
        total(rx, realm, DIRECTORY).await?
    };
    Ok(
        page.page(applications, total, |(application, _): &WithSecret| {
            application.id
        }),
    )
}

/// Reads up to 100 applications of all tenants after `after`, without managed ones, ordered by key.
pub async fn list_all(
    rx: &mut Rx,
    after: &(TenantId, RealmId, String),
) -> Result<Vec<Application>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM applications
        WHERE (tenant_id, realm_id, application_id) > ($1, $2, $3) AND NOT is_managed
        ORDER BY tenant_id, realm_id, application_id LIMIT 100"
    );
    Ok(rx.all(SQL, after).await?)
}
