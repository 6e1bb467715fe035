//! Management endpoints of the tenant.

use keymoor_types::{TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Tenant, TenantPatch};
use super::ops;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::refs::TenantRef;
use crate::base::scope;
use crate::base::text::{Name, check_name};
use crate::base::validation::Violations;
use crate::http::auth::Allowed;
use crate::http::json::{Body, Json, Reply};
use crate::http::openapi::{NotJson, Refusals};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get, update))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateTenantRequest)]
pub struct UpdateRequest {
    tenant: TenantPatchView,
}

impl Body for UpdateRequest {
    const ENVELOPE: &'static str = "tenant";
    const READ_ONLY: &'static [&'static str] = &["id", "create_time", "update_time"];
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TenantPatch)]
#[schema(examples(json!({"display_name": "Example"})))]
struct TenantPatchView {
    #[schema(value_type = Option<Name>)]
    display_name: Option<String>,
}

impl TryFrom<TenantPatchView> for TenantPatch {
    type Error = Error;

    fn try_from(TenantPatchView { display_name }: TenantPatchView) -> Result<Self> {
        let mut violations = Violations::default();
        if let Some(name) = &display_name {
            violations.check("tenant.display_name", check_name(name));
        }
        violations.or(Self { display_name })
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = Tenant)]
struct TenantView {
    id: TenantId,
    #[schema(examples("Example"))]
    display_name: String,
    create_time: Timestamp,
    update_time: Timestamp,
}

impl From<Tenant> for TenantView {
    fn from(tenant: Tenant) -> Self {
        let Tenant {
            id,
            display_name,
            created_at: create_time,
            updated_at: update_time,
        } = tenant;
        Self {
            id,
            display_name,
            create_time,
            update_time,
        }
    }
}

/// Reads the tenant.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}",
    operation_id = "GetTenant",
    tag = "Tenants",
    params(TenantRef),
    responses((status = 200, body = TenantView), Refusals),
    security(("bearer" = ["tenants:read"])),
)]
async fn get(
    Allowed { ctx, .. }: Allowed<scope::tenants::Read>,
    at: TenantRef,
) -> Result<Reply<TenantView>> {
    let tenant = ops::get(&ctx, at).await?;
    Ok(Reply(tenant.into()))
}

/// Updates the tenant. Omitted fields stay unchanged.
#[utoipa::path(
    patch,
    path = "/v1/tenants/{tenant_id}",
    operation_id = "UpdateTenant",
    tag = "Tenants",
    params(TenantRef),
    request_body = UpdateRequest,
    responses((status = 200, body = TenantView), Refusals, NotJson),
    security(("bearer" = ["tenants:update"])),
)]
async fn update(
    Allowed { ctx, .. }: Allowed<scope::tenants::Update>,
    at: TenantRef,
    Json(UpdateRequest { tenant }): Json<UpdateRequest>,
) -> Result<Reply<TenantView>> {
    let tenant = ops::update(&ctx, at, tenant.try_into()?).await?;
    Ok(Reply(tenant.into()))
}
