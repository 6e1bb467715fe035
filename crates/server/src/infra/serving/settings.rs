//! Limits of a listener.

use std::num::NonZeroU32;
use std::time::Duration;

/// Limits of one listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServingSettings {
    /// Maximum number of concurrent connections.
    pub connections: NonZeroU32,
    /// Time limit of a TLS handshake, and of a request head from its first byte to its last.
    pub head: Duration,
    /// Time limit of an idle connection between requests.
    pub idle: Duration,
}

impl Default for ServingSettings {
    fn default() -> Self {
        Self {
            connections: NonZeroU32::new(4_096).expect("4096 is not 0"),
            head: Duration::from_secs(10),
            idle: Duration::from_mins(1),
        }
    }
}
