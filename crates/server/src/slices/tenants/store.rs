//! Rows of `tenants`.

use keymoor_types::Timestamp;

use super::model::{Tenant, TenantPatch};
use crate::base::error::Result;
use crate::base::refs::TenantRef;
use crate::db::{Rx, Sql, Tx, record};

record!(Tenant as columns {
    id: "tenant_id",
    display_name,
    created_at,
    updated_at,
});

/// The columns of a [`Tenant`], for statements of other slices.
pub(crate) use columns as tenant_columns;

pub async fn insert(tx: &mut Tx, tenant: &Tenant) -> Result<()> {
    const SQL: &str = concat!(
        "INSERT INTO tenants (",
        columns!(),
        ") VALUES ($1, $2, $3, $4)"
    );
    tx.exec(SQL, &tenant).await?;
    Ok(())
}

pub async fn find(rx: &mut Rx, at: TenantRef) -> Result<Option<Tenant>> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM tenants WHERE tenant_id = $1");
    Ok(rx.opt(SQL, &at).await?)
}

pub async fn update(
    tx: &mut Tx,
    at: TenantRef,
    patch: &TenantPatch,
    now: Timestamp,
) -> Result<Option<Tenant>> {
    const SQL: &str = concat!(
        "UPDATE tenants SET display_name = COALESCE($2, display_name), updated_at = $3
        WHERE tenant_id = $1 RETURNING ",
        columns!()
    );
    let TenantPatch { display_name } = patch;
    Ok(tx.opt(SQL, &(at, display_name, now)).await?)
}

/// Returns the tenant created first, by `keymoor init`.
pub async fn first(rx: &mut Rx) -> Result<Option<Tenant>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM tenants ORDER BY created_at, tenant_id LIMIT 1"
    );
    Ok(rx.opt(SQL, &()).await?)
}

/// Serialises callers that look for the first tenant and create it. SQLite has one writer. On
/// PostgreSQL there is no tenant's row to lock yet, so this locks the schema's row.
pub async fn lock_first(tx: &mut Tx) -> Result<()> {
    const SQL: Sql = Sql {
        sqlite: "SELECT version FROM schema_migrations WHERE version = 0",
        postgres: "SELECT version FROM schema_migrations WHERE version = 0 FOR UPDATE",
    };
    tx.one::<i64>(SQL, &()).await?;
    Ok(())
}
