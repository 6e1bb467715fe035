//! Repeated refusals.
//!
//! The first refusal of a kind is an event at once. Equal ones after it are counted, and become one
//! event with their number when the minute ends.

use keymoor_types::EventId;

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
/// When the database fails. Their number is then lost. The first of each was written.
pub async fn write_repeated(app: &App) -> Result<()> {
    let ctx = Context::system(app);
    let repeated = app.repeats.end_minute().into_iter();
    let events: Vec<_> = repeated
        .map(|(refusal, times)| event(&ctx, refusal, times))
        .collect();
    for batch in events.chunks(100) {
        let batch = batch.to_vec();
        app.db
            .write(async move |tx| {
                for event in &batch {
                    store::append(tx, event).await?;
                }
                Ok(())
            })
            .await?;
    }
    Ok(())
}

fn event(ctx: &Context, refusal: Refusal, times: u64) -> Event {
    let event = Event {
        id: EventId::generate(ctx.now, &*ctx.app.rng),
        subject: refusal.subject,
        kind: EventKind::new(refusal.event),
        outcome: refusal.outcome,
        actor: refusal.actor,
        correlation_id: ctx.source.correlation_id.clone(),
        details: serde_json::from_str(&refusal.details).expect("details were JSON"),
        at: ctx.now,
    };
    event.detail("repeated", times)
}
