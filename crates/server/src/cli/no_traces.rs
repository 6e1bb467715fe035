//! The variant of `traces.rs` without the feature `otlp`.

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
/// When the configuration has an endpoint for traces.
pub(super) fn start(config: &Config, _: &Handle) -> Result<(Identity, Traces), ConfigError> {
    if config.otlp_endpoint.is_some() {
        return Err(ConfigError::new(
            "KEYMOOR_OTLP_ENDPOINT is set, but this server was built without the feature otlp",
        ));
    }
    Ok((Identity::new(), Traces))
}
