//! Repeated refusals.
//!
//! The first refusal of a kind is an event at once. Equal ones after it are counted, and become one
//! event with their number when the minute ends. They differ in nothing but time and source.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::event::Event;
use super::store;
use crate::app::App;
use crate::base::error::Result;
use crate::base::refs::Subject;

/// The maximum number of kinds in a minute. Refusals of further kinds are written one by one, which
/// rate limits bound.
const MAX_KINDS: usize = 4_096;

/// The refusals since the last minute ended.
#[derive(Default)]
pub struct Repeats(Mutex<HashMap<Kind, Option<Repeated>>>);

#[derive(PartialEq, Eq, Hash)]
struct Kind {
    subject: Subject,
    event: &'static str,
    outcome: &'static str,
    details: String,
}

/// The last one, and the number since the first.
struct Repeated {
    last: Event,
    times: u64,
}

impl Repeats {
    /// Returns a refusal that must be written now, or counts it.
    pub fn first(&self, refusal: Event) -> Option<Event> {
        let kind = Kind {
            subject: refusal.subject.clone(),
            event: refusal.kind.as_str(),
            outcome: refusal.outcome,
            details: refusal.details.to_string(),
        };
        let mut kinds = self.kinds();
        let Some(repeated) = kinds.get_mut(&kind) else {
            if kinds.len() < MAX_KINDS {
                kinds.insert(kind, None);
            }
            return Some(refusal);
        };
        let times = repeated.as_ref().map_or(1, |repeated| repeated.times + 1);
        *repeated = Some(Repeated {
            last: refusal,
            times,
        });
        None
    }

    fn kinds(&self) -> MutexGuard<'_, HashMap<Kind, Option<Repeated>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end_minute(&self) -> Vec<Event> {
        let kinds = std::mem::take(&mut *self.kinds());
        let repeated = kinds.into_values().flatten();
        repeated
            .map(|Repeated { last, times }| last.detail("repeated", times))
            .collect()
    }
}

/// Writes the events of repeated refusals.
///
/// # Errors
/// When the database fails. Their number is then lost; the first of each was written.
pub async fn write_repeated(app: &App) -> Result<()> {
    let events = app.repeats.end_minute();
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
