//! The discovery document (OpenID Connect Discovery 1.0, section 3; RFC 8414, section 2).

use serde::Serialize;

use crate::client::{Client, GrantType, Protocol};
use crate::jose::Algorithm;
use crate::scope::IDENTITY_SCOPES;

/// An application's metadata. Every application is an issuer of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are the document's members"
)]
pub struct Metadata {
    /// The issuer: the URL that all the others start with.
    pub issuer: String,
    /// The authorization endpoint, where a sign-in starts.
    pub authorization_endpoint: String,
    /// The token endpoint, which exchanges codes for tokens.
    pub token_endpoint: String,
    /// The userinfo endpoint, which returns the user's claims for an access token.
    pub userinfo_endpoint: String,
    /// The URL of the public keys.
    pub jwks_uri: String,
    /// `code`.
    pub response_types_supported: [&'static str; 1],
    /// `query`.
    pub response_modes_supported: [&'static str; 1],
    /// The application's grants.
    pub grant_types_supported: Vec<GrantType>,
    /// `public`.
    pub subject_types_supported: [&'static str; 1],
    /// The application's algorithm, and RS256, which the specification requires in the list.
    pub id_token_signing_alg_values_supported: Vec<&'static str>,
    /// How clients may authenticate.
    pub token_endpoint_auth_methods_supported: [&'static str; 3],
    /// The PKCE methods the application may use, best first (RFC 8414, section 2).
    pub code_challenge_methods_supported: Vec<&'static str>,
    /// OpenID Connect's own scopes, for applications of that protocol.
    pub scopes_supported: Vec<&'static str>,
    /// The claims that ID tokens and userinfo may hold.
    pub claims_supported: [&'static str; 12],
    /// True: every authorization response names its issuer (RFC 9207, section 3).
    pub authorization_response_iss_parameter_supported: bool,
    /// False: no `claims` parameter.
    pub claims_parameter_supported: bool,
    /// False: no `request` parameter.
    pub request_parameter_supported: bool,
    /// False: no `request_uri` parameter; absent would mean true.
    pub request_uri_parameter_supported: bool,
}

impl Metadata {
    /// Builds the metadata of `client`. The issuer URL must have no trailing slash.
    #[must_use]
    pub fn new(issuer: &str, client: &Client<'_>, id_token_algorithm: Algorithm) -> Self {
        let mut algorithms = vec![id_token_algorithm.as_str()];
        if id_token_algorithm != Algorithm::Rs256 {
            algorithms.push(Algorithm::Rs256.as_str());
        }
        let challenge_methods = client.challenge_methods();
        Self {
            issuer: issuer.to_owned(),
            authorization_endpoint: format!("{issuer}/authorize"),
            token_endpoint: format!("{issuer}/token"),
            userinfo_endpoint: format!("{issuer}/userinfo"),
            jwks_uri: format!("{issuer}/.well-known/jwks.json"),
            response_types_supported: ["code"],
            response_modes_supported: ["query"],
            grant_types_supported: client.grant_types.to_vec(),
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: algorithms,
            token_endpoint_auth_methods_supported: [
                "client_secret_basic",
                "client_secret_post",
                "none",
            ],
            code_challenge_methods_supported: challenge_methods
                .iter()
                .map(|method| method.as_str())
                .collect(),
            scopes_supported: match client.protocol {
                Protocol::OAuth2 => Vec::new(),
                Protocol::Oidc => IDENTITY_SCOPES.to_vec(),
            },
            claims_supported: [
                "iss",
                "sub",
                "aud",
                "exp",
                "iat",
                "nonce",
                "auth_time",
                "amr",
                "azp",
                "name",
                "preferred_username",
                "email",
            ],
            authorization_response_iss_parameter_supported: true,
            claims_parameter_supported: false,
            request_parameter_supported: false,
            request_uri_parameter_supported: false,
        }
    }
}
