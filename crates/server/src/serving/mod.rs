//! Connections: who is let in, for how long, and how they end.
//!
//! A connection costs its client nothing, so it may cost us little: each has a seat among a
//! limited number ([`seats`]), and a client that is slow, silent or gone loses its own. Requests
//! that are being worked on never do.

mod connection;
mod listener;
mod seats;

#[cfg(test)]
mod tests;

use std::num::NonZeroU32;
use std::time::Duration;

pub use listener::{Listener, allow_open_files};

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
