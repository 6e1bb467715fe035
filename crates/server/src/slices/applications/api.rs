//! Management endpoints of applications.

use keymoor_oauth::client::{Confidentiality, GrantType, PkceSetting, Protocol};
use keymoor_types::{ApplicationId, AuthenticatorConfigId, RealmId, ResourceServerId, TenantId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::choices::{IdTokenContent, SigningAlgorithm, SubjectField};
use super::model::{ProtocolConfig, Revealed, TokenConfiguration};
use super::ops;
use super::patch::{ApplicationPatch, ProtocolPatch, TokenConfigurationPatch, TokenFormat};
use super::schema;
use crate::app::App;
use crate::base::error::Result;
use crate::base::paging::Sizes;
use crate::base::refs::{ApplicationRef, RealmRef};
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
#[schema(as = ChangeApplicationRequest)]
pub struct Request {
    application: ApplicationPatchView,
}

impl Body for Request {
    const ENVELOPE: &'static str = "application";
    const READ_ONLY: &'static [&'static str] = &[
        "id",
        "tenant_id",
        "realm_id",
        "is_managed",
        "classification",
        "protocol_config.client_id",
        "protocol_config.client_secret",
        "protocol_config.token_endpoint_auth_method",
    ];
}

/// The body of a create or update. Omitted fields get their defaults or stay unchanged.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ApplicationRequest)]
struct ApplicationPatchView {
    /// A label for administrators, 1 to 256 characters. Required on creation.
    #[schema(examples("Example app"))]
    display_name: Option<String>,
    /// The API that the application can call. An empty string removes it.
    #[schema(examples("019cade2-3c8a-7e8e-a099-950d36f675cc"))]
    resource_server_id: Option<String>,
    /// How users are asked for their passkey. An empty string removes it.
    #[schema(examples("019cade2-38b9-7181-90ed-90479531985d"))]
    authenticator_config_id: Option<String>,
    #[serde(default)]
    protocol_config: ProtocolPatchView,
}

impl From<ApplicationPatchView> for ApplicationPatch {
    fn from(view: ApplicationPatchView) -> Self {
        let ApplicationPatchView {
            display_name,
            resource_server_id,
            authenticator_config_id,
            protocol_config,
        } = view;
        Self {
            display_name,
            resource_server_id,
            authenticator_config_id,
            protocol: protocol_config.into(),
        }
    }
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProtocolConfigRequest)]
#[schema(examples(json!({"type": "oidc", "pkce": "s256"})))]
struct ProtocolPatchView {
    /// Required on creation. Can't be changed.
    #[serde(rename = "type")]
    #[schema(schema_with = schema::protocol)]
    protocol: Option<Protocol>,
    /// Defaults to `confidential`. Can't be changed.
    #[schema(schema_with = schema::confidentiality)]
    confidentiality: Option<Confidentiality>,
    /// Required on creation.
    #[schema(schema_with = schema::grant_types)]
    grant_type: Option<Vec<GrantType>>,
    /// Absolute URLs without fragment or wildcard, at most 2,048 bytes each. Compared exactly, except
    /// for the port of `http://127.0.0.1` and `http://[::1]`.
    #[schema(examples("https://app.example.com/callback"))]
    redirect_uris: Option<Vec<String>>,
    /// Scopes of the resource server.
    #[schema(examples("reports:read"))]
    allowed_scopes: Option<Vec<String>>,
    #[schema(schema_with = schema::pkce)]
    pkce: Option<PkceSetting>,
    token_configuration: Option<TokenConfigurationPatchView>,
    /// Defaults to `scopes`. `subject` is for OpenID Connect only.
    id_token_claims: Option<IdTokenContent>,
    token_format: Option<TokenFormat>,
}

impl From<ProtocolPatchView> for ProtocolPatch {
    fn from(view: ProtocolPatchView) -> Self {
        let ProtocolPatchView {
            protocol,
            confidentiality,
            grant_type,
            redirect_uris,
            allowed_scopes,
            pkce,
            token_configuration,
            id_token_claims,
            token_format,
        } = view;
        Self {
            protocol,
            confidentiality,
            grant_type,
            redirect_uris,
            allowed_scopes,
            pkce,
            token_configuration: token_configuration.map(TokenConfigurationPatch::from),
            id_token_claims,
            token_format,
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TokenConfigurationRequest)]
struct TokenConfigurationPatchView {
    /// The lifetime of access tokens in seconds, from 60 to 7,776,000 (90 days).
    #[schema(examples(3600))]
    expires_after: Option<u32>,
    token_signing_algorithm: Option<SigningAlgorithm>,
    subject_field: Option<SubjectField>,
}

impl From<TokenConfigurationPatchView> for TokenConfigurationPatch {
    fn from(view: TokenConfigurationPatchView) -> Self {
        let TokenConfigurationPatchView {
            expires_after,
            token_signing_algorithm,
            subject_field,
        } = view;
        Self {
            expires_after,
            token_signing_algorithm,
            subject_field,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = Application)]
pub struct ApplicationView {
    id: ApplicationId,
    tenant_id: TenantId,
    realm_id: RealmId,
    /// The API that the application can call. Without one it can only sign users in.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_server_id: Option<ResourceServerId>,
    /// How users are asked for their passkey. Required for signing users in.
    #[serde(skip_serializing_if = "Option::is_none")]
    authenticator_config_id: Option<AuthenticatorConfigId>,
    #[schema(examples("Example app"))]
    display_name: String,
    /// Created by Keymoor. Can't be changed or deleted.
    #[schema(examples(false))]
    is_managed: bool,
    /// `management_api` for the built-in application that calls the management API.
    #[schema(examples("custom"))]
    classification: String,
    protocol_config: ProtocolView,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ProtocolConfig)]
#[schema(examples(json!({"type": "oidc", "pkce": "s256"})))]
struct ProtocolView {
    #[serde(rename = "type")]
    #[schema(schema_with = schema::protocol)]
    protocol: Protocol,
    /// The scopes of the resource server that the application may request.
    #[schema(examples("reports:read"))]
    allowed_scopes: Vec<String>,
    #[schema(examples("Vb3nK8qWz1Ty6Lm0Rx5Hc2Jd"))]
    client_id: String,
    /// The secret of a confidential application. Requires `applications:read`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples("q8Zr1mVw4nXc7Tb0yKd3Hs6Lf9Pg2Ja5eU7iNo4kGv1bSy8x"))]
    client_secret: Option<String>,
    #[schema(schema_with = schema::confidentiality)]
    confidentiality: Confidentiality,
    /// Derived from `confidentiality`. `client_secret_post` works like `client_secret_basic`.
    #[schema(schema_with = schema::auth_method)]
    token_endpoint_auth_method: &'static str,
    #[schema(schema_with = schema::grant_types)]
    grant_type: Vec<GrantType>,
    #[schema(examples("https://app.example.com/callback"))]
    redirect_uris: Vec<String>,
    token_configuration: TokenConfiguration,
    id_token_claims: IdTokenContent,
    #[schema(schema_with = schema::pkce)]
    pkce: PkceSetting,
    token_format: TokenFormat,
}

impl From<Revealed> for ApplicationView {
    fn from(revealed: Revealed) -> Self {
        let Revealed {
            application,
            client_secret,
        } = revealed;
        let ProtocolConfig {
            protocol,
            confidentiality,
            grant_type,
            redirect_uris,
            allowed_scopes,
            pkce,
            token_configuration,
            id_token_claims,
        } = application.protocol;
        let protocol_config = ProtocolView {
            protocol,
            allowed_scopes: allowed_scopes.iter().map(str::to_owned).collect(),
            client_id: application.client_id,
            client_secret: client_secret.map(|secret| secret.expose().to_owned()),
            confidentiality,
            token_endpoint_auth_method: match confidentiality {
                Confidentiality::Confidential => "client_secret_basic",
                Confidentiality::Public => "none",
            },
            grant_type,
            redirect_uris,
            token_configuration,
            id_token_claims,
            pkce,
            token_format: TokenFormat::SelfContained,
        };
        Self {
            id: application.id,
            tenant_id: application.tenant_id,
            realm_id: application.realm_id,
            resource_server_id: application.resource_server_id,
            authenticator_config_id: application.authenticator_config_id,
            display_name: application.display_name,
            is_managed: application.is_managed,
            classification: application.classification,
            protocol_config,
        }
    }
}

/// Creates an application and generates its client id and secret.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/applications",
    operation_id = "CreateApplication",
    tag = "Applications",
    params(RealmRef),
    request_body = Request,
    responses((status = 200, body = ApplicationView), Refusals, Conflicting, NotJson),
    security(("bearer" = ["applications:create"])),
)]
async fn create(
    Allowed { ctx, .. }: Allowed<scope::applications::Create>,
    at: RealmRef,
    Json(Request { application }): Json<Request>,
) -> Result<Reply<ApplicationView>> {
    let created = ops::create(&ctx, at, application.into()).await?;
    Ok(Reply(created.into()))
}

impl Listed for ApplicationView {
    const SCHEMA: &'static str = "ListApplicationsResponse";
    const MEMBER: &'static str = "applications";
    const SIZES: Sizes = Sizes::CONFIGURATION;
    const ATTRIBUTES: &'static [&'static str] = &["id", "display_name"];
}

type ApplicationPage = Paged<ApplicationView>;

/// Lists the applications of a realm. Filters by `id` and `display_name`.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/applications",
    operation_id = "ListApplications",
    tag = "Applications",
    params(RealmRef, ListQuery),
    responses((status = 200, body = ApplicationPage), Refusals),
    security(("bearer" = ["applications:read"])),
)]
async fn list(
    Allowed { ctx, .. }: Allowed<scope::applications::Read>,
    at: RealmRef,
    asked: Asked<ApplicationView>,
) -> Result<ApplicationPage> {
    let page = ops::list(&ctx, at, &asked).await?;
    Ok(asked.answer(page))
}

/// Reads an application.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/applications/{application_id}",
    operation_id = "GetApplication",
    tag = "Applications",
    params(ApplicationRef),
    responses((status = 200, body = ApplicationView), Refusals),
    security(("bearer" = ["applications:read"])),
)]
async fn get(
    Allowed { ctx, .. }: Allowed<scope::applications::Read>,
    at: ApplicationRef,
) -> Result<Reply<ApplicationView>> {
    let found = ops::get(&ctx, at).await?;
    Ok(Reply(found.into()))
}

/// Updates an application. Omitted fields stay unchanged, also inside `protocol_config`. The
/// protocol and the confidentiality can't be changed.
#[utoipa::path(
    patch,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/applications/{application_id}",
    operation_id = "UpdateApplication",
    tag = "Applications",
    params(ApplicationRef),
    request_body = Request,
    responses((status = 200, body = ApplicationView), Refusals, Conflicting, NotJson),
    security(("bearer" = ["applications:update"])),
)]
async fn update(
    Allowed { ctx, .. }: Allowed<scope::applications::Update>,
    at: ApplicationRef,
    Json(Request { application }): Json<Request>,
) -> Result<Reply<ApplicationView>> {
    let updated = ops::update(&ctx, at, application.into()).await?;
    Ok(Reply(updated.into()))
}

/// Deletes an application. Its tokens become invalid.
#[utoipa::path(
    delete,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/applications/{application_id}",
    operation_id = "DeleteApplication",
    tag = "Applications",
    params(ApplicationRef),
    responses((status = 200, description = "Deleted. The body is empty"), Refusals),
    security(("bearer" = ["applications:delete"])),
)]
async fn delete(
    Allowed { ctx, .. }: Allowed<scope::applications::Delete>,
    at: ApplicationRef,
) -> Result<()> {
    ops::delete(&ctx, at).await
}
