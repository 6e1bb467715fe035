//! Who runs the tasks: claims what is due, makes an attempt, records what came of it.

use std::time::Duration;

use keymoor_types::{Seconds, Timestamp};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::store::{self, Claim, Due};
use super::{Task, back_off};
use crate::app::App;
use crate::base::context::Context;
use crate::base::error::Result;
use crate::base::refs::RealmRef;
use crate::config::OutboxSettings;
use crate::infra::mail::{Mail, Outcome};
use crate::slices::binding;
use crate::slices::credentials;
use crate::slices::events::{self, Event, EventKind};

/// How many tasks run side by side.
const TOGETHER: i64 = 8;
/// How long a task written down by any node may lie unnoticed.
const POLL: Duration = Duration::from_secs(1);
/// A mail that could not be sent for so long helps nobody any more; its sealed token is gone.
const TOO_LATE: Seconds = Seconds::DAY;
/// How often recording an accepted mail is tried: failing there means sending it again.
const RECORD_TRIES: u32 = 5;

/// Far above any difference between the clocks of two nodes: a task that waits by the faster one
/// must not look to the slower one as if its time had been lost.
const CLOCK_SKEW: Seconds = Seconds::HOUR;

/// What a task asks for when its turn comes.
pub enum Errand {
    Send(Mail),
    /// What the task was about has ended or is gone.
    Moot,
}

/// Runs tasks as they become due. Once told to stop, it ends the attempts that are being made, or
/// makes those that are due if there are none: as many as go side by side, since more would take
/// longer than a stopping server has.
pub async fn work(app: App, mut stop: watch::Receiver<bool>) {
    loop {
        let was_told = *stop.borrow();
        let attempts = run_some(&app).await.unwrap_or_else(|error| {
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
            // An error means that nobody can tell any more: stop too.
            told = stop.wait_for(|&stop| stop) => if told.is_err() { return },
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

/// Runs every task that is due, and says how many attempts that took.
#[cfg(test)]
pub async fn run_due(app: &App) -> Result<usize> {
    let mut attempts = 0;
    loop {
        match run_some(app).await? {
            0 => return Ok(attempts),
            some => attempts += some,
        }
    }
}

/// Runs as many tasks that are due as go side by side, and says how many those were.
async fn run_some(app: &App) -> Result<usize> {
    let claims = claim(app).await?;
    let attempts = claims.len();
    let mut running = JoinSet::new();
    for claim in claims {
        running.spawn(attempt(app.clone(), claim));
    }
    // A task that panics is logged by the panic hook, and tried again when its lease ends.
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
    // Nearly always nothing is due, and the writer is left alone.
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

async fn attempt(app: App, claim: Claim) {
    let id = claim.id;
    let verdict = verdict(&app, &claim).await;
    match &verdict {
        Verdict::Done => {
            app.metrics.mail_sent();
            tracing::info!(%id, "mail sent");
        }
        Verdict::Moot => tracing::info!(%id, "mail no longer needed"),
        Verdict::Later { reason, .. } => {
            app.metrics.mail_postponed();
            tracing::warn!(%id, reason, "mail not sent, trying again");
        }
        Verdict::Never(reason) => {
            app.metrics.mail_given_up();
            tracing::error!(%id, reason, "mail given up");
        }
    }
    let mut tries_left = match verdict {
        Verdict::Done => RECORD_TRIES,
        _ => 1,
    };
    while let Err(error) = record(&app, &claim, &verdict).await {
        tries_left -= 1;
        tracing::error!(%id, %error, tries_left, "what came of a mail was not recorded");
        if tries_left == 0 {
            return;
        }
        tokio::time::sleep(POLL).await;
    }
}

/// What is to be recorded about an attempt.
#[derive(Clone, Debug)]
enum Verdict {
    Done,
    Moot,
    Later { run_at: Timestamp, reason: String },
    Never(String),
}

async fn verdict(app: &App, claim: &Claim) -> Verdict {
    let attempts = i64::from(app.config.outbox.attempts);
    if claim.attempt > attempts {
        return Verdict::Never("the last attempt never ended".to_owned());
    }
    if app.now() >= claim.created_at + TOO_LATE {
        return Verdict::Never("it could not be sent within a day".to_owned());
    }
    let reason = match errand(app, claim).await {
        Ok(Errand::Moot) => return Verdict::Moot,
        Ok(Errand::Send(mail)) => match app.mailer.send(&mail).await {
            Outcome::Accepted => return Verdict::Done,
            Outcome::Refused(reason) => return Verdict::Never(reason),
            Outcome::Failed(reason) => reason,
        },
        Err(error) => error.to_string(),
    };
    if claim.attempt >= attempts {
        return Verdict::Never(reason);
    }
    let random = u16::from_le_bytes(app.rng.bytes());
    let wait = back_off(app.config.outbox.first_retry, claim.attempt, random);
    Verdict::Later {
        run_at: app.now() + wait,
        reason,
    }
}

async fn errand(app: &App, claim: &Claim) -> Result<Errand> {
    match claim.task()? {
        Task::BindingLink {
            identity_id,
            binding_job_id,
        } => binding::mailing::errand(app, claim, identity_id, binding_job_id).await,
        Task::PasskeyAdded {
            identity_id,
            address,
            ..
        } => credentials::mailing::errand(app, claim, identity_id, address).await,
    }
}

/// Writes down what came of an attempt, in one transaction with the end of the task.
async fn record(app: &App, claim: &Claim, verdict: &Verdict) -> Result<()> {
    let ctx = Context::system(app);
    let task = claim.task().ok();
    let status = task
        .as_ref()
        .and_then(|task| status_event(&ctx, claim, task, verdict));
    let link = task
        .as_ref()
        .and_then(|task| binding::mailing::LinkTask::of(&ctx, claim, task));
    let (claim, verdict, now) = (claim.clone(), verdict.clone(), ctx.now);
    app.db
        .write(async move |tx| {
            let ended = match &verdict {
                Verdict::Later { run_at, .. } => {
                    return store::postpone(tx, &claim, *run_at).await;
                }
                Verdict::Done => store::finish(tx, &claim).await?,
                Verdict::Moot | Verdict::Never(_) => store::give_up(tx, &claim).await?,
            };
            if !ended {
                return Ok(());
            }
            if let Some(link) = &link {
                let given_up = matches!(verdict, Verdict::Never(_));
                link.end(tx, given_up, now).await?;
            }
            match &status {
                Some(event) => events::append(tx, event).await,
                None => Ok(()),
            }
        })
        .await
}

/// What the audit log says of a mail that was sent or given up.
fn status_event(ctx: &Context, claim: &Claim, task: &Task, verdict: &Verdict) -> Option<Event> {
    let realm = RealmRef {
        tenant_id: claim.tenant_id,
        realm_id: claim.realm_id,
    };
    let about = |outcome| match *task {
        Task::BindingLink {
            identity_id,
            binding_job_id,
        } => {
            let job = realm.identity_id(identity_id).job_id(binding_job_id);
            Event::about(ctx, job, EventKind::EMAIL_STATUS_CHANGE, outcome)
        }
        Task::PasskeyAdded {
            identity_id,
            credential_id,
            ..
        } => {
            let credential = realm.identity_id(identity_id).credential_id(credential_id);
            Event::about(ctx, credential, EventKind::EMAIL_STATUS_CHANGE, outcome)
        }
    };
    let event = |outcome| {
        about(outcome)
            .detail("mail", task.kind())
            .detail("attempts", claim.attempt)
    };
    match verdict {
        Verdict::Done => Some(event("SENT")),
        Verdict::Never(reason) => Some(event("FAILED").detail("reason", reason)),
        Verdict::Moot | Verdict::Later { .. } => None,
    }
}
