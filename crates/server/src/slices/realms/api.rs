//! Management endpoints of realms.

use keymoor_types::{RealmId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Classification, NewRealm, Realm, RealmPatch};
use super::ops;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::paging::Sizes;
use crate::base::refs::{RealmRef, TenantRef};
use crate::base::scope;
use crate::base::text::{Name, check_name};
use crate::base::validation::Violations;
use crate::http::auth::Allowed;
use crate::http::json::{Body, Json, Reply};
use crate::http::list::{Asked, ListQuery, Listed, Paged};
use crate::http::openapi::{Conflicting, NotJson, Refusals};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(get, update, delete))
}

const ENVELOPE: &str = "realm";
const READ_ONLY: &[&str] = &["id", "tenant_id", "create_time", "update_time"];

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateRealmRequest)]
pub struct CreateRequest {
    realm: NewRealmView,
}

impl Body for CreateRequest {
    const ENVELOPE: &'static str = ENVELOPE;
    const READ_ONLY: &'static [&'static str] = READ_ONLY;
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRealm)]
struct NewRealmView {
    /// Unique in the tenant, ignoring case.
    #[schema(value_type = Name)]
    display_name: String,
    /// Defaults to SECURE_CUSTOMER.
    classification: Option<Classification>,
}

impl TryFrom<NewRealmView> for NewRealm {
    type Error = Error;

    fn try_from(view: NewRealmView) -> Result<Self> {
        let NewRealmView {
            display_name,
            classification,
        } = view;
        let mut violations = Violations::default();
        violations.check("realm.display_name", check_name(&display_name));
        violations.or(Self {
            display_name,
            classification: classification.unwrap_or_default(),
        })
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateRealmRequest)]
pub struct UpdateRequest {
    realm: RealmPatchView,
}

impl Body for UpdateRequest {
    const ENVELOPE: &'static str = ENVELOPE;
    const READ_ONLY: &'static [&'static str] = READ_ONLY;
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RealmPatch)]
struct RealmPatchView {
    /// Unique in the tenant, ignoring case.
    #[schema(value_type = Option<Name>)]
    display_name: Option<String>,
    classification: Option<Classification>,
}

impl TryFrom<RealmPatchView> for RealmPatch {
    type Error = Error;

    fn try_from(view: RealmPatchView) -> Result<Self> {
        let RealmPatchView {
            display_name,
            classification,
        } = view;
        let mut violations = Violations::default();
        if let Some(name) = &display_name {
            violations.check("realm.display_name", check_name(name));
        }
        violations.or(Self {
            display_name,
            classification,
        })
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = Realm)]
struct RealmView {
    id: RealmId,
    tenant_id: TenantId,
    #[schema(examples("Customers"))]
    display_name: String,
    classification: Classification,
    create_time: Timestamp,
    update_time: Timestamp,
}

impl From<Realm> for RealmView {
    fn from(realm: Realm) -> Self {
        Self {
            id: realm.id,
            tenant_id: realm.tenant_id,
            display_name: realm.display_name,
            classification: realm.classification,
            create_time: realm.created_at,
            update_time: realm.updated_at,
        }
    }
}

/// Creates an empty realm.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/realms",
    operation_id = "CreateRealm",
    tag = "Realms",
    params(TenantRef),
    request_body = CreateRequest,
    responses((status = 200, body = RealmView), Refusals, Conflicting, NotJson),
    security(("bearer" = ["realms:create"])),
)]
async fn create(
    Allowed { ctx, .. }: Allowed<scope::realms::Create>,
    at: TenantRef,
    Json(CreateRequest { realm }): Json<CreateRequest>,
) -> Result<Reply<RealmView>> {
    let realm = ops::create(&ctx, at, realm.try_into()?).await?;
    Ok(Reply(realm.into()))
}

impl Listed for RealmView {
    const SCHEMA: &'static str = "ListRealmsResponse";
    const MEMBER: &'static str = "realms";
    const SIZES: Sizes = Sizes::DIRECTORY;
    const ATTRIBUTES: &'static [&'static str] = &["id", "display_name"];
}

type RealmPage = Paged<RealmView>;

/// Lists the tenant's realms. Filters by `id` and `display_name`.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms",
    operation_id = "ListRealms",
    tag = "Realms",
    params(TenantRef, ListQuery),
    responses((status = 200, body = RealmPage), Refusals),
    security(("bearer" = ["realms:read"])),
)]
async fn list(
    Allowed { ctx, .. }: Allowed<scope::realms::Read>,
    at: TenantRef,
    asked: Asked<RealmView>,
) -> Result<RealmPage> {
    let page = ops::list(&ctx, at, &asked).await?;
    Ok(asked.answer(page))
}

/// Reads a realm.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}",
    operation_id = "GetRealm",
    tag = "Realms",
    params(RealmRef),
    responses((status = 200, body = RealmView), Refusals),
    security(("bearer" = ["realms:read"])),
)]
async fn get(
    Allowed { ctx, .. }: Allowed<scope::realms::Read>,
    at: RealmRef,
) -> Result<Reply<RealmView>> {
    let realm = ops::get(&ctx, at).await?;
    Ok(Reply(realm.into()))
}

/// Updates a realm. Omitted fields stay unchanged.
#[utoipa::path(
    patch,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}",
    operation_id = "UpdateRealm",
    tag = "Realms",
    params(RealmRef),
    request_body = UpdateRequest,
    responses((status = 200, body = RealmView), Refusals, Conflicting, NotJson),
    security(("bearer" = ["realms:update"])),
)]
async fn update(
    Allowed { ctx, .. }: Allowed<scope::realms::Update>,
    at: RealmRef,
    Json(UpdateRequest { realm }): Json<UpdateRequest>,
) -> Result<Reply<RealmView>> {
    let realm = ops::update(&ctx, at, realm.try_into()?).await?;
    Ok(Reply(realm.into()))
}

/// Deletes a realm without identities, and its configuration. The admin realm can't be deleted.
#[utoipa::path(
    delete,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}",
    operation_id = "DeleteRealm",
    tag = "Realms",
    params(RealmRef),
    responses((status = 200, description = "Deleted. The body is empty"), Refusals, Conflicting),
    security(("bearer" = ["realms:delete"])),
)]
async fn delete(Allowed { ctx, .. }: Allowed<scope::realms::Delete>, at: RealmRef) -> Result<()> {
    ops::delete(&ctx, at).await
}
