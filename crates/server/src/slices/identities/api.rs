//! Management endpoints of identities.

use keymoor_types::{IdentityId, RealmId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{
    EnrollmentStatus, Identity, IdentityPatch, NewIdentity, Profile, Status, Traits, TraitsPatch,
    check_traits,
};
use super::ops;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::paging::Sizes;
use crate::base::refs::{IdentityRef, RealmRef};
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

const ENVELOPE: &str = "identity";
const READ_ONLY: &[&str] = &[
    "id",
    "tenant_id",
    "realm_id",
    "enrollment_status",
    "create_time",
    "update_time",
];

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateIdentityRequest)]
pub struct CreateRequest {
    identity: NewIdentityView,
}

impl Body for CreateRequest {
    const ENVELOPE: &'static str = ENVELOPE;
    const READ_ONLY: &'static [&'static str] = READ_ONLY;
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewIdentity)]
#[schema(examples(json!({"display_name": "Wren Marsh"})))]
struct NewIdentityView {
    #[schema(value_type = Name)]
    display_name: String,
    /// Defaults to `active`.
    status: Option<Status>,
    traits: Traits,
}

impl TryFrom<NewIdentityView> for NewIdentity {
    type Error = Error;

    fn try_from(view: NewIdentityView) -> Result<Self> {
        let NewIdentityView {
            display_name,
            status,
            traits,
        } = view;
        let mut violations = Violations::default();
        violations.check("identity.display_name", check_name(&display_name));
        check_traits(traits.all(), &mut violations);
        violations.or(Self {
            display_name,
            status: status.unwrap_or_default(),
            traits: traits.without_empty(),
        })
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateIdentityRequest)]
pub struct UpdateRequest {
    identity: IdentityPatchView,
}

impl Body for UpdateRequest {
    const ENVELOPE: &'static str = ENVELOPE;
    const READ_ONLY: &'static [&'static str] = READ_ONLY;
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = IdentityPatch)]
#[schema(examples(json!({"display_name": "Wren Marsh"})))]
struct IdentityPatchView {
    #[schema(value_type = Option<Name>)]
    display_name: Option<String>,
    /// A suspended identity can neither bind passkeys nor sign in.
    status: Option<Status>,
    traits: Option<TraitsPatch>,
}

impl TryFrom<IdentityPatchView> for IdentityPatch {
    type Error = Error;

    fn try_from(view: IdentityPatchView) -> Result<Self> {
        let IdentityPatchView {
            display_name,
            status,
            traits,
        } = view;
        let mut violations = Violations::default();
        if let Some(name) = &display_name {
            violations.check("identity.display_name", check_name(name));
        }
        if let Some(traits) = &traits {
            check_traits(traits.all(), &mut violations);
        }
        violations.or(Self {
            display_name,
            status,
            traits,
        })
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = Identity)]
struct IdentityView {
    id: IdentityId,
    realm_id: RealmId,
    tenant_id: TenantId,
    #[schema(examples("Wren Marsh"))]
    display_name: String,
    status: Status,
    enrollment_status: EnrollmentStatus,
    traits: Traits,
    create_time: Timestamp,
    update_time: Timestamp,
}

impl From<Profile> for IdentityView {
    fn from(profile: Profile) -> Self {
        let Profile {
            identity,
            enrollment_status,
        } = profile;
        let Identity {
            tenant_id,
            realm_id,
            id,
            display_name,
            status,
            traits,
            user_handle: _,
            created_at: create_time,
            updated_at: update_time,
        } = identity;
        Self {
            id,
            realm_id,
            tenant_id,
            display_name,
            status,
            enrollment_status,
            traits,
            create_time,
            update_time,
        }
    }
}

/// Creates an identity.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/identities",
    operation_id = "CreateIdentity",
    tag = "Identities",
    params(RealmRef),
    request_body = CreateRequest,
    responses((status = 200, body = IdentityView), Refusals, Conflicting, NotJson),
    security(("bearer" = ["identities:create"])),
)]
async fn create(
    Allowed { ctx, .. }: Allowed<scope::identities::Create>,
    at: RealmRef,
    Json(CreateRequest { identity }): Json<CreateRequest>,
) -> Result<Reply<IdentityView>> {
    let profile = ops::create(&ctx, at, identity.try_into()?).await?;
    Ok(Reply(profile.into()))
}

impl Listed for IdentityView {
    const SCHEMA: &'static str = "ListIdentitiesResponse";
    const MEMBER: &'static str = "identities";
    const SIZES: Sizes = Sizes::DIRECTORY;
    const ATTRIBUTES: &'static [&'static str] = super::store::FILTERS;
}

type IdentityPage = Paged<IdentityView>;

/// Lists the identities of a realm. Filters by `id`, `display_name`, `traits.username` (ignoring
/// case), `traits.external_id` and `traits.primary_email_address`.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/identities",
    operation_id = "ListIdentities",
    tag = "Identities",
    params(RealmRef, ListQuery),
    responses((status = 200, body = IdentityPage), Refusals),
    security(("bearer" = ["identities:read"])),
)]
async fn list(
    Allowed { ctx, .. }: Allowed<scope::identities::Read>,
    at: RealmRef,
    asked: Asked<IdentityView>,
) -> Result<IdentityPage> {
    let page = ops::list(&ctx, at, &asked).await?;
    Ok(asked.answer(page))
}

/// Reads an identity.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}",
    operation_id = "GetIdentity",
    tag = "Identities",
    params(IdentityRef),
    responses((status = 200, body = IdentityView), Refusals),
    security(("bearer" = ["identities:read"])),
)]
async fn get(
    Allowed { ctx, .. }: Allowed<scope::identities::Read>,
    at: IdentityRef,
) -> Result<Reply<IdentityView>> {
    let profile = ops::get(&ctx, at).await?;
    Ok(Reply(profile.into()))
}

/// Updates an identity. Omitted fields stay unchanged. An empty string removes a trait.
#[utoipa::path(
    patch,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}",
    operation_id = "UpdateIdentity",
    tag = "Identities",
    params(IdentityRef),
    request_body = UpdateRequest,
    responses((status = 200, body = IdentityView), Refusals, Conflicting, NotJson),
    security(("bearer" = ["identities:update"])),
)]
async fn update(
    Allowed { ctx, .. }: Allowed<scope::identities::Update>,
    at: IdentityRef,
    Json(UpdateRequest { identity }): Json<UpdateRequest>,
) -> Result<Reply<IdentityView>> {
    // Boxed, because three copies of the traits make the future large.
    let profile = Box::pin(ops::update(&ctx, at, identity.try_into()?)).await?;
    Ok(Reply(profile.into()))
}

/// Deletes an identity with its passkeys and binding jobs.
#[utoipa::path(
    delete,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}",
    operation_id = "DeleteIdentity",
    tag = "Identities",
    params(IdentityRef),
    responses((status = 200, description = "Deleted. The body is empty"), Refusals),
    security(("bearer" = ["identities:delete"])),
)]
async fn delete(
    Allowed { ctx, .. }: Allowed<scope::identities::Delete>,
    at: IdentityRef,
) -> Result<()> {
    ops::delete(&ctx, at).await
}
