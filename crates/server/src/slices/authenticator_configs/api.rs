//! Management endpoints of authenticator configs.

use keymoor_types::{AuthenticatorConfigId, RealmId, TenantId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{AuthenticatorConfig, AuthenticatorConfigPatch, ConfigBody, ConfigBodyPatch};
use super::ops;
use crate::app::App;
use crate::base::error::Result;
use crate::base::paging::Sizes;
use crate::base::refs::{AuthenticatorConfigRef, RealmRef};
use crate::base::scope;
use crate::http::auth::Allowed;
use crate::http::json::{Body, Json, Reply};
use crate::http::list::{Asked, ListQuery, Listed, Paged};
use crate::http::openapi::{Conflicting, NotJson, Refusals};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(get, update, delete))
}

// Creating and updating share one published shape.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChangeAuthenticatorConfigRequest)]
pub struct Request {
    authenticator_config: ConfigPatchView,
}

impl Body for Request {
    const ENVELOPE: &'static str = "authenticator_config";
    const READ_ONLY: &'static [&'static str] = &["id", "tenant_id", "realm_id", "is_managed"];
}

/// The body of a create or update. Omitted fields get their defaults or stay unchanged.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AuthenticatorConfigRequest)]
struct ConfigPatchView {
    /// A label for administrators, 1 to 256 characters.
    #[schema(examples("Example app"))]
    display_name: Option<String>,
    #[serde(default)]
    config: ConfigBodyPatch,
}

impl From<ConfigPatchView> for AuthenticatorConfigPatch {
    fn from(view: ConfigPatchView) -> Self {
        let ConfigPatchView {
            display_name,
            config,
        } = view;
        Self {
            display_name,
            config,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = AuthenticatorConfig)]
pub struct ConfigView {
    id: AuthenticatorConfigId,
    tenant_id: TenantId,
    realm_id: RealmId,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples("Example app"))]
    display_name: Option<String>,
    /// Created by Keymoor. Can't be changed or deleted.
    #[schema(examples(false))]
    is_managed: bool,
    config: ConfigBody,
}

impl From<AuthenticatorConfig> for ConfigView {
    fn from(config: AuthenticatorConfig) -> Self {
        Self {
            id: config.id,
            tenant_id: config.tenant_id,
            realm_id: config.realm_id,
            display_name: config.display_name,
            is_managed: config.is_managed,
            config: config.config.shown(),
        }
    }
}

/// Creates a config.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/authenticator-configs",
    operation_id = "CreateAuthenticatorConfig",
    tag = "Authenticator Configurations",
    params(RealmRef),
    request_body = Request,
    responses((status = 200, body = ConfigView), Refusals, NotJson),
    security(("bearer" = ["authenticator-configs:create"])),
)]
async fn create(
    Allowed { ctx, .. }: Allowed<scope::authenticator_configs::Create>,
    at: RealmRef,
    Json(Request {
        authenticator_config,
    }): Json<Request>,
) -> Result<Reply<ConfigView>> {
    let config = ops::create(&ctx, at, authenticator_config.into()).await?;
    Ok(Reply(config.into()))
}

impl Listed for ConfigView {
    const SCHEMA: &'static str = "ListAuthenticatorConfigsResponse";
    const MEMBER: &'static str = "authenticator_configs";
    const SIZES: Sizes = Sizes::CONFIGURATION;
    const ATTRIBUTES: &'static [&'static str] = &["id", "display_name"];
}

type ConfigPage = Paged<ConfigView>;

/// Lists the configs of a realm. Filters by `id` and `display_name`.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/authenticator-configs",
    operation_id = "ListAuthenticatorConfigs",
    tag = "Authenticator Configurations",
    params(RealmRef, ListQuery),
    responses((status = 200, body = ConfigPage), Refusals),
    security(("bearer" = ["authenticator-configs:read"])),
)]
async fn list(
    Allowed { ctx, .. }: Allowed<scope::authenticator_configs::Read>,
    at: RealmRef,
    asked: Asked<ConfigView>,
) -> Result<ConfigPage> {
    let page = ops::list(&ctx, at, &asked).await?;
    Ok(asked.answer(page))
}

/// Reads a config.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/authenticator-configs/{authenticator_config_id}",
    operation_id = "GetAuthenticatorConfig",
    tag = "Authenticator Configurations",
    params(AuthenticatorConfigRef),
    responses((status = 200, body = ConfigView), Refusals),
    security(("bearer" = ["authenticator-configs:read"])),
)]
async fn get(
    Allowed { ctx, .. }: Allowed<scope::authenticator_configs::Read>,
    at: AuthenticatorConfigRef,
) -> Result<Reply<ConfigView>> {
    let config = ops::get(&ctx, at).await?;
    Ok(Reply(config.into()))
}

/// Updates a config. Omitted fields stay unchanged, also inside `config`. The type is immutable.
#[utoipa::path(
    patch,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/authenticator-configs/{authenticator_config_id}",
    operation_id = "UpdateAuthenticatorConfig",
    tag = "Authenticator Configurations",
    params(AuthenticatorConfigRef),
    request_body = Request,
    responses((status = 200, body = ConfigView), Refusals, NotJson),
    security(("bearer" = ["authenticator-configs:update"])),
)]
async fn update(
    Allowed { ctx, .. }: Allowed<scope::authenticator_configs::Update>,
    at: AuthenticatorConfigRef,
    Json(Request {
        authenticator_config,
    }): Json<Request>,
) -> Result<Reply<ConfigView>> {
    let config = ops::update(&ctx, at, authenticator_config.into()).await?;
    Ok(Reply(config.into()))
}

/// Deletes a config that no application uses.
#[utoipa::path(
    delete,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/authenticator-configs/{authenticator_config_id}",
    operation_id = "DeleteAuthenticatorConfig",
    tag = "Authenticator Configurations",
    params(AuthenticatorConfigRef),
    responses((status = 200, description = "Deleted. The body is empty"), Refusals, Conflicting),
    security(("bearer" = ["authenticator-configs:delete"])),
)]
async fn delete(
    Allowed { ctx, .. }: Allowed<scope::authenticator_configs::Delete>,
    at: AuthenticatorConfigRef,
) -> Result<()> {
    ops::delete(&ctx, at).await
}
