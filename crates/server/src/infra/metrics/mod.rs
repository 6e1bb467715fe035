//! Metrics for Prometheus.
//!
//! Handles are created at start. Counting is an atomic addition, and measuring a request needs one
//! look-up by route. Values that can be read at any time, such as the number of due mails, are read
//! on each scrape. No label contains an id, a name or a secret.

mod labels;
mod process;
pub mod scrape;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

use axum::extract::MatchedPath;
use axum::http::{Method, StatusCode};
use keymoor_oauth::client::GrantType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

pub use labels::Outcome;
use labels::{
    AddressLabels, BuildLabels, MailLabels, MailOutcome, OutcomeLabels, RequestLabels, TokenLabels,
};

use crate::db::{Db, Stats};
use crate::infra::serving::Traffic;

/// Dropped log lines. Like the log, they belong to the process and not to an application.
pub static LOG_LINES_DROPPED: LazyLock<Counter> = LazyLock::new(Counter::default);

/// The registry during registration.
struct All(Registry);

impl All {
    /// Registers and returns a metric. A scrape shows a counter with `_total` appended.
    fn add<M: Metric + Clone>(&mut self, name: &str, about: &str, metric: M) -> M {
        self.0.register(name, about, metric.clone());
        metric
    }

    fn add_database(&mut self, stats: &Stats) {
        self.add(
            "keymoor_db_group_size",
            "Transactions committed together; SQLite only",
            stats.group_size.clone(),
        );
        self.add(
            "keymoor_db_commit_duration_seconds",
            "Duration of a commit",
            stats.commit_seconds.clone(),
        );
        self.add(
            "keymoor_db_collisions",
            "Transactions that conflicted with another and were retried; PostgreSQL only",
            stats.collisions.clone(),
        );
    }

    fn add_log(&mut self) {
        self.add(
            "keymoor_log_lines_dropped",
            "Log lines that were dropped because the log was not read",
            LOG_LINES_DROPPED.clone(),
        );
    }

    fn add_build(&mut self) {
        let build = self.add(
            "keymoor_build_info",
            "Always 1, by `version`",
            Family::<BuildLabels, Gauge>::default(),
        );
        let version = env!("CARGO_PKG_VERSION");
        build.get_or_create(&BuildLabels { version }).set(1);
    }
}

/// In seconds: from a cached document to a request that waits for a busy database.
const REQUEST_BUCKETS: [f64; 11] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0,
];

fn request_durations() -> Histogram {
    Histogram::new(REQUEST_BUCKETS)
}

/// All metrics of the server.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Histogram>,
    bindings: Family<OutcomeLabels, Counter>,
    sign_ins: Family<OutcomeLabels, Counter>,
    tokens: Family<TokenLabels, Counter>,
    mails: Family<MailLabels, Counter>,
    traffic: AllTraffic,
    asked: Asked,
}

/// Counters of all listeners.
struct AllTraffic {
    open: Family<AddressLabels, Gauge>,
    accepted: Family<AddressLabels, Counter>,
    pressed_out: Family<AddressLabels, Counter>,
    timed_out: Family<AddressLabels, Counter>,
}

/// Values that are read on each scrape.
struct Asked {
    mails_due: Gauge,
    writes_queued: Gauge,
    wal_bytes: Gauge,
    resident_bytes: Gauge,
    open_files: Gauge,
}

impl Metrics {
    pub fn new(db: &Db) -> Self {
        let mut all = All(Registry::default());
        all.add_database(db.stats());
        all.add_build();
        all.add_log();
        Self {
            requests: all.add(
                "keymoor_http_request_duration_seconds",
                "Time from a request's head to its response, by `route`, `method` and `status`",
                Family::new_with_constructor(request_durations as fn() -> Histogram),
            ),
            bindings: all.add(
                "keymoor_bindings",
                "Attempts to bind a passkey, by `outcome`",
                Family::default(),
            ),
            sign_ins: all.add(
                "keymoor_sign_ins",
                "Responses to a sign-in challenge, by `outcome`",
                Family::default(),
            ),
            tokens: all.add(
                "keymoor_tokens",
                "Token requests, by `grant` and `outcome`",
                Family::default(),
            ),
            mails: all.add(
                "keymoor_mails",
                "Attempts to send a mail, by `outcome`",
                Family::default(),
            ),
            traffic: AllTraffic::new(&mut all),
            asked: Asked::new(&mut all),
            registry: all.0,
        }
    }

    /// Records a response.
    pub fn answered(
        &self,
        route: Option<MatchedPath>,
        method: &Method,
        status: StatusCode,
        took: Duration,
    ) {
        let labels = RequestLabels::new(route, method, status);
        self.requests
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
    }

    pub fn binding(&self, outcome: Outcome) {
        self.bindings
            .get_or_create(&OutcomeLabels { outcome })
            .inc();
    }

    pub fn sign_in(&self, outcome: Outcome) {
        self.sign_ins
            .get_or_create(&OutcomeLabels { outcome })
            .inc();
    }

    pub fn token(&self, grant: GrantType, outcome: Outcome) {
        let grant = labels::grant(grant);
        self.tokens
            .get_or_create(&TokenLabels { grant, outcome })
            .inc();
    }

    pub fn mail_sent(&self) {
        self.mail(MailOutcome::Sent);
    }

    pub fn mail_postponed(&self) {
        self.mail(MailOutcome::Postponed);
    }

    pub fn mail_given_up(&self) {
        self.mail(MailOutcome::GivenUp);
    }

    fn mail(&self, outcome: MailOutcome) {
        self.mails.get_or_create(&MailLabels { outcome }).inc();
    }

    /// Returns all metrics in OpenMetrics' text format.
    fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }

    /// Returns the counters of the listener with this name.
    pub fn traffic(&self, address: &'static str) -> Traffic {
        let labels = AddressLabels { address };
        let AllTraffic {
            open,
            accepted,
            pressed_out,
            timed_out,
        } = &self.traffic;
        Traffic {
            open: open.get_or_create_owned(&labels),
            accepted: accepted.get_or_create_owned(&labels),
            pressed_out: pressed_out.get_or_create_owned(&labels),
            timed_out: timed_out.get_or_create_owned(&labels),
        }
    }
}

impl AllTraffic {
    fn new(all: &mut All) -> Self {
        Self {
            open: all.add(
                "keymoor_connections",
                "Open connections, by `address`",
                Family::default(),
            ),
            accepted: all.add(
                "keymoor_connections_accepted",
                "Accepted connections, by `address`",
                Family::default(),
            ),
            pressed_out: all.add(
                "keymoor_connections_pressed_out",
                "Waiting connections that were closed to make room for others, by `address`",
                Family::default(),
            ),
            timed_out: all.add(
                "keymoor_connections_timed_out",
                "Connections that were closed because they were idle or their client was too slow, by `address`",
                Family::default(),
            ),
        }
    }
}

impl Asked {
    fn new(all: &mut All) -> Self {
        let mut gauge = |name, about| all.add(name, about, Gauge::default());
        Self {
            writes_queued: gauge(
                "keymoor_db_queue_length",
                "Queued writes; with PostgreSQL, work that waits for a connection",
            ),
            wal_bytes: gauge("keymoor_db_wal_bytes", "Size of SQLite's write-ahead log"),
            mails_due: gauge("keymoor_mails_due", "Mails that are due and not sent yet"),
            resident_bytes: gauge("process_resident_memory_bytes", "Memory in use; Linux only"),
            open_files: gauge("process_open_fds", "File descriptors in use; Linux only"),
        }
    }
}
