//! Turns of callers at what is expensive: one at a time for each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keymoor_types::TenantId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Gives each tenant one turn at a time. Waiting callers of a tenant get theirs in the order in
/// which they asked.
#[derive(Clone, Default)]
pub struct Turns(Arc<Mutex<HashMap<TenantId, Arc<Semaphore>>>>);

impl Turns {
    /// Waits for the tenant's turn.
    pub async fn take(&self, tenant: TenantId) -> Turn {
        let semaphore = {
            let mut all = self.all();
            Arc::clone(
                all.entry(tenant)
                    .or_insert_with(|| Arc::new(Semaphore::new(1))),
            )
        };
        // Created before waiting, so that a cancelled caller is forgotten too.
        let mut turn = Turn {
            turns: self.clone(),
            tenant,
            permit: None,
        };
        let permit = semaphore.acquire_owned().await;
        turn.permit = Some(permit.expect("the semaphore is never closed"));
        turn
    }

    fn all(&self) -> MutexGuard<'_, HashMap<TenantId, Arc<Semaphore>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A turn, which lasts until it is dropped.
pub struct Turn {
    turns: Turns,
    tenant: TenantId,
    permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.permit.take();
        let mut all = self.turns.all();
        // Nobody else has or waits for a turn.
        if all
            .get(&self.tenant)
            .is_some_and(|turn| Arc::strong_count(turn) == 1)
        {
            all.remove(&self.tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn d15_a_tenant_has_one_turn_at_a_time_and_others_theirs() {
        let turns = Turns::default();
        let tenant = |number| TenantId::from_i64(number);
        let first = turns.take(tenant(1)).await;
        let mut second = Box::pin(turns.take(tenant(1)));
        let mut cancelled = Box::pin(turns.take(tenant(1)));
        assert!(second.as_mut().now_or_never().is_none());
        assert!(cancelled.as_mut().now_or_never().is_none());
        drop(turns.take(tenant(2)).await);
        drop(cancelled);
        drop(first);
        drop(second.await);
        assert!(turns.all().is_empty());
    }
}
