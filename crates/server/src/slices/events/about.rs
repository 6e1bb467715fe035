//! Events from the context of a request. Apart from [`Event`], because the context holds the `App`,
//! whose feeds read events.

use keymoor_types::EventId;
use serde_json::Value;

use super::event::{Event, EventKind};
use crate::base::context::Context;
use crate::base::refs::Ref;

impl Event {
    /// Creates an event about one thing, which finds the event later.
    pub fn about(ctx: &Context, thing: impl Ref, kind: EventKind, outcome: &'static str) -> Self {
        Self {
            id: EventId::generate(ctx.now, &*ctx.app.rng),
            subject: thing.subject(),
            kind,
            outcome,
            actor: ctx.actor.to_string(),
            correlation_id: ctx.source.correlation_id.clone(),
            details: Value::Object(serde_json::Map::new()),
            at: ctx.now,
        }
    }
}
