//! WebAuthn's JSON messages, as far as devices and the server use them.
//!
//! The names follow WebAuthn Level 3, section 5.1. Browsers parse the messages with
//! `parseCreationOptionsFromJSON` and `parseRequestOptionsFromJSON` and write them with `toJSON`.
//! Byte strings are base64url without padding.

use serde::{Deserialize, Serialize};

/// `fido2` in the response to `:getInfo`. Present if the job accepts a registration with the server's
/// options.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BindingOptions {
    /// The options.
    pub creation_options: CreationOptions,
}

/// `authn.fido2` in the sign-in request. Present if the server accepts an assertion over its own
/// challenge.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignInOptions {
    /// The options.
    pub request_options: RequestOptions,
}

/// `PublicKeyCredentialCreationOptionsJSON` (section 5.1.8).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CreationOptions {
    /// The relying party of the credential.
    pub rp: RelyingParty,
    /// The user of the credential.
    pub user: User,
    /// The challenge, which the client data repeats unchanged.
    #[cfg_attr(feature = "openapi", schema(examples("q83vEjRWeJCrze8SNFZ4kA")))]
    pub challenge: String,
    /// The accepted algorithms in descending preference.
    pub pub_key_cred_params: Vec<CredentialParameters>,
    /// The timeout of the prompt in milliseconds. A hint.
    #[cfg_attr(feature = "openapi", schema(examples(300_000)))]
    pub timeout: u32,
    /// The user's existing credentials for this relying party.
    pub exclude_credentials: Vec<CredentialDescriptor>,
    /// The requirements on the authenticator.
    pub authenticator_selection: AuthenticatorSelection,
    /// The kinds of authenticator to offer first (section 5.8.7). A hint.
    #[cfg_attr(feature = "openapi", schema(examples("client-device")))]
    pub hints: Vec<String>,
    /// Whether attestation is requested (section 5.4.7).
    #[cfg_attr(feature = "openapi", schema(examples("none")))]
    pub attestation: String,
}

/// `PublicKeyCredentialRpEntity` (section 5.4.2).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RelyingParty {
    /// The RP ID: a host name.
    #[cfg_attr(feature = "openapi", schema(examples("app.example.com")))]
    pub id: String,
    /// Its display name.
    #[cfg_attr(feature = "openapi", schema(examples("Customers")))]
    pub name: String,
}

/// `PublicKeyCredentialUserEntityJSON` (section 5.1.8).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The user handle: 1 to 64 bytes without personal data.
    #[cfg_attr(feature = "openapi", schema(examples("x3Vq9b0LkM2tYc8W")))]
    pub id: String,
    /// A name that distinguishes the user's accounts.
    #[cfg_attr(feature = "openapi", schema(examples("wren")))]
    pub name: String,
    /// The user's display name.
    #[cfg_attr(feature = "openapi", schema(examples("Wren Marsh")))]
    pub display_name: String,
}

/// `PublicKeyCredentialParameters` (section 5.3).
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CredentialParameters {
    /// Always `public-key`.
    #[serde(rename = "type")]
    pub kind: PublicKeyType,
    /// A COSE algorithm identifier.
    #[cfg_attr(feature = "openapi", schema(examples(-7)))]
    pub alg: i64,
}

/// `PublicKeyCredentialDescriptorJSON` (section 5.1.8).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CredentialDescriptor {
    /// Always `public-key`.
    #[serde(rename = "type")]
    pub kind: PublicKeyType,
    /// The credential id.
    #[cfg_attr(feature = "openapi", schema(examples("q83vEjRWeJCrze8SNFZ4kA")))]
    pub id: String,
}

/// `PublicKeyCredentialType` (section 5.8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum PublicKeyType {
    /// The only type.
    #[serde(rename = "public-key")]
    PublicKey,
}

/// `AuthenticatorSelectionCriteria` (section 5.4.4).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuthenticatorSelection {
    /// Whether the credential must be discoverable.
    #[cfg_attr(feature = "openapi", schema(examples("required")))]
    pub resident_key: String,
    /// The Level 1 form of `residentKey`.
    #[cfg_attr(feature = "openapi", schema(examples(true)))]
    pub require_resident_key: bool,
    /// Whether the user must be verified.
    #[cfg_attr(feature = "openapi", schema(examples("required")))]
    pub user_verification: String,
}

/// `PublicKeyCredentialRequestOptionsJSON` (section 5.1.9). `rpId` is omitted, so the browser uses the
/// host of the calling page.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestOptions {
    /// The challenge, which the client data repeats unchanged.
    pub challenge: String,
    /// The timeout of the prompt in milliseconds. A hint.
    pub timeout: u32,
    /// The allowed credentials. Empty means any discoverable credential.
    pub allow_credentials: Vec<CredentialDescriptor>,
    /// Whether the user must be verified.
    pub user_verification: String,
}

/// `RegistrationResponseJSON` (section 5.1), without the members that repeat the attestation object.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RegistrationResponse {
    /// The credential id.
    #[cfg_attr(feature = "openapi", schema(examples("q83vEjRWeJCrze8SNFZ4kA")))]
    pub id: String,
    /// The credential id again.
    #[cfg_attr(feature = "openapi", schema(examples("q83vEjRWeJCrze8SNFZ4kA")))]
    pub raw_id: String,
    /// Always `public-key`.
    #[serde(rename = "type")]
    pub kind: PublicKeyType,
    /// The authenticator's response.
    pub response: AttestationResponse,
}

/// `AuthenticatorAttestationResponseJSON` (section 5.1).
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AttestationResponse {
    /// The client data, as the browser serialised it.
    #[serde(rename = "clientDataJSON")]
    #[cfg_attr(
        feature = "openapi",
        schema(examples("eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0"))
    )]
    pub client_data_json: String,
    /// The CBOR attestation object.
    #[cfg_attr(feature = "openapi", schema(examples("o2NmbXRkbm9uZQ")))]
    pub attestation_object: String,
}

/// A sign-in proof over the server's challenge.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignInProof {
    /// The id of the sign-in transaction.
    #[cfg_attr(feature = "openapi", schema(examples("Yt3nW8qK")))]
    pub transaction_id: String,
    /// The transaction's nonce, from which the challenge is derived.
    #[cfg_attr(feature = "openapi", schema(examples("b7Jx2mVr")))]
    pub nonce: String,
    /// The distinguished name of the identity, if the device requested that identity's passkey.
    /// Absent if the user handle identifies the identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(examples("CN=19cade21f4a269e0, OU=19cade21885f2a74, O=19cade211c052e6b"))
    )]
    pub sub: Option<String>,
    /// The browser's response.
    pub credential: AuthenticationResponse,
}

/// `AuthenticationResponseJSON` (section 5.1).
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuthenticationResponse {
    /// The credential id.
    #[cfg_attr(feature = "openapi", schema(examples("q83vEjRWeJCrze8SNFZ4kA")))]
    pub id: String,
    /// The credential id again.
    #[cfg_attr(feature = "openapi", schema(examples("q83vEjRWeJCrze8SNFZ4kA")))]
    pub raw_id: String,
    /// Always `public-key`.
    #[serde(rename = "type")]
    pub kind: PublicKeyType,
    /// The authenticator's response.
    pub response: AssertionResponse,
}

/// `AuthenticatorAssertionResponseJSON` (section 5.1).
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AssertionResponse {
    /// The client data, as the browser serialised it.
    #[serde(rename = "clientDataJSON")]
    #[cfg_attr(
        feature = "openapi",
        schema(examples("eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0"))
    )]
    pub client_data_json: String,
    /// The signed authenticator data.
    #[cfg_attr(feature = "openapi", schema(examples("SZYN5YgOjGh0NBcP")))]
    pub authenticator_data: String,
    /// The signature, ASN.1 DER for ECDSA.
    #[cfg_attr(feature = "openapi", schema(examples("MEUCIQDx")))]
    pub signature: String,
    /// The user handle, if the authenticator stores one. An empty one is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(examples("x3Vq9b0LkM2tYc8W")))]
    pub user_handle: Option<String>,
}
