//! Management endpoints of credentials.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use keymoor_types::wire::ProofKind;
use keymoor_types::{BindingJobId, CredentialId, IdentityId, RealmId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{CreatedFrom, Credential, State};
use super::ops;
use crate::app::App;
use crate::base::error::Result;
use crate::base::paging::Sizes;
use crate::base::refs::{CredentialRef, IdentitiesRef};
use crate::base::scope;
use crate::base::text::{Name, check_name};
use crate::base::validation::Violations;
use crate::http::auth::Allowed;
use crate::http::json::{Body, Json, Reply};
use crate::http::list::{Asked, ListQuery, Listed, Paged};
use crate::http::openapi::{NotJson, Refusals};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get, update))
        .routes(routes!(revoke))
}

#[derive(Serialize, ToSchema)]
#[schema(as = Credential)]
#[schema(examples(json!({"csr_type": "FIDO2"})))]
struct CredentialView {
    id: CredentialId,
    identity_id: IdentityId,
    realm_id: RealmId,
    tenant_id: TenantId,
    state: State,
    /// How the key was registered.
    csr_type: ProofKind,
    /// The public key as the JSON text of a JWK (RFC 7517).
    #[schema(
        examples(r#"{"crv":"P-256","kty":"EC","x":"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY","y":"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"}"#)
    )]
    jwk_json: String,
    /// The key's thumbprint (RFC 7638) in padded base64url.
    #[schema(examples("xx0BcA-wMohw8atYDJOe6peGModklG2wRHBlXHMvl0M="))]
    jwk_thumbprint: String,
    attestation: AttestationView,
    /// The name that its owner recognises it by. By default the authenticator's product, or the
    /// browser and the system that bound it. An extension of the published API, as the next two.
    #[schema(value_type = Name)]
    #[schema(examples("Google Password Manager"))]
    display_name: String,
    /// The hour of the last sign-in. Absent if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_time: Option<Timestamp>,
    created_from: CreatedFromView,
    create_time: Timestamp,
    update_time: Timestamp,
}

/// What the registration proved about the storage of the private key. An extension of the published
/// API.
#[derive(Serialize, ToSchema)]
#[schema(as = CredentialAttestation)]
struct AttestationView {
    /// `attested`: the authenticator's attestation verified against a configured root certificate.
    /// `flagged`: not attested, but the authenticator data claims that the key can't leave its
    /// authenticator. `unproven`: anything else, such as a software key.
    #[schema(examples("flagged"))]
    level: &'static str,
    /// The attestation statement's format, such as `none` or `packed`, even if unknown. Absent for
    /// a software key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples("none"))]
    format: Option<String>,
}

/// Where the request came from that bound a credential. Credentials of older versions have only the
/// job.
#[derive(Serialize, ToSchema)]
#[schema(as = CredentialCreatedFrom)]
struct CreatedFromView {
    credential_binding_job_id: BindingJobId,
    /// The address of the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples("203.0.113.9"))]
    ip_address: Option<String>,
    /// The request's `User-Agent` header, up to 512 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples(
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36"
    ))]
    user_agent: Option<String>,
}

impl CreatedFromView {
    fn of(from: CreatedFrom, job: BindingJobId) -> Self {
        Self {
            credential_binding_job_id: job,
            ip_address: from.ip,
            user_agent: from.user_agent,
        }
    }
}

const READ_ONLY: &[&str] = &[
    "id",
    "identity_id",
    "realm_id",
    "tenant_id",
    "state",
    "csr_type",
    "jwk_json",
    "jwk_thumbprint",
    "attestation",
    "last_used_time",
    "created_from",
    "create_time",
    "update_time",
];

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateCredentialRequest)]
pub struct UpdateRequest {
    credential: PatchView,
}

impl Body for UpdateRequest {
    const ENVELOPE: &'static str = "credential";
    const READ_ONLY: &'static [&'static str] = READ_ONLY;
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CredentialPatch)]
#[schema(examples(json!({"display_name": "Work laptop"})))]
struct PatchView {
    #[schema(value_type = Option<Name>)]
    display_name: Option<String>,
}

impl From<Credential> for CredentialView {
    fn from(credential: Credential) -> Self {
        Self {
            id: credential.id,
            identity_id: credential.identity_id,
            realm_id: credential.realm_id,
            tenant_id: credential.tenant_id,
            state: credential.state,
            csr_type: credential.origin.csr_type(),
            jwk_json: credential.key.to_jwk_json(),
            jwk_thumbprint: URL_SAFE.encode(credential.key.thumbprint()),
            attestation: AttestationView {
                level: credential.origin.attestation_level().as_str(),
                format: credential.origin.attestation_format().map(str::to_owned),
            },
            display_name: credential.display_name,
            last_used_time: credential.last_used_at,
            created_from: CreatedFromView::of(credential.created_from, credential.binding_job_id),
            create_time: credential.created_at,
            update_time: credential.updated_at,
        }
    }
}

impl Listed for CredentialView {
    const SCHEMA: &'static str = "ListCredentialsResponse";
    const MEMBER: &'static str = "credentials";
    const SIZES: Sizes = Sizes::DIRECTORY;
    const ATTRIBUTES: &'static [&'static str] = &["state", "jwk_thumbprint"];
}

type CredentialPage = Paged<CredentialView>;

/// Lists the credentials of an identity, or with `-` of every identity of the realm. Filters by
/// `state` and `jwk_thumbprint`.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credentials",
    operation_id = "ListCredentials",
    tag = "Credentials",
    params(IdentitiesRef, ListQuery),
    responses((status = 200, body = CredentialPage), Refusals),
    security(("bearer" = ["credentials:read"])),
)]
async fn list(
    Allowed { ctx, .. }: Allowed<scope::credentials::Read>,
    at: IdentitiesRef,
    asked: Asked<CredentialView>,
) -> Result<CredentialPage> {
    let page = ops::list(&ctx, at, &asked).await?;
    Ok(asked.answer(page))
}

/// Reads a credential.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credentials/{credential_id}",
    operation_id = "GetCredential",
    tag = "Credentials",
    params(CredentialRef),
    responses((status = 200, body = CredentialView), Refusals),
    security(("bearer" = ["credentials:read"])),
)]
async fn get(
    Allowed { ctx, .. }: Allowed<scope::credentials::Read>,
    at: CredentialRef,
) -> Result<Reply<CredentialView>> {
    let credential = ops::get(&ctx, at).await?;
    Ok(Reply(credential.into()))
}

/// Renames a credential. Omitted fields stay unchanged.
#[utoipa::path(
    patch,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credentials/{credential_id}",
    operation_id = "UpdateCredential",
    tag = "Credentials",
    params(CredentialRef),
    request_body = UpdateRequest,
    responses((status = 200, body = CredentialView, example = json!({"display_name": "Work laptop"})), Refusals, NotJson),
    security(("bearer" = ["credentials:update"])),
)]
async fn update(
    Allowed { ctx, .. }: Allowed<scope::credentials::Update>,
    at: CredentialRef,
    Json(UpdateRequest { credential }): Json<UpdateRequest>,
) -> Result<Reply<CredentialView>> {
    let PatchView { display_name } = credential;
    let mut violations = Violations::default();
    if let Some(name) = &display_name {
        violations.check("credential.display_name", check_name(name));
    }
    let display_name = violations.or(display_name)?;
    let credential = ops::update(&ctx, at, display_name).await?;
    Ok(Reply(credential.into()))
}

/// Revokes a credential permanently. Its record stays. Revoking it again changes nothing.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credentials/{credential_id}/~revoke",
    operation_id = "RevokeCredential",
    tag = "Credentials",
    params(CredentialRef),
    responses((status = 200, body = CredentialView, example = json!({"state": "REVOKED"})), Refusals),
    security(("bearer" = ["credentials:revoke"])),
)]
async fn revoke(
    Allowed { ctx, .. }: Allowed<scope::credentials::Revoke>,
    at: CredentialRef,
) -> Result<Reply<CredentialView>> {
    let credential = ops::revoke(&ctx, at).await?;
    Ok(Reply(credential.into()))
}
