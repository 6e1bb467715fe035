//! The messages between a device and the server.
//!
//! Field names are those of the published JavaScript SDK's protocol; a field that it requires
//! is never optional here.

use serde::{Deserialize, Serialize};

use crate::fido2;
use crate::{BindingJobId, CredentialId, IdentityId, RealmId, TenantId, Timestamp};

/// Answer to a GET of a binding link by an SDK (`accept: application/json`).
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InvokeAuthenticator {
    /// Where the next two calls go: an origin without trailing slash.
    #[cfg_attr(feature = "openapi", schema(examples("http://localhost:8021")))]
    pub api_base_url: String,
    /// The job's tenant.
    pub tenant_id: TenantId,
    /// The job's realm.
    pub realm_id: RealmId,
    /// Whose passkey the job is for.
    pub identity_id: IdentityId,
    /// The job.
    pub job_id: BindingJobId,
    /// The link's token, which authorises `:getInfo` and `:bind`.
    #[cfg_attr(feature = "openapi", schema(examples("Zk8tR2vN5wXq1LmC7yHs4A")))]
    pub token: String,
}

/// Answer to `:getInfo`: everything a device shows or decides before it makes a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(examples(json!({"tenant": {"display_name": "Example"}}))))]
pub struct BindingInfo {
    /// The tenant's name.
    pub tenant: Named,
    /// The realm's name.
    pub realm: Named,
    /// Whose passkey it will be.
    pub identity: BindingIdentity,
    /// Branding; empty strings where nothing is set, since the published SDK needs them present.
    pub theme: Theme,
    /// How keys may be made.
    pub authenticator_config: BindingConfig,
    /// Where the application wants to go after binding.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(examples("https://app.example.com/welcome"))
    )]
    pub post_binding_redirect_uri: Option<String>,
    /// Options of the server's making, if the job takes [`ProofKind::Fido2`]. The published SDK
    /// ignores them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fido2: Option<fido2::BindingOptions>,
}

/// Something with a name for people.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Named {
    /// The name.
    #[cfg_attr(feature = "openapi", schema(examples("Customers")))]
    pub display_name: String,
}

/// The identity in [`BindingInfo`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BindingIdentity {
    /// The identity's name for people.
    #[cfg_attr(feature = "openapi", schema(examples("Wren Marsh")))]
    pub display_name: String,
    /// The traits a device may store beside the key.
    pub traits: BindingTraits,
}

/// The traits in [`BindingInfo`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BindingTraits {
    /// Always `traits_v0`.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(examples("traits_v0")))]
    pub kind: String,
    /// The identity's username.
    #[cfg_attr(feature = "openapi", schema(examples("wren")))]
    pub username: String,
    /// The identity's address, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(examples("wren@example.com")))]
    pub primary_email_address: Option<String>,
}

/// Branding in [`BindingInfo`]. Every field is present; unset ones are empty.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Theme {
    /// Logo for light backgrounds.
    #[cfg_attr(feature = "openapi", schema(examples("")))]
    pub logo_url_light: String,
    /// Logo for dark backgrounds.
    #[cfg_attr(feature = "openapi", schema(examples("")))]
    pub logo_url_dark: String,
    /// Where to find help.
    #[cfg_attr(feature = "openapi", schema(examples("")))]
    pub support_url: String,
}

/// The authenticator config in [`BindingInfo`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(examples(json!({"config": {"type": "embedded"}}))))]
pub struct BindingConfig {
    /// The config's id. Always given by this server; the published protocol lets it be absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(examples("019cade2-38b9-7181-90ed-90479531985d"))
    )]
    pub id: Option<String>,
    /// The config's tenant.
    pub tenant_id: TenantId,
    /// The config's realm.
    pub realm_id: RealmId,
    /// The config itself, as a device reads it: `{"type": "embedded"}`, or `hosted_web` with
    /// `authentication_methods` if the config insists on its methods.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub config: serde_json::Value,
}

/// Body of `:bind`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BindRequest {
    /// How the proof was made.
    #[serde(rename = "type")]
    pub kind: ProofKind,
    /// The proof: for `JWT` a compact JWS, for `WEBAUTHN` a JSON text of `WebAuthnRegistration`,
    /// for `FIDO2` one of `RegistrationResponse`. It may carry the link's token, so it is never
    /// logged.
    #[cfg_attr(
        feature = "openapi",
        schema(examples("eyJhbGciOiJFUzI1NiJ9.eyJub25jZSI6IlJ4cyJ9.c2lnbmF0dXJl"))
    )]
    pub raw: String,
}

/// How a proof at binding was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum ProofKind {
    /// A JWS by a key that software keeps.
    Jwt,
    /// A WebAuthn registration over the link's token.
    Webauthn,
    /// A WebAuthn registration with options made by the server.
    Fido2,
}

impl ProofKind {
    /// The kind as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "JWT",
            Self::Webauthn => "WEBAUTHN",
            Self::Fido2 => "FIDO2",
        }
    }
}

/// What [`BindRequest::raw`] holds for [`ProofKind::Webauthn`]. Both members are standard base64
/// with padding.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebAuthnRegistration {
    /// The client data, as the browser serialised it.
    #[cfg_attr(
        feature = "openapi",
        schema(examples("eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0="))
    )]
    pub client_data_json_base64: String,
    /// The CBOR attestation object.
    #[cfg_attr(feature = "openapi", schema(examples("o2NmbXRkbm9uZQ==")))]
    pub attestation_object: String,
}

/// Answer to `:bind`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BoundCredential {
    /// The server's id of the new passkey.
    pub id: CredentialId,
    /// `ACTIVE`.
    #[cfg_attr(feature = "openapi", schema(examples("ACTIVE")))]
    pub state: String,
    /// When it was bound.
    pub create_time: Timestamp,
    /// When it last changed.
    pub update_time: Timestamp,
}

/// The `claims` form field of `bi-authenticate`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum AuthenticationProof {
    /// A compact JWS by a software key.
    #[cfg_attr(
        feature = "openapi",
        schema(examples(json!({"Jwt": "eyJhbGciOiJFUzI1NiJ9.eyJub25jZSI6IlJ4cyJ9.c2lnbmF0dXJl"})))
    )]
    Jwt(String),
    /// A JSON text of `WebAuthnAssertion`.
    WebAuthn(String),
    /// A JSON text of `SignInProof`.
    Fido2(String),
}

/// What [`AuthenticationProof::WebAuthn`] holds. Every member is standard base64 with padding.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebAuthnAssertion {
    /// The signed authenticator data.
    #[cfg_attr(feature = "openapi", schema(examples("SZYN5YgOjGh0NBcP")))]
    pub authenticator_data: String,
    /// The client data, as the browser serialised it.
    #[cfg_attr(
        feature = "openapi",
        schema(examples("eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0="))
    )]
    pub client_data: String,
    /// The ASN.1 DER signature.
    #[cfg_attr(feature = "openapi", schema(examples("MEUCIQDx")))]
    pub signature: String,
}

/// Answer to `bi-authenticate`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum AuthenticationAnswer {
    /// The proof is accepted; the code goes to the application's redirect URI.
    Allow {
        /// The authorization code.
        #[cfg_attr(feature = "openapi", schema(examples("h4Vq8nKx2Lw7")))]
        code: String,
        /// A word for the user, if policy has one.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(examples("Welcome back")))]
        message: Option<String>,
    },
    /// The proof is valid and refused all the same.
    Deny {
        /// Why, in words for the user.
        #[cfg_attr(feature = "openapi", schema(examples("The account is suspended")))]
        message: String,
    },
}
