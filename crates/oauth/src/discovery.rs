//! The discovery document (OpenID Connect Discovery 1.0, section 3; RFC 8414, section 2).

use serde::Serialize;

use crate::claims::StandardClaims;
use crate::client::{Client, Confidentiality, GrantType, Protocol};
use crate::jose::Algorithm;
use crate::scope::IDENTITY_SCOPES;

/// An application's metadata. Every application is an issuer of its own, and lists only what it
/// supports. Empty lists are left out (RFC 8414, section 3.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// The issuer: the URL that all the others start with.
    pub issuer: String,
    /// The token endpoint, which issues tokens.
    pub token_endpoint: String,
    /// The URL of the public keys.
    pub jwks_uri: String,
    /// The application's grants.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grant_types_supported: Vec<GrantType>,
    /// How the client may authenticate.
    pub token_endpoint_auth_methods_supported: &'static [&'static str],
    /// The scopes that the application may request, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
    /// Present for applications that sign users in.
    #[serde(flatten)]
    pub sign_in: Option<SignInMetadata>,
    /// Present for OpenID Connect applications.
    #[serde(flatten)]
    pub openid: Option<OpenIdMetadata>,
}

/// The metadata of the authorization endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignInMetadata {
    /// The authorization endpoint, where a sign-in starts.
    pub authorization_endpoint: String,
    /// The userinfo endpoint, which returns the user's claims for an access token.
    pub userinfo_endpoint: String,
    /// `code`.
    pub response_types_supported: [&'static str; 1],
    /// `query`.
    pub response_modes_supported: [&'static str; 1],
    /// The PKCE methods that the application uses, best first. Absent if it is set to use none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub code_challenge_methods_supported: Vec<&'static str>,
    /// True: every authorization response names its issuer (RFC 9207, section 3).
    pub authorization_response_iss_parameter_supported: bool,
    /// False: no `request` parameter.
    pub request_parameter_supported: bool,
    /// False: no `request_uri` parameter; absent would mean true.
    pub request_uri_parameter_supported: bool,
}

/// The metadata that only OpenID Connect defines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenIdMetadata {
    /// `public`.
    pub subject_types_supported: [&'static str; 1],
    /// The application's algorithm, and RS256, which the specification requires in the list.
    pub id_token_signing_alg_values_supported: Vec<&'static str>,
    /// The claims that ID tokens and userinfo may hold.
    pub claims_supported: Vec<&'static str>,
    /// False: no `claims` parameter.
    pub claims_parameter_supported: bool,
}

impl Metadata {
    /// Builds the metadata of `client`. The issuer URL must have no trailing slash.
    #[must_use]
    pub fn new(issuer: &str, client: &Client<'_>, id_token_algorithm: Algorithm) -> Self {
        let can = |grant: &GrantType| client.require_grant(*grant).is_ok();
        let signs_in = can(&GrantType::AuthorizationCode);
        let is_openid = client.protocol == Protocol::Oidc;
        let grants = client.grant_types.iter().copied();
        Self {
            issuer: issuer.to_owned(),
            token_endpoint: format!("{issuer}/token"),
            jwks_uri: format!("{issuer}/.well-known/jwks.json"),
            grant_types_supported: grants.filter(can).collect(),
            token_endpoint_auth_methods_supported: match client.confidentiality {
                Confidentiality::Confidential => &["client_secret_basic", "client_secret_post"],
                Confidentiality::Public => &["none"],
            },
            scopes_supported: scopes(client),
            sign_in: signs_in.then(|| SignInMetadata::new(issuer, client)),
            openid: is_openid.then(|| OpenIdMetadata::new(id_token_algorithm)),
        }
    }
}

fn scopes(client: &Client<'_>) -> Vec<String> {
    let of_identity = match client.protocol {
        Protocol::OAuth2 => &[][..],
        Protocol::Oidc => &IDENTITY_SCOPES,
    };
    let mut scopes: Vec<_> = client
        .allowed_scopes
        .iter()
        .chain(of_identity.iter().copied())
        .map(str::to_owned)
        .collect();
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}

impl SignInMetadata {
    fn new(issuer: &str, client: &Client<'_>) -> Self {
        let methods = client.challenge_methods().iter();
        Self {
            authorization_endpoint: format!("{issuer}/authorize"),
            userinfo_endpoint: format!("{issuer}/userinfo"),
            response_types_supported: ["code"],
            response_modes_supported: ["query"],
            code_challenge_methods_supported: methods
                .filter(|_| client.requires_challenge())
                .map(|method| method.as_str())
                .collect(),
            authorization_response_iss_parameter_supported: true,
            request_parameter_supported: false,
            request_uri_parameter_supported: false,
        }
    }
}

impl OpenIdMetadata {
    fn new(id_token_algorithm: Algorithm) -> Self {
        let mut algorithms = vec![id_token_algorithm.as_str()];
        if id_token_algorithm != Algorithm::Rs256 {
            algorithms.push(Algorithm::Rs256.as_str());
        }
        let mut claims = vec![
            "iss",
            "sub",
            "aud",
            "exp",
            "iat",
            "nonce",
            "auth_time",
            "amr",
            "azp",
        ];
        claims.extend(StandardClaims::NAMES);
        Self {
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: algorithms,
            claims_supported: claims,
            claims_parameter_supported: false,
        }
    }
}
