//! Rows of `resource_servers`.

use keymoor_types::ResourceServerId;

use super::model::{ResourceServer, ResourceServerRef};
use crate::base::error::Result;
use crate::base::paging::{Page, PageRequest};
use crate::base::refs::RealmRef;
use crate::db::{Json, Rx, Tx, record};
use crate::infra::directory::store::{self as totals, Directory};

/// The list whose total is stored.
pub const DIRECTORY: Directory = Directory::new("resource_servers");

record!(ResourceServer as columns {
    tenant_id,
    realm_id,
    id: "resource_server_id",
    display_name,
    identifier,
    scopes: Json,
    is_managed,
    created_at,
    updated_at,
});

pub async fn insert(tx: &mut Tx, server: &ResourceServer) -> Result<()> {
    const SQL: &str = concat!(
        "INSERT INTO resource_servers (",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    );
    tx.exec(SQL, &server).await?;
    Ok(())
}

pub async fn find(rx: &mut Rx, at: ResourceServerRef) -> Result<Option<ResourceServer>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM resource_servers WHERE tenant_id = $1 AND realm_id = $2 AND resource_server_id = $3"
    );
    Ok(rx.opt(SQL, &at).await?)
}

/// Reads a page of a realm's resource servers.
pub async fn list(
    rx: &mut Rx,
    realm: RealmRef,
    page: &PageRequest,
) -> Result<Page<ResourceServer>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM resource_servers
        WHERE tenant_id = $1 AND realm_id = $2 AND (CAST($3 AS TEXT) IS NULL OR resource_server_id > $3)
        ORDER BY resource_server_id LIMIT $4 OFFSET $5"
    );
    let after = page.after::<ResourceServerId>()?;
    let servers = rx
        .all(SQL, &(realm, after, page.limit(), page.offset()))
        .await?;
    let total = totals::total(rx, realm, DIRECTORY).await?;
    Ok(page.page(servers, total, |server: &ResourceServer| server.id))
}
