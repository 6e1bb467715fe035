//! The writer thread's queue.
//!
//! A commit costs about as much processor and disk time for one transaction as for many, so jobs
//! are batched. The caller that puts a job into an empty inbox yields to every task that is ready
//! to run, then wakes the writer. On an idle server that is immediate; on a busy one, concurrent
//! jobs join the batch.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// The maximum number of waiting jobs. Further ones are rejected.
const CAPACITY: usize = 1024;

/// The longest time to wait for others. Turns are short: this limit is for the rare long one.
const MAX_GATHERING: Duration = Duration::from_millis(5);

/// A queue with one reader, which runs when it is woken.
pub(super) struct Inbox<J> {
    state: Mutex<State<J>>,
    stirred: Condvar,
}

struct State<J> {
    waiting: Vec<J>,
    /// When the first waiting job was added.
    since: Instant,
    is_called: bool,
    is_closed: bool,
}

impl<J> Inbox<J> {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                waiting: Vec::new(),
                since: Instant::now(),
                is_called: false,
                is_closed: false,
            }),
            stirred: Condvar::new(),
        }
    }

    /// Queues `job`, batched with those of every task that runs before this one's next turn.
    ///
    /// # Errors
    /// `Overloaded` if too many wait; `Closed`.
    pub(super) async fn put(&self, job: J) -> Result<()> {
        if self.add(job)? {
            // A dropped caller must not leave the others waiting.
            let _call = CallOnDrop(self);
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Adds `job`, and returns whether it is the first, so that its caller must wake the writer.
    fn add(&self, job: J) -> Result<bool> {
        let now = Instant::now();
        let mut state = self.lock();
        if state.is_closed {
            return Err(Error::Closed);
        }
        let is_first = state.waiting.is_empty();
        if is_first {
            state.since = now;
        } else if !state.is_called && now.duration_since(state.since) > MAX_GATHERING {
            self.call(&mut state);
        }
        if state.waiting.len() >= CAPACITY {
            return Err(Error::Overloaded);
        }
        state.waiting.push(job);
        Ok(is_first)
    }

    fn call(&self, state: &mut State<J>) {
        state.is_called = true;
        self.stirred.notify_one();
    }

    /// Waits to be woken and moves up to `most` jobs to `group`. Returns false when the inbox is
    /// closed and empty.
    pub(super) fn take(&self, group: &mut Vec<J>, most: usize) -> bool {
        let mut state = self
            .stirred
            .wait_while(self.lock(), |state| !state.is_called && !state.is_closed)
            .unwrap_or_else(PoisonError::into_inner);
        let count = state.waiting.len().min(most);
        group.extend(state.waiting.drain(..count));
        state.is_called = !state.waiting.is_empty();
        !(group.is_empty() && state.is_closed)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Rejects further jobs; waiting ones are still processed.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.stirred.notify_one();
    }

    /// Closes the inbox and drops the jobs that will never run.
    pub(super) fn abandon(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        state.waiting.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct CallOnDrop<'a, J>(&'a Inbox<J>);

impl<J> Drop for CallOnDrop<'_, J> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        // An earlier wake-up may have emptied the inbox already.
        if !state.waiting.is_empty() {
            self.0.call(&mut state);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::future::{join_all, poll_immediate};

    use super::*;

    fn taken(inbox: &Inbox<u32>) -> Vec<u32> {
        let mut group = Vec::new();
        inbox.take(&mut group, 256);
        group
    }

    #[tokio::test]
    async fn those_who_can_put_at_once_are_taken_together() {
        let inbox = Inbox::new();
        let all = join_all((0..20).map(|job| inbox.put(job))).await;
        assert!(all.iter().all(Result::is_ok));
        assert_eq!(taken(&inbox), (0..20).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn whoever_is_dropped_while_others_have_their_turn_calls_all_the_same() {
        let inbox = Inbox::new();
        {
            let mut first = pin!(inbox.put(1));
            assert!(poll_immediate(first.as_mut()).await.is_none());
            inbox.put(2).await.unwrap();
        }
        assert_eq!(taken(&inbox), [1, 2]);
    }

    #[tokio::test]
    async fn what_is_left_behind_needs_no_further_call() {
        let inbox = Inbox::new();
        join_all((0..3).map(|job| inbox.put(job))).await;
        let mut group = Vec::new();
        assert!(inbox.take(&mut group, 2));
        assert_eq!((&*group, inbox.len()), (&[0, 1][..], 1));
        assert_eq!(taken(&inbox), [2]);
    }

    #[tokio::test]
    async fn more_than_fit_are_refused() {
        let inbox = Inbox::new();
        let jobs = 0..=u32::try_from(CAPACITY).unwrap();
        let mut outcomes = join_all(jobs.map(|job| inbox.put(job))).await;
        assert!(matches!(outcomes.pop(), Some(Err(Error::Overloaded))));
        assert!(outcomes.iter().all(Result::is_ok));
    }

    #[tokio::test]
    async fn a_closed_inbox_is_emptied_and_takes_no_more() {
        let inbox = Inbox::new();
        inbox.put(1).await.unwrap();
        inbox.close();
        assert!(matches!(inbox.put(2).await, Err(Error::Closed)));
        let mut group = Vec::new();
        assert!(inbox.take(&mut group, 256));
        assert_eq!(group, [1]);
        assert!(!inbox.take(&mut Vec::new(), 256));
    }
}
