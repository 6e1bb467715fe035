//! Counts of refusals that repeat themselves.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::refs::Subject;

/// The maximum number of different refusals in a minute. Further ones all count as first, which
/// rate limits bound.
const MAX_REFUSALS: usize = 4_096;

/// What equal refusals have in common: all but their time and source.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Refusal {
    pub subject: Subject,
    pub event: &'static str,
    pub outcome: &'static str,
    pub actor: String,
    /// JSON.
    pub details: String,
}

/// The refusals since the last minute ended, and how often each was repeated.
#[derive(Default)]
pub struct Repeats(Mutex<HashMap<Refusal, u64>>);

impl Repeats {
    /// Whether this is the first of its kind in this minute. Otherwise counts it.
    pub fn is_first(&self, refusal: Refusal) -> bool {
        let mut refusals = self.refusals();
        if let Some(times) = refusals.get_mut(&refusal) {
            *times += 1;
            return false;
        }
        if refusals.len() < MAX_REFUSALS {
            refusals.insert(refusal, 0);
        }
        true
    }

    /// Ends the minute and returns what was repeated in it, with the number of repetitions.
    pub fn end_minute(&self) -> Vec<(Refusal, u64)> {
        let refusals = std::mem::take(&mut *self.refusals());
        refusals
            .into_iter()
            .filter(|&(_, times)| times > 0)
            .collect()
    }

    fn refusals(&self) -> MutexGuard<'_, HashMap<Refusal, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
