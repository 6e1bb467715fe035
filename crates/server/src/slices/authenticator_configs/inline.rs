//! Configs that come with a job instead of being stored.

use serde::Deserialize;
use utoipa::ToSchema;

use super::model::{ConfigBody, ConfigBodyPatch, ConfigType, setting};
use crate::base::error::Result;
use crate::base::validation::Violations;

/// A config that is sent in place of the id of a stored one.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InlineAuthenticatorConfig)]
pub struct InlineConfig {
    config: ConfigBodyPatch,
}

impl InlineConfig {
    /// Returns the checked settings.
    ///
    /// # Errors
    /// `Invalid` names every field that is wrong. The names start with `authenticator_config`.
    pub fn checked(self) -> Result<ConfigBody> {
        let mut violations = Violations::default();
        match self.config.kind {
            None => violations.add(setting("type"), "missing"),
            Some(ConfigType::HostedWeb) => violations.add(
                setting("type"),
                "hosted_web can't be sent inline: create the config and send its id",
            ),
            Some(ConfigType::Embedded) if self.config.invoke_url.is_none() => {
                violations.add(setting("invoke_url"), "missing");
            }
            Some(ConfigType::Embedded) => {}
        }
        let defaults = ConfigBody::of_type(ConfigType::Embedded);
        violations.or(())?;
        let mut violations = Violations::default();
        let config = defaults.patched(self.config, &mut violations);
        violations.or(config)
    }
}
