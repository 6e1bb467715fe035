//! Connections: who is let in, for how long, and how they end.
//!
//! A connection costs its client nothing, so it may cost us little: each has a seat among a
//! limited number ([`seats`]), and a client that is slow, silent or gone loses its own. Requests
//! that are being worked on never do.

mod connection;
mod listener;
mod seats;
pub mod self_signed;
pub mod tls;

#[cfg(test)]
mod tests;

use std::num::NonZeroU32;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

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

/// What one listener counts. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    pub open: Gauge,
    pub accepted: Counter,
    /// Told to end to make room.
    pub pressed_out: Counter,
    /// Told to end because they lay unused or their client was too slow.
    pub timed_out: Counter,
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
