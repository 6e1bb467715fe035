//! Counters of a listener.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

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
