//! Whether an authorization code may be redeemed (RFC 6749, section 4.1.3).

use keymoor_types::{ApplicationId, Timestamp};

use crate::error::{ErrorCode, OAuthError};
use crate::pkce::Challenge;

/// The error for every code that cannot be redeemed, unknown codes included.
pub const INVALID_CODE: OAuthError = OAuthError::new(
    ErrorCode::InvalidGrant,
    "the code is not valid for this request",
);

/// The stored facts about a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeGrant {
    /// The application it was issued to.
    pub application_id: ApplicationId,
    /// `redirect_uri` as the authorization request sent it, absent if it sent none.
    pub redirect_uri: Option<String>,
    /// The PKCE challenge, if one was sent.
    pub challenge: Option<Challenge>,
    /// The first moment at which the code is expired.
    pub expires_at: Timestamp,
    /// Whether the code was redeemed before. The caller then revokes the tokens issued from it (RFC
    /// 6749, section 4.1.2).
    pub redeemed: bool,
}

/// The values that a token request presents with a code.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    /// The application that authenticated.
    pub application_id: ApplicationId,
    /// `redirect_uri`, if sent.
    pub redirect_uri: Option<&'a str>,
    /// `code_verifier`, if sent.
    pub code_verifier: Option<&'a str>,
}

impl CodeGrant {
    /// Checks that the code may be redeemed by this request at this time.
    ///
    /// The check covers only the given facts. The caller's guarded update ensures that only one of
    /// two concurrent requests succeeds.
    ///
    /// # Errors
    /// [`INVALID_CODE`] for every reason, since the reason concerns only the rightful client.
    pub fn check(&self, presented: &Presented<'_>, now: Timestamp) -> Result<(), OAuthError> {
        let verifier_fits = match (&self.challenge, presented.code_verifier) {
            (Some(challenge), Some(verifier)) => challenge.verify(verifier),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        let holds = self.application_id == presented.application_id
            && self.redirect_uri.as_deref() == presented.redirect_uri
            && now < self.expires_at
            && !self.redeemed
            && verifier_fits;
        if holds { Ok(()) } else { Err(INVALID_CODE) }
    }
}
