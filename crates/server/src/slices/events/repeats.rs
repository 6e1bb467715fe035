//! Repeated refusals.
//!
//! The first refusal of a kind is an event at once. Equal ones after it are counted, and become one
//! event with their number when the minute ends.

use keymoor_types::{EventId, Timestamp};

use super::event::{Event, EventKind};
use super::store;
use crate::app::App;
use crate::base::context::Context;
use crate::base::error::Result;
use crate::base::repeats::Refusal;

/// Returns the event of a refusal if it must be written now. Otherwise counts it.
pub fn first(app: &App, event: Event) -> Option<Event> {
    let refusal = Refusal {
        subject: event.subject.clone(),
        event: event.kind.as_str(),
        outcome: event.outcome,
        actor: event.actor.clone(),
        details: event.details.to_string(),
    };
    app.repeats.is_first(refusal).then_some(event)
}

/// Writes the events of repeated refusals.
///
/// # Errors
/// When the database fails. The numbers of a batch are then lost. The first of each was written.
pub async fn write_repeated(app: &App) -> Result<()> {
    let ctx = Context::system(app);
    let repeated = app.repeats.end_minute().into_iter();
    let events: Vec<_> = (0..)
        .zip(repeated)
        .map(|(number, (refusal, times))| event(&ctx, number, refusal, times))
        .collect();
    let mut outcome = Ok(());
    for batch in events.chunks(10) {
        let batch = batch.to_vec();
        let written = app.db.write(async move |tx| {
            for event in &batch {
                store::append(tx, event).await?;
            }
            Ok(())
        });
        outcome = outcome.and(written.await);
    }
    outcome
}

/// Each has a millisecond of its own, so that the ids of many can't collide.
fn event(ctx: &Context, number: i64, refusal: Refusal, times: u64) -> Event {
    let at = Timestamp::from_micros(ctx.now.as_micros() + number * 1_000);
    let event = Event {
        id: EventId::generate(at, &*ctx.app.rng),
        subject: refusal.subject,
        kind: EventKind::new(refusal.event),
        outcome: refusal.outcome,
        actor: refusal.actor,
        correlation_id: ctx.source.correlation_id.clone(),
        details: serde_json::from_str(&refusal.details).expect("details were JSON"),
        at,
    };
    event.detail("repeated", times)
}
