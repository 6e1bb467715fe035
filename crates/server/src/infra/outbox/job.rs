//! The interface of a kind of job, and a job in the outbox.

use keymoor_types::{OutboxId, RealmId, Seconds, TenantId, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::base::context::Context;
use crate::base::error::Result;
use crate::base::refs::RealmRef;
use crate::db::Tx;
use crate::infra::metrics::Metrics;

/// A kind of job. Its value is stored as JSON, so values of released versions must stay readable.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name of the kind, as stored.
    const KIND: &'static str;

    /// Makes one attempt.
    ///
    /// It must be safe to repeat: another worker runs the job again if this one dies or takes
    /// longer than its lease.
    fn run(&self, app: &App, claim: &Claim) -> impl Future<Output = Verdict> + Send;

    /// Counts the result of an attempt, once per attempt.
    fn count(_metrics: &Metrics, _verdict: &Verdict) {}

    /// Prepares what is recorded when the job ends. `verdict` is never [`Verdict::Later`].
    ///
    /// Ids and events are created here, because the transaction that records them may run twice.
    fn ending(&self, ctx: &Context, claim: &Claim, verdict: &Verdict) -> impl Ending;
}

/// What is recorded when a job ends.
pub trait Ending: Send + Sync + 'static {
    /// Records it, in the transaction that removes the job.
    fn ended(&self, tx: &mut Tx) -> impl Future<Output = Result<()>> + Send;
}

/// The result of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Done,
    /// The subject of the job has ended or was deleted.
    Moot,
    /// The attempt failed, and another one may succeed. After the last one it becomes `Never`.
    Later(String),
    /// Another attempt is useless.
    Never(String),
}

/// A job to be inserted into the outbox.
#[derive(Clone, Debug)]
pub struct Entry<J> {
    pub id: OutboxId,
    pub realm: RealmRef,
    pub job: J,
    pub created_at: Timestamp,
}

impl<J: Job> Entry<J> {
    pub fn new(ctx: &Context, realm: RealmRef, job: J) -> Self {
        Self {
            id: OutboxId::generate(ctx.now, &*ctx.app.rng),
            realm,
            job,
            created_at: ctx.now,
        }
    }
}

/// A job that one worker holds until its lease ends.
#[derive(Clone, Debug)]
pub struct Claim {
    pub(super) tenant_id: TenantId,
    pub(super) realm_id: RealmId,
    pub id: OutboxId,
    pub kind: String,
    pub(super) payload: String,
    /// Which attempt this is, counted from 1.
    pub attempt: i64,
    pub created_at: Timestamp,
}

impl Claim {
    /// The realm that the job belongs to.
    pub const fn realm(&self) -> RealmRef {
        RealmRef {
            tenant_id: self.tenant_id,
            realm_id: self.realm_id,
        }
    }
}

/// Returns the wait after failed attempt number `attempt`, counted from 1: `first`, doubled for
/// each earlier attempt, plus up to a quarter at random, so that jobs that failed together are not
/// retried together.
pub(super) fn back_off(first: Seconds, attempt: i64, random: u16) -> Seconds {
    let doublings = u32::try_from(attempt.saturating_sub(1).clamp(0, 16)).unwrap_or(16);
    let wait = first.0.saturating_mul(1 << doublings);
    let jitter = wait / 4 * i64::from(random) / i64::from(u16::MAX);
    Seconds(wait.saturating_add(jitter))
}
