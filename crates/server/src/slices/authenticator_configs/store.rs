//! Rows of `authenticator_configs`.

use keymoor_types::{AuthenticatorConfigId, RealmId, TenantId};

use super::model::AuthenticatorConfig;
use crate::base::error::{Error, Kind, Result};
use crate::base::paging::{Page, PageRequest};
use crate::base::refs::{AuthenticatorConfigRef, RealmRef, Ref as _};
use crate::db::{self, Json, Rx, Sql, Tx, record};
use crate::infra::directory::store::{Directory, total};

/// The list whose total is stored.
pub const DIRECTORY: Directory = Directory::new("authenticator_configs");

record!(AuthenticatorConfig as columns {
    tenant_id,
    realm_id,
    id: "authenticator_config_id",
    display_name,
    config: Json,
    is_managed,
    created_at,
    updated_at,
});

/// Inserts a config.
///
/// # Errors
/// `NotFound` if the realm is missing.
pub async fn insert(tx: &mut Tx, config: &AuthenticatorConfig) -> Result<()> {
    const SQL: &str = concat!(
        "INSERT INTO authenticator_configs (",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
    );
    tx.exec(SQL, &config).await.map_err(|error| match error {
        db::Error::ForeignKey => config.at().realm().not_found(),
        other => other.into(),
    })?;
    Ok(())
}

/// The statement that reads a config.
macro_rules! select {
    ($lock:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM authenticator_configs WHERE tenant_id = $1 AND realm_id = $2 AND authenticator_config_id = $3",
            $lock
        )
    };
}

pub async fn find(rx: &mut Rx, at: AuthenticatorConfigRef) -> Result<Option<AuthenticatorConfig>> {
    Ok(rx.opt(select!(""), &at).await?)
}

/// Like [`find`], and locks the config until the transaction ends.
pub async fn find_locked(
    tx: &mut Tx,
    at: AuthenticatorConfigRef,
) -> Result<Option<AuthenticatorConfig>> {
    // SQLite has one writer, so needs no lock. This lock is that of an UPDATE, so applications may
    // still start to refer to the config.
    const SQL: Sql = Sql {
        sqlite: select!(""),
        postgres: select!(" FOR NO KEY UPDATE"),
    };
    Ok(tx.opt(SQL, &at).await?)
}

/// Updates the mutable columns of a config.
pub async fn update(tx: &mut Tx, config: &AuthenticatorConfig) -> Result<()> {
    const SQL: &str =
        "UPDATE authenticator_configs SET display_name = $4, config = $5, updated_at = $6
        WHERE tenant_id = $1 AND realm_id = $2 AND authenticator_config_id = $3";
    tx.exec(
        SQL,
        &(
            config.at(),
            &config.display_name,
            Json(&config.config),
            config.updated_at,
        ),
    )
    .await?;
    Ok(())
}

/// Deletes a config. Returns false if it is managed or missing.
///
/// # Errors
/// `Conflict` while an application refers to it.
pub async fn delete(tx: &mut Tx, at: AuthenticatorConfigRef) -> Result<bool> {
    const SQL: &str = "DELETE FROM authenticator_configs
        WHERE tenant_id = $1 AND realm_id = $2 AND authenticator_config_id = $3 AND NOT is_managed";
    let deleted = tx.exec(SQL, &at).await.map_err(|error| match error {
        db::Error::ForeignKey => Error::conflict_on(
            "authenticator config has applications",
            Kind::AUTHENTICATOR_CONFIG,
            at.authenticator_config_id,
            "in use",
        ),
        other => other.into(),
    })?;
    Ok(deleted == 1)
}

/// The filter of a list.
macro_rules! matching {
    () => {
        " FROM authenticator_configs WHERE tenant_id = $1 AND realm_id = $2
          AND (CAST($3 AS TEXT) IS NULL OR authenticator_config_id = $3)
          AND (CAST($4 AS TEXT) IS NULL OR display_name = $4)"
    };
}

/// Reads a page of a realm's configs.
pub async fn list(
    rx: &mut Rx,
    realm: RealmRef,
    page: &PageRequest,
) -> Result<Page<AuthenticatorConfig>> {
    const ROWS: &str = concat!(
        "SELECT ",
        columns!(),
        matching!(),
        " AND authenticator_config_id > $5 ORDER BY authenticator_config_id LIMIT $6 OFFSET $7"
    );
    const COUNT: &str = concat!("SELECT COUNT(*)", matching!());
    let (id, name) = (page.filtered("id"), page.filtered("display_name"));
    let after = page
        .after::<AuthenticatorConfigId>()?
        .map_or_else(String::new, |id| id.to_string());
    let configs = rx
        .all(ROWS, &(realm, id, name, after, page.limit(), page.offset()))
        .await?;
    let total = if page.filter.is_some() {
        rx.one(COUNT, &(realm, id, name)).await?
    } else {
        total(rx, realm, DIRECTORY).await?
    };
    Ok(page.page(configs, total, |config: &AuthenticatorConfig| config.id))
}

/// Returns the realm's built-in config, which belongs to the console.
pub async fn find_managed(rx: &mut Rx, realm: RealmRef) -> Result<Option<AuthenticatorConfigId>> {
    const SQL: &str = "SELECT authenticator_config_id FROM authenticator_configs
        WHERE tenant_id = $1 AND realm_id = $2 AND is_managed ORDER BY authenticator_config_id LIMIT 1";
    Ok(rx.opt(SQL, &realm).await?)
}

/// Returns the consoles' configs of up to 100 tenants after `after`, ordered by tenant.
pub async fn list_console_configs(
    rx: &mut Rx,
    after: TenantId,
) -> Result<Vec<AuthenticatorConfig>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM authenticator_configs
        WHERE is_managed AND (tenant_id, realm_id) IN
          (SELECT tenant_id, realm_id FROM realms WHERE is_admin AND tenant_id > $1 ORDER BY tenant_id LIMIT 100)
        ORDER BY tenant_id"
    );
    Ok(rx.all(SQL, &after).await?)
}

/// Updates a managed config to `config`. Returns false if it is unchanged.
pub async fn correct_managed(tx: &mut Tx, config: &AuthenticatorConfig) -> Result<bool> {
    const SQL: &str = "UPDATE authenticator_configs SET config = $4, updated_at = $5
        WHERE tenant_id = $1 AND realm_id = $2 AND authenticator_config_id = $3
          AND is_managed AND config <> $4";
    let AuthenticatorConfig {
        tenant_id,
        realm_id,
        id,
        config,
        updated_at,
        ..
    } = config;
    let changed = tx
        .exec(SQL, &(tenant_id, realm_id, id, Json(config), updated_at))
        .await?;
    Ok(changed == 1)
}

/// Reads up to 100 configs of all tenants after `after`, without managed ones, ordered by key.
pub async fn list_all(
    rx: &mut Rx,
    after: &(TenantId, RealmId, String),
) -> Result<Vec<AuthenticatorConfig>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM authenticator_configs
        WHERE (tenant_id, realm_id, authenticator_config_id) > ($1, $2, $3) AND NOT is_managed
        ORDER BY tenant_id, realm_id, authenticator_config_id LIMIT 100"
    );
    Ok(rx.all(SQL, after).await?)
}
