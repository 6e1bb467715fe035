//! Stands in where the server is built without the feature `otlp`.

use tokio::runtime::Handle;
use tracing_subscriber::layer::Identity;

use crate::config::{Config, ConfigError};

pub(super) struct Traces;

impl Traces {
    #[expect(
        clippy::unused_self,
        reason = "with the feature there is something to finish"
    )]
    pub(super) fn finish(self) {}
}

/// # Errors
/// When the configuration asks for what this server does not have.
pub(super) fn start(config: &Config, _: &Handle) -> Result<(Identity, Traces), ConfigError> {
    if config.otlp_endpoint.is_some() {
        return Err(ConfigError::new(
            "KEYMOOR_OTLP_ENDPOINT is set, and this server was built without the feature otlp",
        ));
    }
    Ok((Identity::new(), Traces))
}
