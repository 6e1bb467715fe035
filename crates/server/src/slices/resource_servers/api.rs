//! Management endpoints of resource servers.

use axum::Json as Answer;
use keymoor_types::{RealmId, ResourceServerId, TenantId};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{ResourceServer, ResourceServerRef};
use super::ops;
use crate::app::App;
use crate::base::error::Result;
use crate::base::paging::{ListQuery, Page};
use crate::base::refs::{RealmRef, Ref as _};
use crate::base::scope;
use crate::http::auth::Allowed;
use crate::http::openapi::Refusals;
use crate::http::path::extract;

extract!(ResourceServerRef);

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
}

#[derive(Serialize, ToSchema)]
#[schema(as = ResourceServer)]
struct ResourceServerView {
    id: ResourceServerId,
    realm_id: RealmId,
    tenant_id: TenantId,
    display_name: String,
    /// Made by Keymoor, and not to be changed or deleted.
    is_managed: bool,
    /// The audience of tokens for this API. Unique in the realm.
    identifier: String,
    scopes: Vec<String>,
}

impl From<ResourceServer> for ResourceServerView {
    fn from(server: ResourceServer) -> Self {
        Self {
            id: server.id,
            realm_id: server.realm_id,
            tenant_id: server.tenant_id,
            display_name: server.display_name,
            is_managed: server.is_managed,
            identifier: server.identifier,
            scopes: server.scopes,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = ListResourceServersResponse)]
struct ListAnswer {
    resource_servers: Vec<ResourceServerView>,
    total_size: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

/// Lists the resource servers of a realm.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/resource-servers",
    operation_id = "ListResourceServers",
    tag = "Resource Servers",
    params(RealmRef, ListQuery),
    responses((status = 200, body = ListAnswer), Refusals),
    security(("bearer" = ["resource-servers:read"])),
)]
async fn list(
    Allowed { ctx, .. }: Allowed<scope::resource_servers::Read>,
    at: RealmRef,
    query: ListQuery,
) -> Result<Answer<ListAnswer>> {
    let Page {
        items,
        total_size,
        next_page_token,
    } = ops::list(&ctx, at, &query).await?;
    Ok(Answer(ListAnswer {
        resource_servers: items.into_iter().map(ResourceServerView::from).collect(),
        total_size,
        next_page_token,
    }))
}

/// Reads a resource server.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/resource-servers/{resource_server_id}",
    operation_id = "GetResourceServer",
    tag = "Resource Servers",
    params(ResourceServerRef),
    responses((status = 200, body = ResourceServerView), Refusals),
    security(("bearer" = ["resource-servers:read"])),
)]
async fn get(
    Allowed { ctx, .. }: Allowed<scope::resource_servers::Read>,
    at: ResourceServerRef,
) -> Result<Answer<ResourceServerView>> {
    let ResourceServerRef {
        tenant_id,
        realm_id,
        resource_server_id,
    } = at;
    let realm = RealmRef {
        tenant_id,
        realm_id,
    };
    let server = ops::get(&ctx, realm, resource_server_id).await?;
    Ok(Answer(server.into()))
}
