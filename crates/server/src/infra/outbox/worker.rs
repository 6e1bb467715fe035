//! The worker: claims due jobs, attempts them and records the results.

use std::time::Duration;

use keymoor_types::Seconds;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::job::{Claim, Verdict, back_off};
use super::registry::{AnyJob, Jobs, Kind};
use super::store::{self, Due};
use crate::app::App;
use crate::base::context::Context;
use crate::base::error::{Error, Result};
use crate::config::OutboxSettings;

/// The number of jobs that run concurrently.
const TOGETHER: i64 = 8;
/// The longest delay until a job that another node inserted is noticed.
const POLL: Duration = Duration::from_secs(1);
/// A job that has failed for this long is useless: for example, the sealed token of a link is gone.
const TOO_LATE: Seconds = Seconds::DAY;
/// The number of attempts to record a completed job. If all fail, the job runs again.
const RECORD_TRIES: u32 = 5;

/// Far above any clock difference between two nodes. Otherwise the slower node would take a job
/// that waits by the faster clock for one with a lost time.
const CLOCK_SKEW: Seconds = Seconds::HOUR;

/// Runs jobs as they become due. When asked to stop, it finishes the attempts in progress, or else
/// makes one batch of due attempts. More would exceed the time that a stopping server has.
pub async fn work(app: App, jobs: Jobs, mut stop: watch::Receiver<bool>) {
    loop {
        let was_told = *stop.borrow();
        let attempts = run_some(&app, &jobs).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the outbox could not be read");
            0
        });
        let is_told = *stop.borrow();
        if was_told || (is_told && attempts > 0) {
            return;
        }
        if attempts > 0 {
            continue;
        }
        tokio::select! {
            // On an error, the sender is gone: stop too.
            told = stop.wait_for(|&stop| stop) => if told.is_err() { return },
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

/// Runs every due job and returns the number of attempts.
#[cfg(test)]
pub async fn run_due(app: &App, jobs: &Jobs) -> Result<usize> {
    let mut attempts = 0;
    loop {
        match run_some(app, jobs).await? {
            0 => return Ok(attempts),
            some => attempts += some,
        }
    }
}

/// Runs one concurrent batch of due jobs and returns its size.
async fn run_some(app: &App, jobs: &Jobs) -> Result<usize> {
    let claims = claim(app).await?;
    let attempts = claims.len();
    let mut running = JoinSet::new();
    for claim in claims {
        let kind = jobs.find(&claim.kind);
        running.spawn(attempt(app.clone(), kind, claim));
    }
    // The panic hook logs a job that panics. The job is retried when its lease ends.
    while running.join_next().await.is_some() {}
    Ok(attempts)
}

async fn claim(app: &App) -> Result<Vec<Claim>> {
    let now = app.now();
    let OutboxSettings {
        attempts,
        first_retry,
        lease,
    } = app.config.outbox;
    let longest_wait = back_off(first_retry, attempts.into(), u16::MAX).max(lease);
    let due = Due {
        by: now,
        or_after: now + longest_wait + CLOCK_SKEW,
    };
    // Usually nothing is due, so the writer is not used.
    if !app
        .db
        .read(async |rx| store::any_due(rx, due).await)
        .await?
    {
        return Ok(Vec::new());
    }
    let lease_end = now + lease;
    app.db
        .write(async move |tx| store::claim(tx, due, lease_end, TOGETHER).await)
        .await
}

async fn attempt(app: App, kind: Option<Kind>, claim: Claim) {
    let job = read(kind, &claim);
    let verdict = verdict(&app, &claim, &job).await;
    if let Some(kind) = kind {
        (kind.count)(&app.metrics, &verdict);
    }
    let (id, kind) = (claim.id, &claim.kind);
    match &verdict {
        Verdict::Done => tracing::info!(%id, kind, "outbox job done"),
        Verdict::Moot => tracing::info!(%id, kind, "outbox job no longer needed"),
        Verdict::Later(reason) => {
            tracing::warn!(%id, kind, reason, "outbox job failed, trying again");
        }
        Verdict::Never(reason) => tracing::error!(%id, kind, reason, "outbox job given up"),
    }
    let job = job.ok();
    let mut tries_left = match verdict {
        Verdict::Done => RECORD_TRIES,
        _ => 1,
    };
    while let Err(error) = record(&app, &claim, job.as_deref(), &verdict).await {
        tries_left -= 1;
        tracing::error!(%id, kind, %error, tries_left, "outcome of an outbox job not recorded");
        if tries_left == 0 {
            return;
        }
        tokio::time::sleep(POLL).await;
    }
}

fn read(kind: Option<Kind>, claim: &Claim) -> Result<Box<dyn AnyJob>> {
    let unknown = || Error::internal(format!("unknown kind of outbox job: {}", claim.kind));
    kind.ok_or_else(unknown)?.read(claim)
}

async fn verdict(app: &App, claim: &Claim, job: &Result<Box<dyn AnyJob>>) -> Verdict {
    let attempts = i64::from(app.config.outbox.attempts);
    if claim.attempt > attempts {
        return Verdict::Never("the last attempt never ended".to_owned());
    }
    if app.now() >= claim.created_at + TOO_LATE {
        return Verdict::Never("it could not be sent within a day".to_owned());
    }
    let verdict = match job {
        Ok(job) => job.run(app, claim).await,
        Err(error) => Verdict::Later(error.to_string()),
    };
    match verdict {
        Verdict::Later(reason) if claim.attempt >= attempts => Verdict::Never(reason),
        verdict => verdict,
    }
}

/// Records the result of an attempt, in the transaction that ends the job.
async fn record(
    app: &App,
    claim: &Claim,
    job: Option<&dyn AnyJob>,
    verdict: &Verdict,
) -> Result<()> {
    if let Verdict::Later(_) = verdict {
        return postpone(app, claim).await;
    }
    let ending = job.map(|job| job.ending(&Context::system(app), claim, verdict));
    let (claim, is_done) = (claim.clone(), *verdict == Verdict::Done);
    app.db
        .write(async move |tx| {
            let ended = if is_done {
                store::finish(tx, &claim).await?
            } else {
                store::give_up(tx, &claim).await?
            };
            match &ending {
                Some(ending) if ended => ending.ended(tx).await,
                _ => Ok(()),
            }
        })
        .await
}

/// Makes a job due again after its back-off.
async fn postpone(app: &App, claim: &Claim) -> Result<()> {
    let random = u16::from_le_bytes(app.rng.bytes());
    let wait = back_off(app.config.outbox.first_retry, claim.attempt, random);
    let (claim, run_at) = (claim.clone(), app.now() + wait);
    app.db
        .write(async move |tx| store::postpone(tx, &claim, run_at).await)
        .await
}
