//! The authorization request (RFC 6749, section 4.1.1; OpenID Connect Core 1.0, section 3.1.2.1).
//!
//! The types separate errors that may be sent to the client from those that may not. Until the
//! redirect URI is verified as the client's own, an error is [`Refusal::Shown`] to the person and
//! never redirected (RFC 6749, section 4.1.2.1).

use keymoor_types::{Seconds, same_id};

use crate::client::{Client, GrantType, Protocol};
use crate::error::{ErrorCode, OAuthError};
use crate::form::Params;
use crate::pkce::Challenge;
use crate::scope::ScopeSet;

/// The longest `state`, in bytes. It only goes into the request JWT, which [`MAX_URL_BYTES`] limits
/// together with everything else.
pub const MAX_STATE_BYTES: usize = 4_000;
/// The longest `nonce`, in bytes.
pub const MAX_NONCE_BYTES: usize = 512;
/// The longest `scope`, in bytes, as sent.
pub const MAX_SCOPE_BYTES: usize = 1_024;
/// The longest `login_hint`, in bytes.
pub const MAX_LOGIN_HINT_BYTES: usize = 512;
/// The longest URL, in bytes, that browsers, proxies and servers reliably pass on. The caller knows
/// the whole URL and answers a longer one with [`TOO_LONG`].
pub const MAX_URL_BYTES: usize = 8_000;

/// The error for a request whose sign-in URL would exceed [`MAX_URL_BYTES`].
pub const TOO_LONG: OAuthError =
    OAuthError::invalid_request("the request is too long as a whole: shorten state or nonce");

/// The error for a `client_id` that names no application of this issuer.
pub const UNKNOWN_CLIENT: OAuthError =
    OAuthError::invalid_request("client_id names no application here");

/// The error for a `redirect_uri` that the client has not registered.
pub const UNREGISTERED_REDIRECT_URI: OAuthError =
    OAuthError::invalid_request("redirect_uri is not registered for this application");

/// An authorization request whose `client_id` is parsed but not yet looked up.
pub struct Received {
    params: Params,
    client_id: String,
}

/// Parses the query string, or the form body, of an authorization request.
///
/// # Errors
/// `invalid_request`, to be shown and not redirected: broken encoding, or not exactly one
/// `client_id`.
pub fn parse(query: &str) -> Result<Received, OAuthError> {
    let params = Params::parse(query)?;
    let client_id = params
        .required("client_id", "client_id is missing")?
        .to_owned();
    Ok(Received { params, client_id })
}

/// A valid request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizeRequest {
    /// The target of the response: one of the client's registered URIs, on a loopback address with
    /// the port that the client listens on.
    pub redirect_uri: String,
    /// Whether the request included `redirect_uri`. A code is bound to the value sent, not to the
    /// default (RFC 6749, section 4.1.3).
    pub redirect_uri_was_sent: bool,
    /// The requested scopes, limited to those the client can have.
    pub scopes: ScopeSet,
    /// Echoed to the client.
    pub state: Option<String>,
    /// Goes into the ID token.
    pub nonce: Option<String>,
    /// The PKCE challenge, recorded whenever sent, whatever the client's setting.
    pub challenge: Option<Challenge>,
    /// The user that the client expects to sign in.
    pub login_hint: Option<String>,
    /// The greatest age of the sign-in that the client accepts. Every sign-in here is fresh.
    pub max_age: Option<Seconds>,
}

impl AuthorizeRequest {
    /// Returns `redirect_uri` as the request sent it, for [`crate::grant::CodeGrant`].
    #[must_use]
    pub fn sent_redirect_uri(&self) -> Option<&str> {
        self.redirect_uri_was_sent.then_some(&*self.redirect_uri)
    }

    /// Rejects the request for a reason found later.
    #[must_use]
    pub fn refuse(self, error: OAuthError) -> ErrorRedirect {
        ErrorRedirect {
            error,
            redirect_uri: self.redirect_uri,
            state: self.state,
        }
    }
}

/// Why a sign-in is rejected, and where the error goes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Shown to the person. Redirecting it would make this server an open redirector.
    #[error(transparent)]
    Shown(OAuthError),
    /// Sent to the client.
    #[error(transparent)]
    Redirected(ErrorRedirect),
}

/// An error on its way to a redirect URI that is known to be the client's own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct ErrorRedirect {
    /// The error.
    pub error: OAuthError,
    redirect_uri: String,
    state: Option<String>,
}

impl ErrorRedirect {
    /// Returns the URL to redirect to, which names its issuer (RFC 9207).
    #[must_use]
    pub fn location(&self, issuer: &str) -> String {
        self.error
            .redirect(&self.redirect_uri, self.state.as_deref(), issuer)
    }
}

impl Received {
    /// Returns the client identifier to look up. An unknown client is [`UNKNOWN_CLIENT`].
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Checks the request against the client that it names.
    ///
    /// Parameters that are not listed in the specifications are ignored, repeated or not.
    pub fn check(self, client: &Client<'_>) -> Result<AuthorizeRequest, Refusal> {
        let (redirect_uri, redirect_uri_was_sent) =
            self.redirect_uri(client).map_err(Refusal::Shown)?;
        // A repeated state has no single value to send back.
        let state = self.params.single("state").ok().flatten();
        let redirected = |error| {
            Refusal::Redirected(ErrorRedirect {
                error,
                redirect_uri: redirect_uri.clone(),
                state: state.map(str::to_owned),
            })
        };
        let params = &self.params;
        check_kind(params, client).map_err(redirected)?;
        let request = AuthorizeRequest {
            scopes: scopes(params, client).map_err(redirected)?,
            state: visible(params, "state", MAX_STATE_BYTES).map_err(redirected)?,
            nonce: visible(params, "nonce", MAX_NONCE_BYTES).map_err(redirected)?,
            challenge: challenge(params, client).map_err(redirected)?,
            login_hint: login_hint(params).map_err(redirected)?,
            max_age: max_age(params).map_err(redirected)?,
            redirect_uri: redirect_uri.clone(),
            redirect_uri_was_sent,
        };
        check_prompt(params).map_err(redirected)?;
        Ok(request)
    }

    /// Returns the redirect target and whether the request sent it.
    fn redirect_uri(&self, client: &Client<'_>) -> Result<(String, bool), OAuthError> {
        if !same_id(client.client_id, &self.client_id) {
            return Err(UNKNOWN_CLIENT);
        }
        match self.params.single("redirect_uri")? {
            Some(sent) if client.registered_uri(sent).is_some() => Ok((sent.to_owned(), true)),
            Some(_) => Err(UNREGISTERED_REDIRECT_URI),
            // Plain OAuth allows omitting it when only one URI is registered (RFC 6749, section
            // 3.1.2.3).
            None => match (client.protocol, client.redirect_uris) {
                (Protocol::OAuth2, [only]) => Ok((only.clone(), false)),
                _ => Err(OAuthError::invalid_request("redirect_uri is missing")),
            },
        }
    }
}

fn check_kind(params: &Params, client: &Client<'_>) -> Result<(), OAuthError> {
    let unsupported = [
        ("request", ErrorCode::RequestNotSupported),
        ("request_uri", ErrorCode::RequestUriNotSupported),
        ("registration", ErrorCode::RegistrationNotSupported),
    ];
    for (name, code) in unsupported {
        if params.single(name)?.is_some() {
            return Err(OAuthError::new(code, "the parameter is not supported"));
        }
    }
    if params.required("response_type", "response_type is missing")? != "code" {
        return Err(OAuthError::new(
            ErrorCode::UnsupportedResponseType,
            "response_type must be code",
        ));
    }
    if params
        .single("response_mode")?
        .is_some_and(|mode| mode != "query")
    {
        return Err(OAuthError::invalid_request("response_mode must be query"));
    }
    client.require_grant(GrantType::AuthorizationCode)
}

fn scopes(params: &Params, client: &Client<'_>) -> Result<ScopeSet, OAuthError> {
    let requested = params
        .single("scope")?
        .map(|text| {
            if text.len() > MAX_SCOPE_BYTES {
                return Err(OAuthError::invalid_request("scope is too long"));
            }
            text.parse::<ScopeSet>()
                .map_err(|_| OAuthError::new(ErrorCode::InvalidScope, "scope is malformed"))
        })
        .transpose()?;
    client.grantable_scopes(requested.as_ref())
}

/// Reads `state` or `nonce`: visible ASCII and spaces (RFC 6749, appendix A.5).
fn visible(
    params: &Params,
    name: &'static str,
    max_bytes: usize,
) -> Result<Option<String>, OAuthError> {
    let Some(value) = params.single(name)? else {
        return Ok(None);
    };
    let is_visible = |byte| matches!(byte, 0x20..=0x7e);
    if value.len() <= max_bytes && value.bytes().all(is_visible) {
        return Ok(Some(value.to_owned()));
    }
    Err(OAuthError::invalid_request(
        "state or nonce is too long or has characters other than visible ASCII",
    ))
}

fn challenge(params: &Params, client: &Client<'_>) -> Result<Option<Challenge>, OAuthError> {
    let challenge = Challenge::parse(
        params.single("code_challenge")?,
        params.single("code_challenge_method")?,
    )?;
    client.require_challenge(challenge.as_ref())?;
    Ok(challenge)
}

fn login_hint(params: &Params) -> Result<Option<String>, OAuthError> {
    let Some(hint) = params.single("login_hint")? else {
        return Ok(None);
    };
    if hint.len() > MAX_LOGIN_HINT_BYTES || hint.chars().any(char::is_control) {
        return Err(OAuthError::invalid_request(
            "login_hint is too long or has control characters",
        ));
    }
    Ok(Some(hint.to_owned()))
}

fn max_age(params: &Params) -> Result<Option<Seconds>, OAuthError> {
    params
        .single("max_age")?
        .map(|text| {
            text.parse::<u32>()
                .map(|seconds| Seconds(i64::from(seconds)))
                .map_err(|_| OAuthError::invalid_request("max_age must be a number of seconds"))
        })
        .transpose()
}

/// Rejects `none`, since there are no sessions. Every sign-in asks for the passkey again, which
/// satisfies all other values (OpenID Connect Core 1.0, section 3.1.2.1).
fn check_prompt(params: &Params) -> Result<(), OAuthError> {
    let Some(prompt) = params.single("prompt")? else {
        return Ok(());
    };
    if prompt == "none" {
        return Err(OAuthError::new(
            ErrorCode::LoginRequired,
            "the user has to sign in with a passkey",
        ));
    }
    let known = ["login", "consent", "select_account"];
    if prompt.split(' ').all(|value| known.contains(&value)) {
        Ok(())
    } else {
        Err(OAuthError::invalid_request(
            "prompt must be none alone, or of login, consent and select_account",
        ))
    }
}
