//! Metrics of the database layer.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;

/// Counters of one database. Clones share them.
#[derive(Clone, Debug)]
pub struct Stats {
    /// How many transactions were committed together.
    pub group_size: Histogram,
    /// Seconds that commits took.
    pub commit_seconds: Histogram,
    /// Transactions that collided with another and were run again.
    pub collisions: Counter,
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            group_size: Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]),
            commit_seconds: Histogram::new([
                0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.0,
            ]),
            collisions: Counter::default(),
        }
    }
}
