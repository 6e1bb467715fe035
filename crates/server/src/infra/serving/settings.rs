//! Limits of a listener.

use std::num::NonZeroU32;
use std::time::Duration;

/// What one listener allows its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServingSettings {
    /// At most so many connections at a time.
    pub connections: NonZeroU32,
    /// Longest time for a handshake, and from a request head's first byte to its last.
    pub head: Duration,
    /// How long a connection may lie unused between requests.
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
