//! What the settings of an application choose from.

use keymoor_oauth::jose::Algorithm;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::names::named;

/// Which claims about a person an ID token carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = IdTokenClaims)]
pub enum IdTokenContent {
    /// All that the granted scopes allow.
    #[default]
    Scopes,
    /// The subject only. Applications read the rest at the userinfo endpoint, which OpenID Connect
    /// Core 1.0, section 5.4, prescribes for code flows.
    Subject,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum SigningAlgorithm {
    #[default]
    RS256,
    ES256,
}

impl From<SigningAlgorithm> for Algorithm {
    fn from(algorithm: SigningAlgorithm) -> Self {
        match algorithm {
            SigningAlgorithm::RS256 => Self::Rs256,
            SigningAlgorithm::ES256 => Self::Es256,
        }
    }
}

named! {
    /// The field of an identity that becomes the subject of its tokens. No two identities of a realm
    /// may share a value of a field that an application uses.
    #[derive(Default)]
    pub enum SubjectField {
        #[default]
        Id = "id",
        Email = "email",
        Username = "username",
        ExternalId = "external_id",
    }
}

impl SubjectField {
    /// Returns the name of the identity's member.
    pub const fn trait_name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Email => "primary_email_address",
            Self::Username => "username",
            Self::ExternalId => "external_id",
        }
    }
}
