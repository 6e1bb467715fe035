//! The kinds of jobs that a worker knows.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;

use super::job::{Claim, Ending, Job, Verdict};
use crate::app::App;
use crate::base::context::Context;
use crate::base::error::{Error, Result};
use crate::db::Tx;
use crate::infra::metrics::Metrics;

/// The kinds of jobs that a worker knows, by name.
#[derive(Default)]
pub struct Jobs(BTreeMap<&'static str, Kind>);

impl Jobs {
    /// Adds a kind.
    ///
    /// # Panics
    /// If another kind has the same name.
    #[must_use]
    pub fn with<J: Job>(mut self) -> Self {
        let before = self.0.insert(J::KIND, Kind::of::<J>());
        assert!(before.is_none(), "two kinds of jobs are named {}", J::KIND);
        self
    }

    pub(super) fn find(&self, name: &str) -> Option<Kind> {
        self.0.get(name).copied()
    }
}

/// The operations on a kind of job before its value is parsed.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    read: fn(&str) -> serde_json::Result<Box<dyn AnyJob>>,
    pub(super) count: fn(&Metrics, &Verdict),
}

impl Kind {
    fn of<J: Job>() -> Self {
        Self {
            read: |payload| Ok(Box::new(keymoor_types::json::from_str::<J>(payload)?)),
            count: J::count,
        }
    }

    pub(super) fn read(self, claim: &Claim) -> Result<Box<dyn AnyJob>> {
        (self.read)(&claim.payload)
            .map_err(|error| Error::internal(format!("unreadable outbox job: {error}")))
    }
}

/// A [`Job`] of any kind.
pub(super) trait AnyJob: Send + Sync {
    fn run<'a>(&'a self, app: &'a App, claim: &'a Claim) -> BoxFuture<'a, Verdict>;
    fn ending(&self, ctx: &Context, claim: &Claim, verdict: &Verdict) -> AnyEnding;
}

impl<J: Job> AnyJob for J {
    fn run<'a>(&'a self, app: &'a App, claim: &'a Claim) -> BoxFuture<'a, Verdict> {
        Box::pin(Job::run(self, app, claim))
    }

    fn ending(&self, ctx: &Context, claim: &Claim, verdict: &Verdict) -> AnyEnding {
        AnyEnding(Box::new(Job::ending(self, ctx, claim, verdict)))
    }
}

/// An [`Ending`] of a job of any kind.
///
/// Not a bare `Box<dyn …>`: the compiler can't prove that a transaction whose closure captures one
/// may move between threads.
pub(super) struct AnyEnding(Box<dyn DynEnding>);

impl AnyEnding {
    pub(super) async fn ended(&self, tx: &mut Tx) -> Result<()> {
        self.0.ended(tx).await
    }
}

/// An [`Ending`] behind a pointer.
trait DynEnding: Send + Sync {
    fn ended<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<()>>;
}

impl<E: Ending> DynEnding for E {
    fn ended<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<()>> {
        Box::pin(Ending::ended(self, tx))
    }
}
