//! The OAuth settings of an application and the rules that follow from them.

use keymoor_types::Seconds;
use serde::{Deserialize, Serialize};

use crate::error::{ErrorCode, OAuthError};
use crate::pkce::{Challenge, Method};
use crate::redirect;
use crate::scope::{IDENTITY_SCOPES, ScopeSet};

/// The error for a request without the PKCE challenge that the client must send (RFC 7636, section
/// 4.4.1).
pub const MISSING_CHALLENGE: OAuthError = OAuthError::invalid_request("code_challenge is required");

/// Whether a client can keep a secret (RFC 6749, section 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidentiality {
    /// It can, and authenticates with it.
    Confidential,
    /// It cannot: a page, an app on a device.
    Public,
}

/// Which protocol an application was registered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// OAuth 2.0: access tokens only.
    #[serde(rename = "oauth2")]
    OAuth2,
    /// OpenID Connect: ID tokens too, and the authorization code grant only.
    Oidc,
}

/// A grant type (RFC 6749, section 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// A person signs in.
    AuthorizationCode,
    /// The application acts for itself.
    ClientCredentials,
}

/// An application's PKCE setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PkceSetting {
    /// Not demanded; demanded all the same of public clients.
    #[default]
    Disabled,
    /// Demanded, either method.
    Plain,
    /// Demanded, `S256` only.
    S256,
}

/// The OAuth settings of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client<'a> {
    /// The client identifier.
    pub client_id: &'a str,
    /// Whether it has a secret.
    pub confidentiality: Confidentiality,
    /// What it was registered for.
    pub protocol: Protocol,
    /// The grants it may use.
    pub grant_types: &'a [GrantType],
    /// Where browsers may be sent, see [`Client::registered_uri`].
    pub redirect_uris: &'a [String],
    /// The scopes of its resource server that it may ask for. OpenID Connect's own are not
    /// listed.
    pub allowed_scopes: &'a ScopeSet,
    /// Its PKCE setting.
    pub pkce: PkceSetting,
    /// The longest life of its access tokens.
    pub expires_after: Seconds,
}

impl Client<'_> {
    /// Checks that the client may use this grant.
    ///
    /// Client credentials are for confidential clients (RFC 6749, section 4.4) of plain OAuth.
    ///
    /// # Errors
    /// `unauthorized_client`.
    pub fn require_grant(&self, grant_type: GrantType) -> Result<(), OAuthError> {
        let possible = match grant_type {
            GrantType::AuthorizationCode => true,
            GrantType::ClientCredentials => {
                self.confidentiality == Confidentiality::Confidential
                    && self.protocol == Protocol::OAuth2
            }
        };
        if possible && self.grant_types.contains(&grant_type) {
            Ok(())
        } else {
            Err(OAuthError::new(
                ErrorCode::UnauthorizedClient,
                "the application may not use this grant type",
            ))
        }
    }

    /// Returns the registered URI that permits redirects to `sent`. They are equal byte by byte, except
    /// for the port of a loopback address (RFC 8252, section 7.3; RFC 9700, section 2.1).
    #[must_use]
    pub fn registered_uri(&self, sent: &str) -> Option<&str> {
        let mut registered = self.redirect_uris.iter().map(String::as_str);
        registered.find(|registered| redirect::permits(registered, sent))
    }

    /// Whether the client must use PKCE: it is set to, or public.
    #[must_use]
    pub fn requires_challenge(&self) -> bool {
        self.pkce != PkceSetting::Disabled || self.confidentiality == Confidentiality::Public
    }

    /// Returns the part of `requested` that the client can have, or all its allowed scopes without
    /// a request. Every grant limits scopes here and nowhere else.
    ///
    /// # Errors
    /// `invalid_scope` if the request names scopes and none can be granted.
    pub fn grantable_scopes(&self, requested: Option<&ScopeSet>) -> Result<ScopeSet, OAuthError> {
        let Some(requested) = requested else {
            return Ok(self.allowed_scopes.clone());
        };
        let granted = requested.filtered(|scope| {
            self.allowed_scopes.contains(scope)
                || (self.protocol == Protocol::Oidc && IDENTITY_SCOPES.contains(&scope))
        });
        if granted.is_empty() {
            Err(OAuthError::new(
                ErrorCode::InvalidScope,
                "the application may have none of the requested scopes",
            ))
        } else {
            Ok(granted)
        }
    }

    /// Returns the challenge methods that the client may use, best first. A public client must use
    /// `S256` unless it is set to `plain`.
    #[must_use]
    pub fn challenge_methods(&self) -> &'static [Method] {
        match (self.pkce, self.confidentiality) {
            (PkceSetting::S256, _) | (PkceSetting::Disabled, Confidentiality::Public) => {
                &[Method::S256]
            }
            (PkceSetting::Plain, _) | (PkceSetting::Disabled, Confidentiality::Confidential) => {
                &[Method::S256, Method::Plain]
            }
        }
    }

    /// Checks the challenge of an authorization request against the setting.
    ///
    /// # Errors
    /// `invalid_request` for a missing challenge or a method that is too weak.
    pub fn require_challenge(&self, challenge: Option<&Challenge>) -> Result<(), OAuthError> {
        match challenge {
            Some(challenge) if self.challenge_methods().contains(&challenge.method()) => Ok(()),
            Some(_) => Err(OAuthError::invalid_request(
                "code_challenge_method must be S256",
            )),
            None if self.requires_challenge() => Err(MISSING_CHALLENGE),
            None => Ok(()),
        }
    }
}
