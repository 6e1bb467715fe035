//! The claims of tokens.

mod names;
mod request;
mod standard;

use keymoor_types::{Seconds, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

pub use names::{ParseNameError, Principal, TargetRealm};
pub use request::{ConfigInput, Origin, RequestClaims, RequestInput};
pub use standard::{Address, StandardClaims};

use crate::client::GrantType;
use crate::jose::JoseError;
use crate::scope::ScopeSet;

/// How far `nbf` may lie ahead of a verifier's clock, since clocks differ between nodes.
pub const CLOCK_SKEW: Seconds = Seconds(30);

/// The claims of an access token (RFC 9068, section 2.2), and those of the published API. Times
/// are seconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// The issuer: the application's URL.
    pub iss: String,
    /// The subject: by the application's subject field, or the application itself.
    pub sub: String,
    /// Who accepts the token.
    pub aud: Vec<String>,
    /// The first second at which it no longer holds.
    pub exp: i64,
    /// The first second at which it holds.
    pub nbf: i64,
    /// When it was issued.
    pub iat: i64,
    /// The token's id.
    pub jti: String,
    /// What it allows.
    pub scope: ScopeSet,
    /// The client it was issued to.
    pub client_id: String,
    /// The application it was issued to.
    pub azp: Principal,
    /// Whom it speaks for.
    pub bi_p: Principal,
    /// The tenant it is about.
    pub bi_t: TenantId,
    /// The realm it is about, or every one.
    pub bi_r: TargetRealm,
    /// The grant it came from.
    pub bi_ty: GrantType,
}

impl AccessTokenClaims {
    /// Checks that the token holds at `now`.
    ///
    /// # Errors
    /// [`JoseError::Expired`], without tolerance, or [`JoseError::NotYetValid`], with
    /// [`CLOCK_SKEW`].
    pub fn check_lifetime(&self, now: Timestamp) -> Result<(), JoseError> {
        if now.as_seconds() >= self.exp {
            Err(JoseError::Expired)
        } else if (now + CLOCK_SKEW).as_seconds() < self.nbf {
            Err(JoseError::NotYetValid)
        } else {
            Ok(())
        }
    }
}

/// The claims of an ID token (OpenID Connect Core 1.0, sections 2 and 5.1). Times are seconds
/// since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdTokenClaims {
    /// The issuer: the application's URL.
    pub iss: String,
    /// The subject, as in the access token.
    pub sub: String,
    /// The client identifier.
    pub aud: Vec<String>,
    /// The first second at which it no longer holds.
    pub exp: i64,
    /// When it was issued.
    pub iat: i64,
    /// When the passkey was used.
    pub auth_time: i64,
    /// How, in the words of RFC 8176.
    pub amr: Vec<String>,
    /// The client identifier: in an ID token, unlike the access token, clients compare it.
    pub azp: String,
    /// The authorization request's nonce.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// How well, if that has a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// What the granted scopes tell of the identity.
    #[serde(flatten)]
    pub person: StandardClaims,
}
