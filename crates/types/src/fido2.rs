//! WebAuthn's messages in their JSON form, as far as the two ends use them.
//!
//! Names are those of WebAuthn Level 3 section 5.1: what browsers read by
//! `parseCreationOptionsFromJSON` and `parseRequestOptionsFromJSON`, and write by `toJSON`. Byte
//! strings are base64url without padding.

use serde::{Deserialize, Serialize};

/// `fido2` in the answer to `:getInfo`: present if the job takes a registration with options
/// made by the server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BindingOptions {
    /// The options.
    pub creation_options: CreationOptions,
}

/// `authn.fido2` in the request to sign in: present if an assertion over a challenge made by the
/// server is taken.
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
    /// For whom the credential is made.
    pub rp: RelyingParty,
    /// Whose it will be.
    pub user: User,
    /// Returned in the client data, letter for letter.
    #[cfg_attr(feature = "openapi", schema(examples("q83vEjRWeJCrze8SNFZ4kA")))]
    pub challenge: String,
    /// The algorithms that are accepted, the most wanted first.
    pub pub_key_cred_params: Vec<CredentialParameters>,
    /// How long the prompt may stay, in milliseconds. A hint.
    #[cfg_attr(feature = "openapi", schema(examples(300_000)))]
    pub timeout: u32,
    /// What the user has already for this relying party.
    pub exclude_credentials: Vec<CredentialDescriptor>,
    /// What the authenticator must be able to do.
    pub authenticator_selection: AuthenticatorSelection,
    /// Kinds of authenticator to offer first (section 5.8.7). A hint.
    #[cfg_attr(feature = "openapi", schema(examples("client-device")))]
    pub hints: Vec<String>,
    /// Whether the authenticator is asked to say what it is (section 5.4.7).
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
    /// Its name for people.
    #[cfg_attr(feature = "openapi", schema(examples("Customers")))]
    pub name: String,
}

/// `PublicKeyCredentialUserEntityJSON` (section 5.1.8).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The user handle: 1 to 64 bytes that say nothing about anybody.
    #[cfg_attr(feature = "openapi", schema(examples("x3Vq9b0LkM2tYc8W")))]
    pub id: String,
    /// Tells the user's accounts apart.
    #[cfg_attr(feature = "openapi", schema(examples("wren")))]
    pub name: String,
    /// The user's name for people.
    #[cfg_attr(feature = "openapi", schema(examples("Wren Marsh")))]
    pub display_name: String,
}

/// `PublicKeyCredentialParameters` (section 5.3).
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CredentialParameters {
    /// Always the same.
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
    /// Always the same.
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
    /// The only one.
    #[serde(rename = "public-key")]
    PublicKey,
}

/// `AuthenticatorSelectionCriteria` (section 5.4.4).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuthenticatorSelection {
    /// Whether the authenticator must find the credential by itself.
    #[cfg_attr(feature = "openapi", schema(examples("required")))]
    pub resident_key: String,
    /// The same in the words of Level 1.
    #[cfg_attr(feature = "openapi", schema(examples(true)))]
    pub require_resident_key: bool,
    /// Whether the user must be verified.
    #[cfg_attr(feature = "openapi", schema(examples("required")))]
    pub user_verification: String,
}

/// `PublicKeyCredentialRequestOptionsJSON` (section 5.1.9). Without `rpId`: the browser puts in
/// the host of the page that asks.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestOptions {
    /// Returned in the client data, letter for letter.
    pub challenge: String,
    /// How long the prompt may stay, in milliseconds. A hint.
    pub timeout: u32,
    /// The credentials to choose from. Empty: whichever the authenticator finds by itself.
    pub allow_credentials: Vec<CredentialDescriptor>,
    /// Whether the user must be verified.
    pub user_verification: String,
}

/// `RegistrationResponseJSON` (section 5.1). Members that repeat what the attestation object says
/// are left to it.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RegistrationResponse {
    /// The credential id.
    #[cfg_attr(feature = "openapi", schema(examples("q83vEjRWeJCrze8SNFZ4kA")))]
    pub id: String,
    /// The same again.
    #[cfg_attr(feature = "openapi", schema(examples("q83vEjRWeJCrze8SNFZ4kA")))]
    pub raw_id: String,
    /// Always the same.
    #[serde(rename = "type")]
    pub kind: PublicKeyType,
    /// What the authenticator answered.
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

/// A proof at sign-in over a challenge made by the server.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignInProof {
    /// The transaction that it answers.
    #[cfg_attr(feature = "openapi", schema(examples("Yt3nW8qK")))]
    pub transaction_id: String,
    /// The transaction's nonce, from which the challenge follows.
    #[cfg_attr(feature = "openapi", schema(examples("b7Jx2mVr")))]
    pub nonce: String,
    /// The distinguished name of the identity, if the device asked for a passkey of that one.
    /// Absent: the authenticator said whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(examples("CN=19cade21f4a269e0, OU=19cade21885f2a74, O=19cade211c052e6b"))
    )]
    pub sub: Option<String>,
    /// What the browser answered.
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
    /// The same again.
    #[cfg_attr(feature = "openapi", schema(examples("q83vEjRWeJCrze8SNFZ4kA")))]
    pub raw_id: String,
    /// Always the same.
    #[serde(rename = "type")]
    pub kind: PublicKeyType,
    /// What the authenticator answered.
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
    /// The user handle, if the authenticator keeps one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(examples("x3Vq9b0LkM2tYc8W")))]
    pub user_handle: Option<String>,
}
