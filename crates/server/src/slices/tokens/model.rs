//! The record of an issued token, and the filter of the token list.

use keymoor_oauth::scope::ScopeSet;
use keymoor_types::{ApplicationId, CredentialId, IdentityId, RealmId, TenantId, Timestamp};

use crate::base::error::{Error, Kind, Result};
pub use crate::base::long_id::TokenId;
use crate::base::refs::{ApplicationRef, Segment, reference};

impl Segment for TokenId {
    const KIND: Kind = Kind::new("Token", "token");
}

reference! {
    /// An access token issued by an application.
    TokenRef = application: ApplicationRef { tenant_id: TenantId, realm_id: RealmId, application_id: ApplicationId }
    / token_id: TokenId, "token_id"
}

/// The number of characters shown of a token, so that its holder can recognise it.
const SUFFIX_CHARS: usize = 11;

/// The record of an issued access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedToken {
    pub tenant_id: TenantId,
    pub realm_id: RealmId,
    /// The application that issued it.
    pub application_id: ApplicationId,
    pub id: TokenId,
    /// The identity that it was issued for. `None` if its principal is the application itself.
    pub identity_id: Option<IdentityId>,
    /// The passkey that the identity signed in with.
    pub credential_id: Option<CredentialId>,
    pub scopes: ScopeSet,
    pub suffix: String,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
}

/// Returns the last characters of a token. They belong to the signature and reveal nothing.
pub fn suffix(token: &str) -> String {
    let start = token.len().saturating_sub(SUFFIX_CHARS);
    token.get(start..).unwrap_or_default().to_owned()
}

/// The principal whose tokens are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principals {
    All,
    Applications,
    Application(ApplicationId),
    Identities,
    Identity(IdentityId),
}

impl Principals {
    /// Parses the parameters `principal_type` and `principal_id`.
    ///
    /// # Errors
    /// `Invalid` for an unknown type, an id without a type, and an invalid id of the type.
    pub fn read(principal_type: Option<&str>, principal_id: Option<&str>) -> Result<Self> {
        let wrong_id = |_| Error::invalid("principal_id", "not an id of this principal_type");
        match (principal_type, principal_id) {
            (None, None) => Ok(Self::All),
            (Some("application"), None) => Ok(Self::Applications),
            (Some("identity"), None) => Ok(Self::Identities),
            (Some("application"), Some(id)) => id.parse().map(Self::Application).map_err(wrong_id),
            (Some("identity"), Some(id)) => id.parse().map(Self::Identity).map_err(wrong_id),
            (Some(_), _) => {
                let why = "must be application or identity";
                Err(Error::invalid("principal_type", why))
            }
            (None, Some(_)) => Err(Error::invalid("principal_type", "missing")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suffix_is_the_end_of_the_token() {
        assert_eq!(suffix("header.claims.signature"), "s.signature");
        assert_eq!(suffix("short"), "short");
    }
}
