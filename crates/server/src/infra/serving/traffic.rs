//! Counters of a listener.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

/// Counters of one listener. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    pub open: Gauge,
    pub accepted: Counter,
    /// Closed to make room for others.
    pub pressed_out: Counter,
    /// Closed because they were idle or their client was too slow.
    pub timed_out: Counter,
}
