//! The token endpoint: its request, client authentication, and its response.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keymoor_types::{Seconds, same_id};
use serde::Serialize;

use crate::client::{Client, Confidentiality, GrantType};
use crate::error::{ErrorCode, OAuthError};
use crate::form::{self, Params};
use crate::scope::ScopeSet;
use crate::secret::PresentedSecret;

/// The error for every failed client authentication, unknown clients included. Status 401 requires
/// `WWW-Authenticate: Basic` (RFC 6749, section 5.2).
pub const INVALID_CLIENT: OAuthError =
    OAuthError::new(ErrorCode::InvalidClient, "client authentication failed");

/// The error for a parameter of the published API that would change the token. Ignoring it would
/// issue a token without the claims that the client relies on.
const NO_CUSTOM_CLAIMS: OAuthError = OAuthError::invalid_request(
    "custom_claims is not supported: leave it out, and look up the values by the token's subject",
);

/// How a client authenticated (RFC 7591, section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientAuthMethod {
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
    /// `none`: the client only names itself.
    None,
}

/// The client identifier and the secret that a request presents.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    /// The client identifier.
    pub client_id: String,
    /// The secret. An empty one counts as absent (RFC 6749, section 2.3.1).
    pub secret: Option<PresentedSecret>,
    /// The authentication method.
    pub method: ClientAuthMethod,
}

/// The grant that the client requests.
#[derive(Clone, Debug)]
pub enum GrantRequest {
    /// Redeem a code (RFC 6749, section 4.1.3).
    AuthorizationCode {
        /// The code.
        code: PresentedSecret,
        /// `redirect_uri`, as in the authorization request.
        redirect_uri: Option<String>,
        /// The PKCE verifier (RFC 7636, section 4.5).
        code_verifier: Option<PresentedSecret>,
    },
    /// Act for itself (RFC 6749, section 4.4.2).
    ClientCredentials {
        /// The requested scopes. Absent means all allowed ones.
        scope: Option<ScopeSet>,
    },
}

/// A well-formed token request.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    /// The client.
    pub client: ClientCredentials,
    /// The grant.
    pub grant: GrantRequest,
    /// The requested lifetime of the access token in seconds, at least 1.
    pub expiration_time: Option<Seconds>,
}

/// The answer to a good token request (RFC 6749, section 5.1).
// No `Debug`: it is the tokens.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenResponse {
    /// The access token.
    #[cfg_attr(
        feature = "openapi",
        schema(examples("eyJhbGciOiJFUzI1NiJ9.eyJub25jZSI6IlJ4cyJ9.c2lnbmF0dXJl"))
    )]
    pub access_token: String,
    /// `Bearer`.
    #[cfg_attr(feature = "openapi", schema(examples("Bearer")))]
    pub token_type: &'static str,
    /// The life of the access token in seconds.
    #[cfg_attr(feature = "openapi", schema(examples(3600)))]
    pub expires_in: i64,
    /// What was granted.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    #[cfg_attr(feature = "openapi", schema(examples("openid")))]
    pub scope: ScopeSet,
    /// The ID token, if `openid` was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(examples("eyJhbGciOiJFUzI1NiJ9.eyJub25jZSI6IlJ4cyJ9.c2lnbmF0dXJl"))
    )]
    pub id_token: Option<String>,
}

impl TokenResponse {
    /// Creates a response with an access token, which is a bearer token (RFC 6750).
    #[must_use]
    pub const fn bearer(access_token: String, expires_in: Seconds, scope: ScopeSet) -> Self {
        Self {
            access_token,
            token_type: "Bearer",
            expires_in: expires_in.0,
            scope,
            id_token: None,
        }
    }
}

/// Parses a token request: the `Authorization` header's value, if any, and the form body.
///
/// Unknown parameters are ignored (RFC 6749, section 3.2).
///
/// # Errors
/// `invalid_request`, `invalid_client`, `unsupported_grant_type` or `invalid_scope`.
pub fn parse(authorization: Option<&str>, body: &str) -> Result<TokenRequest, OAuthError> {
    let params = Params::parse(body)?;
    if params.single("custom_claims")?.is_some() {
        return Err(NO_CUSTOM_CLAIMS);
    }
    Ok(TokenRequest {
        client: client_credentials(authorization, &params)?,
        grant: grant_request(&params)?,
        expiration_time: expiration_time(&params)?,
    })
}

impl ClientCredentials {
    /// Checks the credentials against the client found by `client_id` and the SHA-256 of its
    /// secret. A confidential client must present its secret. A public client has none, so a secret
    /// from it is an error.
    ///
    /// # Errors
    /// [`INVALID_CLIENT`].
    pub fn authenticate(
        &self,
        client: &Client<'_>,
        secret_sha256: Option<&[u8; 32]>,
    ) -> Result<(), OAuthError> {
        let proved = match (client.confidentiality, &self.secret, secret_sha256) {
            (Confidentiality::Confidential, Some(presented), Some(expected)) => {
                presented.matches_sha256(expected)
            }
            (Confidentiality::Public, None, _) => true,
            _ => false,
        };
        if proved && same_id(client.client_id, &self.client_id) {
            Ok(())
        } else {
            Err(INVALID_CLIENT)
        }
    }
}

impl GrantRequest {
    /// Returns the grant's type.
    #[must_use]
    pub const fn grant_type(&self) -> GrantType {
        match self {
            Self::AuthorizationCode { .. } => GrantType::AuthorizationCode,
            Self::ClientCredentials { .. } => GrantType::ClientCredentials,
        }
    }
}

impl TokenRequest {
    /// Returns the lifetime of the access token: the requested one, up to the client's setting,
    /// which is also the default.
    ///
    /// # Errors
    /// `invalid_request` if the request exceeds the setting.
    pub fn lifetime(&self, client: &Client<'_>) -> Result<Seconds, OAuthError> {
        match self.expiration_time {
            Some(wanted) if wanted > client.expires_after => Err(OAuthError::invalid_request(
                "expiration_time is longer than the application allows",
            )),
            Some(wanted) => Ok(wanted),
            None => Ok(client.expires_after),
        }
    }
}

fn client_credentials(
    authorization: Option<&str>,
    params: &Params,
) -> Result<ClientCredentials, OAuthError> {
    let named = params.single("client_id")?;
    let posted = params.single("client_secret")?;
    let asserted = params.single("client_assertion")?.is_some()
        || params.single("client_assertion_type")?.is_some();
    let methods = [authorization.is_some(), posted.is_some(), asserted];
    if methods.into_iter().filter(|used| *used).count() > 1 {
        return Err(OAuthError::invalid_request(
            "more than one way of client authentication is used",
        ));
    }
    if asserted {
        return Err(INVALID_CLIENT);
    }
    if let Some(authorization) = authorization {
        let credentials = basic(authorization).ok_or(INVALID_CLIENT)?;
        if named.is_some_and(|named| !same_id(&credentials.client_id, named)) {
            return Err(OAuthError::invalid_request(
                "client_id differs from the Authorization header",
            ));
        }
        return Ok(credentials);
    }
    Ok(ClientCredentials {
        client_id: named.ok_or(INVALID_CLIENT)?.to_owned(),
        secret: posted.map(|secret| PresentedSecret::new(secret.to_owned())),
        method: if posted.is_some() {
            ClientAuthMethod::Post
        } else {
            ClientAuthMethod::None
        },
    })
}

/// Parses RFC 7617 credentials with both halves form-encoded (RFC 6749, section 2.3.1).
fn basic(authorization: &str) -> Option<ClientCredentials> {
    let (scheme, encoded) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = PresentedSecret::new(
        STANDARD
            .decode(encoded.trim_start_matches(' '))
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())?,
    );
    let (client_id, secret) = decoded.expose().split_once(':')?;
    let client_id = form::decode(client_id).filter(|client_id| !client_id.is_empty())?;
    let secret = form::decode(secret)?;
    Some(ClientCredentials {
        client_id,
        secret: (!secret.is_empty()).then(|| PresentedSecret::new(secret)),
        method: ClientAuthMethod::Basic,
    })
}

fn grant_request(params: &Params) -> Result<GrantRequest, OAuthError> {
    match params.required("grant_type", "grant_type is missing")? {
        "authorization_code" => Ok(GrantRequest::AuthorizationCode {
            code: PresentedSecret::new(params.required("code", "code is missing")?.to_owned()),
            redirect_uri: params.single("redirect_uri")?.map(str::to_owned),
            code_verifier: params
                .single("code_verifier")?
                .map(|verifier| PresentedSecret::new(verifier.to_owned())),
        }),
        "client_credentials" => Ok(GrantRequest::ClientCredentials {
            scope: params
                .single("scope")?
                .map(str::parse)
                .transpose()
                .map_err(|_| OAuthError::new(ErrorCode::InvalidScope, "scope is malformed"))?,
        }),
        _ => Err(OAuthError::new(
            ErrorCode::UnsupportedGrantType,
            "grant_type must be authorization_code or client_credentials",
        )),
    }
}

fn expiration_time(params: &Params) -> Result<Option<Seconds>, OAuthError> {
    params
        .single("expiration_time")?
        .map(|text| match text.parse::<u32>() {
            Ok(seconds) if seconds > 0 => Ok(Seconds(i64::from(seconds))),
            _ => Err(OAuthError::invalid_request(
                "expiration_time must be a number of seconds",
            )),
        })
        .transpose()
}
