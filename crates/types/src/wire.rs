//! The messages between a device and the server.
//!
//! The field names follow the published JavaScript SDK's protocol. A field that the SDK requires is
//! never optional here.

use serde::{Deserialize, Serialize};

use crate::fido2;
use crate::{BindingJobId, CredentialId, IdentityId, RealmId, TenantId, Timestamp};

/// The response to an SDK's GET of a binding link (`accept: application/json`).
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InvokeAuthenticator {
    /// The base URL of the next two calls: an origin without trailing slash.
    #[cfg_attr(feature = "openapi", schema(examples("http://localhost:8021")))]
    pub api_base_url: String,
    /// The job's tenant.
    pub tenant_id: TenantId,
    /// The job's realm.
    pub realm_id: RealmId,
    /// The job's identity.
    pub identity_id: IdentityId,
    /// The job's id.
    pub job_id: BindingJobId,
    /// The link's token, which authorises `:getInfo` and `:bind`.
    #[cfg_attr(feature = "openapi", schema(examples("Zk8tR2vN5wXq1LmC7yHs4A")))]
    pub token: String,
}

/// The response to `:getInfo`: everything a device needs before it creates a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(examples(json!({"tenant": {"display_name": "Example"}}))))]
pub struct BindingInfo {
    /// The tenant's name.
    pub tenant: Named,
    /// The realm's name.
    pub realm: Named,
    /// The identity that the passkey will belong to.
    pub identity: BindingIdentity,
    /// The branding. Unset fields are empty strings, because the published SDK requires them.
    pub theme: Theme,
    /// The authenticator config, which determines the allowed kinds of key.
    pub authenticator_config: BindingConfig,
    /// The application's destination after binding.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(examples("https://app.example.com/welcome"))
    )]
    pub post_binding_redirect_uri: Option<String>,
    /// The server's WebAuthn options, if the job accepts [`ProofKind::Fido2`]. The published SDK
    /// ignores them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fido2: Option<fido2::BindingOptions>,
}

/// An object with a display name.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Named {
    /// The display name.
    #[cfg_attr(feature = "openapi", schema(examples("Customers")))]
    pub display_name: String,
}

/// The identity in [`BindingInfo`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BindingIdentity {
    /// The identity's display name.
    #[cfg_attr(feature = "openapi", schema(examples("Wren Marsh")))]
    pub display_name: String,
    /// The traits that a device may store with the key.
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
    /// The identity's id in another system, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(examples("crm-4711")))]
    pub external_id: Option<String>,
    /// The identity's e-mail address, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(examples("wren@example.com")))]
    pub primary_email_address: Option<String>,
}

/// The branding in [`BindingInfo`]. Every field is present. Unset fields are empty.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Theme {
    /// The URL of the logo for light backgrounds.
    #[cfg_attr(feature = "openapi", schema(examples("")))]
    pub logo_url_light: String,
    /// The URL of the logo for dark backgrounds.
    #[cfg_attr(feature = "openapi", schema(examples("")))]
    pub logo_url_dark: String,
    /// The URL of the support page.
    #[cfg_attr(feature = "openapi", schema(examples("")))]
    pub support_url: String,
}

/// The authenticator config in [`BindingInfo`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(examples(json!({"config": {"type": "embedded"}}))))]
pub struct BindingConfig {
    /// The config's id. This server always sends it. In the published protocol it is optional.
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
    /// The config as a device reads it: `{"type": "embedded"}`, or `hosted_web` with
    /// `authentication_methods` if the config enforces its methods.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub config: serde_json::Value,
}

/// The body of `:bind`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BindRequest {
    /// The kind of the proof.
    #[serde(rename = "type")]
    pub kind: ProofKind,
    /// The proof. `JWT`: a compact JWS. `WEBAUTHN`: a JSON text of `WebAuthnRegistration`.
    /// `FIDO2`: a JSON text of `RegistrationResponse`. It may contain the link's token, so it is
    /// never logged.
    #[cfg_attr(
        feature = "openapi",
        schema(examples("eyJhbGciOiJFUzI1NiJ9.eyJub25jZSI6IlJ4cyJ9.c2lnbmF0dXJl"))
    )]
    pub raw: String,
}

/// The kind of a binding proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum ProofKind {
    /// A JWS signed by a software key.
    Jwt,
    /// A WebAuthn registration whose challenge is the link's token.
    Webauthn,
    /// A WebAuthn registration with the server's options.
    Fido2,
}

impl ProofKind {
    /// Returns the kind as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "JWT",
            Self::Webauthn => "WEBAUTHN",
            Self::Fido2 => "FIDO2",
        }
    }
}

/// The content of [`BindRequest::raw`] for [`ProofKind::Webauthn`]. Both members are standard
/// base64 with padding.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebAuthnRegistration {
    /// The client data as serialised by the browser.
    #[cfg_attr(
        feature = "openapi",
        schema(examples("eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0="))
    )]
    pub client_data_json_base64: String,
    /// The CBOR attestation object.
    #[cfg_attr(feature = "openapi", schema(examples("o2NmbXRkbm9uZQ==")))]
    pub attestation_object: String,
}

/// The response to `:bind`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BoundCredential {
    /// The id of the new passkey.
    pub id: CredentialId,
    /// Always `ACTIVE`.
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
    /// A compact JWS signed by a software key.
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

/// The content of [`AuthenticationProof::WebAuthn`]. Every member is standard base64 with padding.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebAuthnAssertion {
    /// The signed authenticator data.
    #[cfg_attr(feature = "openapi", schema(examples("SZYN5YgOjGh0NBcP")))]
    pub authenticator_data: String,
    /// The client data as serialised by the browser.
    #[cfg_attr(
        feature = "openapi",
        schema(examples("eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0="))
    )]
    pub client_data: String,
    /// The ASN.1 DER signature.
    #[cfg_attr(feature = "openapi", schema(examples("MEUCIQDx")))]
    pub signature: String,
}

/// The response to `bi-authenticate`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum AuthenticationAnswer {
    /// The proof is accepted. The code belongs in the application's redirect URI.
    Allow {
        /// The authorization code.
        #[cfg_attr(feature = "openapi", schema(examples("h4Vq8nKx2Lw7")))]
        code: String,
        /// A message for the user, if the policy has one.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(examples("Welcome back")))]
        message: Option<String>,
    },
    /// The proof is valid, but the sign-in is denied.
    Deny {
        /// The reason, as a message for the user.
        #[cfg_attr(feature = "openapi", schema(examples("The account is suspended")))]
        message: String,
    },
}
