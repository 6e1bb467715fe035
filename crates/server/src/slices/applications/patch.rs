//! Changes to applications.

use keymoor_oauth::client::{Confidentiality, GrantType, PkceSetting, Protocol};
use keymoor_oauth::jose::Algorithm;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::choices::{IdTokenContent, SigningAlgorithm, SubjectField};

/// Changes to an application. Omitted fields stay unchanged. Applied to the defaults, it creates one.
#[derive(Clone, Debug, Default)]
pub struct ApplicationPatch {
    pub display_name: Option<String>,
    /// As sent, so that an invalid id is reported with everything else that is wrong. The empty
    /// string removes the reference.
    pub resource_server_id: Option<String>,
    /// As sent, like `resource_server_id`.
    pub authenticator_config_id: Option<String>,
    pub protocol: ProtocolPatch,
}

/// Changes to an application's protocol settings. Omitted fields stay unchanged.
#[derive(Clone, Debug, Default)]
pub struct ProtocolPatch {
    pub protocol: Option<Protocol>,
    pub confidentiality: Option<Confidentiality>,
    pub grant_type: Option<Vec<GrantType>>,
    pub redirect_uris: Option<Vec<String>>,
    pub allowed_scopes: Option<Vec<String>>,
    pub pkce: Option<PkceSetting>,
    pub token_configuration: Option<TokenConfigurationPatch>,
    pub id_token_claims: Option<IdTokenContent>,
    /// Not a setting yet: only what is the case already is accepted.
    pub token_format: Option<TokenFormat>,
}

/// Changes to the configuration of an application's tokens. Omitted fields stay unchanged.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokenConfigurationPatch {
    pub expires_after: Option<u32>,
    pub token_signing_algorithm: Option<SigningAlgorithm>,
    pub subject_field: Option<SubjectField>,
}

/// The format of access tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenFormat {
    /// A signed JWT.
    SelfContained,
    /// An opaque handle. Not supported yet.
    Referential,
}

impl ApplicationPatch {
    /// Returns the requested signing algorithm of the tokens, if any.
    pub fn signing_algorithm(&self) -> Option<Algorithm> {
        let tokens = self.protocol.token_configuration.as_ref()?;
        tokens.token_signing_algorithm.map(Algorithm::from)
    }
}
