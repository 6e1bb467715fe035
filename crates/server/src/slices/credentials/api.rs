//! Management endpoints of credentials.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use keymoor_types::wire::ProofKind;
use keymoor_types::{CredentialId, IdentityId, RealmId, TenantId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Credential, State};
use super::ops;
use crate::app::App;
use crate::base::error::Result;
use crate::base::paging::Sizes;
use crate::base::refs::{CredentialRef, IdentitiesRef};
use crate::base::scope;
use crate::http::auth::Allowed;
use crate::http::json::Reply;
use crate::http::list::{Asked, ListQuery, Listed, Paged};
use crate::http::openapi::Refusals;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
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
