//! What an administrator does with batches: create, read, cancel, list the results.

use std::collections::BTreeMap;

use keymoor_types::BatchId;

use super::model::{Batch, BatchRef, BatchState, Item, MAX_QUEUE, Origin, Template, items};
use super::store;
use crate::base::context::Context;
use crate::base::error::{Error, Kind, Resource, Result};
use crate::base::paging::{Page, PageRequest};
use crate::base::refs::{RealmRef, Ref as _, Segment as _};
use crate::slices::binding;
use crate::slices::binding::model::{BindingJob, ConfigChoice, State};
use crate::slices::events::{self, Event, EventKind};
use crate::slices::realms;

/// A batch was created or cancelled.
pub const BATCH_CHANGE: EventKind = EventKind::new("BatchCredentialBindingJobChange");

/// The member that requests have the template in.
pub const TEMPLATE: &str = "batch_credential_binding_job.job_template";

/// A batch as requested.
#[derive(Clone, Debug)]
pub struct NewBatch {
    /// From 1 to 1,000.
    pub identity_ids: Vec<String>,
    pub config: ConfigChoice,
    pub post_binding_redirect_uri: Option<String>,
}

/// A batch with its items.
pub struct Progress {
    pub batch: Batch,
    pub items: Vec<Item>,
}

/// Creates a batch. The worker invites the identities afterwards.
///
/// # Errors
/// `NotFound` for the realm; `Invalid` for the config; `Unprocessable` without a mail server;
/// `QueueFull`; `Forbidden` in the admin realm for a caller without every scope.
pub async fn create(ctx: &Context, realm: RealmRef, new: NewBatch) -> Result<Progress> {
    let at = realm.batch_id(BatchId::generate(ctx.now, &*ctx.app.rng));
    if !ctx.app.mailer.is_configured() {
        let message = "no mail server is configured";
        return Err(Error::Unprocessable {
            message: message.to_owned(),
            resource: Resource {
                description: message.to_owned(),
                ..Resource::new(Kind::REALM, realm.realm_id)
            },
        });
    }
    let items = items(&new.identity_ids);
    let origin = Origin {
        actor: ctx.actor.to_string(),
        correlation_id: ctx.source.correlation_id.clone(),
        ip: ctx.source.ip.to_string(),
        user_agent: ctx.source.user_agent.clone(),
    };
    let event = Event::about(ctx, at, BATCH_CHANGE, "CREATED").detail("identities", items.len());
    let (now, may_do_anything) = (ctx.now, ctx.may_do_anything());
    ctx.app
        .db
        .write(async move |tx| {
            // The lock makes concurrent batches count each other.
            realms::store::find_locked(tx, realm)
                .await?
                .ok_or_else(|| realm.not_found())?;
            binding::ops::require_entitled(tx, realm, may_do_anything).await?;
            let (authenticator_config_id, snapshot) =
                binding::ops::snapshot(tx, realm, &new.config, TEMPLATE).await?;
            if snapshot.invoke_url.is_none() {
                return Err(Error::invalid(
                    format!("{TEMPLATE}.authenticator_config_id"),
                    "a link can be mailed only for a config with an invoke_url",
                ));
            }
            require_room(store::count_pending(tx, realm).await?, items.len())?;
            let batch = Batch {
                tenant_id: at.tenant_id,
                realm_id: at.realm_id,
                id: at.batch_id,
                template: Template {
                    authenticator_config_id,
                    snapshot,
                    post_binding_redirect_uri: new.post_binding_redirect_uri.clone(),
                },
                origin: origin.clone(),
                created_at: now,
                updated_at: now,
            };
            store::insert(tx, &batch, &items).await?;
            events::append(tx, &event).await?;
            let items = store::items(tx, at).await?;
            Ok(Progress { batch, items })
        })
        .await
}

fn require_room(current: i64, new: usize) -> Result<()> {
    let maximum = i64::try_from(MAX_QUEUE).unwrap_or(i64::MAX);
    let overage = current + i64::try_from(new).unwrap_or(i64::MAX) - maximum;
    if overage <= 0 {
        return Ok(());
    }
    Err(Error::QueueFull {
        maximum,
        current,
        overage,
    })
}

/// # Errors
/// `NotFound`
pub async fn get(ctx: &Context, at: BatchRef) -> Result<Progress> {
    let read = ctx.app.db.read(async |rx| {
        let batch = store::find(rx, at).await?;
        Ok((batch, store::items(rx, at).await?))
    });
    let (batch, items) = read.await?;
    let batch = batch.ok_or_else(|| at.not_found())?;
    Ok(Progress { batch, items })
}

/// Cancels what a batch has not done yet. Links that were mailed keep working.
///
/// # Errors
/// `NotFound`; `Conflict` if nothing is left to cancel.
pub async fn cancel(ctx: &Context, at: BatchRef) -> Result<Progress> {
    let event = Event::about(ctx, at, BATCH_CHANGE, "CANCELLED");
    let now = ctx.now;
    ctx.app
        .db
        .write(async move |tx| {
            let cancelled = store::cancel(tx, at).await?;
            let found = store::find(tx, at).await?.ok_or_else(|| at.not_found())?;
            let items = store::items(tx, at).await?;
            if cancelled == 0 {
                return Err(Error::conflict_on(
                    "batch credential binding job has ended",
                    BatchId::KIND,
                    at.batch_id,
                    &BatchState::of(&items).as_str().to_ascii_lowercase(),
                ));
            }
            store::touch(tx, at, now).await?;
            events::append(tx, &event.clone().detail("identities", cancelled)).await?;
            let batch = Batch {
                updated_at: now,
                ..found
            };
            Ok(Progress { batch, items })
        })
        .await
}

/// The jobs of a batch, with how many ended in which way.
pub struct Results {
    pub page: Page<BindingJob>,
    /// Jobs that bound a passkey.
    pub successes: i64,
    /// Jobs whose link expired, was revoked or could not be mailed.
    pub failures: i64,
    /// The other jobs.
    pub pending: i64,
}

/// Returns a page of the jobs of a batch.
///
/// # Errors
/// `NotFound`
pub async fn results(ctx: &Context, at: BatchRef, page: &PageRequest) -> Result<Results> {
    let (now, page) = (ctx.now, page.clone());
    ctx.scan(at.tenant_id, async move |rx| {
        if store::find(rx, at).await?.is_none() {
            return Err(at.not_found());
        }
        let states = binding::store::states_of_batch(rx, at.realm(), at.batch_id, now).await?;
        let states: BTreeMap<String, i64> = states.into_iter().collect();
        let count = |states_of: &[State]| -> i64 {
            let of = states_of
                .iter()
                .filter_map(|state| states.get(state.as_str()));
            of.sum()
        };
        let (successes, failures) = (
            count(&[State::Complete]),
            count(&[State::Expired, State::Revoked, State::FailedToSend]),
        );
        let total: i64 = states.values().sum();
        let page = binding::store::list_of_batch(rx, at.realm(), at.batch_id, &page, total).await?;
        Ok(Results {
            page,
            successes,
            failures,
            pending: total - successes - failures,
        })
    })
    .await
}
