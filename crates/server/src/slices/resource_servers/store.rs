//! Rows of `resource_servers`.

use crate::base::refs::RealmRef;
use keymoor_types::{RealmId, ResourceServerId, TenantId, Timestamp};

use super::model::{ResourceServer, ResourceServerRef};
use crate::base::error::Result;
use crate::base::paging::{Page, PageRequest};
use crate::db::{Json, Rx, Tx, record};
use crate::infra::directory::store::{self as totals, Directory};

/// The list of which the totals are kept.
pub const DIRECTORY: Directory = Directory::new("resource_servers");

struct ResourceServerRow {
    tenant_id: TenantId,
    realm_id: RealmId,
    id: ResourceServerId,
    display_name: String,
    identifier: String,
    scopes: Json<Vec<String>>,
    is_managed: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
}

record!(ResourceServerRow {
    tenant_id,
    realm_id,
    id: "resource_server_id",
    display_name,
    identifier,
    scopes,
    is_managed,
    created_at,
    updated_at,
});

impl From<ResourceServerRow> for ResourceServer {
    fn from(row: ResourceServerRow) -> Self {
        let ResourceServerRow {
            tenant_id,
            realm_id,
            id,
            display_name,
            identifier,
            ..
        } = row;
        let ResourceServerRow {
            scopes,
            is_managed,
            created_at,
            updated_at,
            ..
        } = row;
        Self {
            tenant_id,
            realm_id,
            id,
            display_name,
            identifier,
            scopes: scopes.0,
            is_managed,
            created_at,
            updated_at,
        }
    }
}

pub async fn insert(tx: &mut Tx, server: &ResourceServer) -> Result<()> {
    const SQL: &str = "INSERT INTO resource_servers
        (tenant_id, realm_id, resource_server_id, display_name, identifier, scopes, is_managed, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let ResourceServer {
        tenant_id,
        realm_id,
        id,
        display_name,
        identifier,
        ..
    } = server;
    let ResourceServer {
        scopes,
        is_managed,
        created_at,
        updated_at,
        ..
    } = server;
    let scopes = Json(scopes);
    tx.exec(
        SQL,
        &(
            tenant_id,
            realm_id,
            id,
            display_name,
            identifier,
            scopes,
            is_managed,
            created_at,
            updated_at,
        ),
    )
    .await?;
    Ok(())
}

pub async fn find(rx: &mut Rx, at: ResourceServerRef) -> Result<Option<ResourceServer>> {
    const SQL: &str = "SELECT tenant_id, realm_id, resource_server_id, display_name, identifier, scopes, is_managed,
            created_at, updated_at
        FROM resource_servers WHERE tenant_id = $1 AND realm_id = $2 AND resource_server_id = $3";
    let row: Option<ResourceServerRow> = rx.opt(SQL, &at).await?;
    Ok(row.map(ResourceServer::from))
}

/// A page of a realm's resource servers.
pub async fn list(
    rx: &mut Rx,
    realm: RealmRef,
    page: &PageRequest,
) -> Result<Page<ResourceServer>> {
    const SQL: &str = "SELECT tenant_id, realm_id, resource_server_id, display_name, identifier, scopes, is_managed,
            created_at, updated_at
        FROM resource_servers
        WHERE tenant_id = $1 AND realm_id = $2 AND (CAST($3 AS TEXT) IS NULL OR resource_server_id > $3)
        ORDER BY resource_server_id LIMIT $4 OFFSET $5";
    let after = page.after::<ResourceServerId>()?;
    let rows: Vec<ResourceServerRow> = rx
        .all(SQL, &(realm, after, page.limit(), page.offset()))
        .await?;
    let total = totals::total(rx, realm, DIRECTORY).await?;
    let servers = rows.into_iter().map(ResourceServer::from).collect();
    Ok(page.page(servers, total, |server: &ResourceServer| server.id))
}
