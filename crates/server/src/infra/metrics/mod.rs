//! What is counted and measured, for Prometheus.
//!
//! Handles are made at the start; counting is an atomic addition, and measuring a request takes
//! one look-up by route. What can be asked at any time, such as the number of mails that are due,
//! is asked when somebody scrapes. No label holds an id, a name or a secret.

mod labels;
mod process;
pub mod scrape;

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use axum::extract::MatchedPath;
use axum::http::{Method, StatusCode};
use keymoor_oauth::client::GrantType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use crate::db::{Db, Stats};
use crate::infra::serving::Traffic;
pub use labels::Outcome;
use labels::{
    AddressLabels, BuildLabels, MailLabels, MailOutcome, OutcomeLabels, RequestLabels, TokenLabels,
};

/// The registry while it is filled.
struct All(Registry);

impl All {
    /// Registers a metric and gives it back. A scrape shows a counter with `_total` appended.
    fn add<M: Metric + Clone>(&mut self, name: &str, about: &str, metric: M) -> M {
        self.0.register(name, about, metric.clone());
        metric
    }

    fn add_database(&mut self, stats: &Stats) {
        self.add(
            "keymoor_db_group_size",
            "Transactions that were committed together; SQLite only",
            stats.group_size.clone(),
        );
        self.add(
            "keymoor_db_commit_duration_seconds",
            "Time that a commit took",
            stats.commit_seconds.clone(),
        );
        self.add(
            "keymoor_db_collisions",
            "Transactions that collided with another and were run again; PostgreSQL only",
            stats.collisions.clone(),
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

/// Seconds. From a cached document to a request that waited for a busy database.
const REQUEST_BUCKETS: [f64; 11] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0,
];

fn request_durations() -> Histogram {
    Histogram::new(REQUEST_BUCKETS)
}

/// Everything that the server counts.
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

/// What listeners count.
struct AllTraffic {
    open: Family<AddressLabels, Gauge>,
    accepted: Family<AddressLabels, Counter>,
    pressed_out: Family<AddressLabels, Counter>,
    timed_out: Family<AddressLabels, Counter>,
}

/// What is looked up when somebody scrapes.
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
        Self {
            requests: all.add(
                "keymoor_http_request_duration_seconds",
                "Time from a request's head to its answer, by `route`, `method` and `status`",
                Family::new_with_constructor(request_durations as fn() -> Histogram),
            ),
            bindings: all.add(
                "keymoor_bindings",
                "Attempts at binding a passkey, by `outcome`",
                Family::default(),
            ),
            sign_ins: all.add(
                "keymoor_sign_ins",
                "Answers to a sign-in challenge, by `outcome`",
                Family::default(),
            ),
            tokens: all.add(
                "keymoor_tokens",
                "Requests for tokens, by `grant` and `outcome`",
                Family::default(),
            ),
            mails: all.add(
                "keymoor_mails",
                "Attempts at sending a mail, by `outcome`",
                Family::default(),
            ),
            traffic: AllTraffic::new(&mut all),
            asked: Asked::new(&mut all),
            registry: all.0,
        }
    }

    /// A request was answered.
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

    /// Everything in OpenMetrics' text format.
    fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }

    /// What the listener that goes by this name counts.
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
                "Connections that are open, by `address`",
                Family::default(),
            ),
            accepted: all.add(
                "keymoor_connections_accepted",
                "Connections that were accepted, by `address`",
                Family::default(),
            ),
            pressed_out: all.add(
                "keymoor_connections_pressed_out",
                "Waiting connections that were told to end to make room for others, by `address`",
                Family::default(),
            ),
            timed_out: all.add(
                "keymoor_connections_timed_out",
                "Connections that were told to end because they lay unused or their client took too long, by `address`",
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
                "Writes that wait for their turn; with PostgreSQL, work that waits for a connection",
            ),
            wal_bytes: gauge("keymoor_db_wal_bytes", "Size of SQLite's write-ahead log"),
            mails_due: gauge(
                "keymoor_mails_due",
                "Mails whose time has come and that are not sent yet",
            ),
            resident_bytes: gauge("process_resident_memory_bytes", "Memory in use; Linux only"),
            open_files: gauge("process_open_fds", "File descriptors in use; Linux only"),
        }
    }
}
