//! Management endpoints of resource servers.

use keymoor_types::{RealmId, ResourceServerId, TenantId};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{ResourceServer, ResourceServerRef};
use super::ops;
use crate::app::App;
use crate::base::error::Result;
use crate::base::paging::Sizes;
use crate::base::refs::{RealmRef, Ref as _};
use crate::base::scope;
use crate::http::auth::Allowed;
use crate::http::json::Reply;
use crate::http::list::{Asked, ListQuery, Listed, Paged};
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
    #[schema(examples("Reports"))]
    display_name: String,
    /// Created by Keymoor. Can't be changed or deleted.
    #[schema(examples(false))]
    is_managed: bool,
    /// The audience of tokens for this API. Unique in the realm.
    #[schema(examples("https://reports.example.com"))]
    identifier: String,
    #[schema(examples("reports:read"))]
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

impl Listed for ResourceServerView {
    const SCHEMA: &'static str = "ListResourceServersResponse";
    const MEMBER: &'static str = "resource_servers";
    const SIZES: Sizes = Sizes::CONFIGURATION;
}

type ResourceServerPage = Paged<ResourceServerView>;

/// Lists the resource servers of a realm.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/resource-servers",
    operation_id = "ListResourceServers",
    tag = "Resource Servers",
    params(RealmRef, ListQuery),
    responses((status = 200, body = ResourceServerPage), Refusals),
    security(("bearer" = ["resource-servers:read"])),
)]
async fn list(
    Allowed { ctx, .. }: Allowed<scope::resource_servers::Read>,
    at: RealmRef,
    asked: Asked<ResourceServerView>,
) -> Result<ResourceServerPage> {
    let page = ops::list(&ctx, at, &asked).await?;
    Ok(asked.answer(page))
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
) -> Result<Reply<ResourceServerView>> {
    let server = ops::get(&ctx, at).await?;
    Ok(Reply(server.into()))
}
