//! Which tokens no longer hold, in memory.
//!
//! What this node revokes it knows at once. What others revoke shows in their tenant's generation,
//! which is reread every five seconds; only where it has changed is the list read again.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use keymoor_types::{Clock, RealmId, TenantId, Timestamp};
use tokio::sync::watch;

use super::model::TokenId;
use super::store::{self, Revoked};
use crate::base::error::Result;
use crate::base::refs::RealmRef;
use crate::db::Db;

/// How often the generations are reread. With what a read takes, another node's revocation holds
/// here well within ten seconds.
const PERIOD: Duration = Duration::from_secs(5);

/// The revoked tokens of all tenants that have not expired.
pub struct Revocations {
    db: Db,
    clock: Arc<dyn Clock>,
    known: RwLock<HashMap<TenantId, OfTenant>>,
}

#[derive(Default)]
struct OfTenant {
    /// The generation that was read last.
    generation: i64,
    /// Until when each must be known.
    tokens: HashMap<(RealmId, TokenId), Timestamp>,
}

impl Revocations {
    /// Knows of none before the first [`Self::refresh`].
    pub fn new(db: Db, clock: Arc<dyn Clock>) -> Self {
        Self {
            db,
            clock,
            known: RwLock::default(),
        }
    }

    pub fn contains(&self, realm: RealmRef, id: TokenId) -> bool {
        self.known()
            .get(&realm.tenant_id)
            .is_some_and(|known| known.tokens.contains_key(&(realm.realm_id, id)))
    }

    /// Adds what this node has revoked.
    pub fn add(&self, tenant: TenantId, revoked: &Revoked) {
        self.changed()
            .entry(tenant)
            .or_default()
            .tokens
            .insert((revoked.realm_id, revoked.id), revoked.expires_at);
    }

    /// Forgets tokens that have expired by themselves.
    pub fn shrink(&self, now: Timestamp) {
        for known in self.changed().values_mut() {
            known.tokens.retain(|_, expires_at| *expires_at > now);
        }
    }

    /// Reads again what other nodes have revoked since the last time.
    ///
    /// # Errors
    /// Those of the database, if no tenant could be reread. A tenant whose list was not read is
    /// logged, and stays as it was known until the next time.
    pub async fn refresh(&self) -> Result<()> {
        let generations = self
            .db
            .read(async |rx| store::generations(rx).await)
            .await?;
        let now = self.clock.now();
        for (tenant, generation) in generations {
            if self.generation(tenant) == generation {
                continue;
            }
            let revoked = self
                .db
                .scan(async move |rx| store::revoked(rx, tenant, now).await)
                .await;
            match revoked {
                Ok(revoked) => self.learn(tenant, generation, &revoked),
                Err(error) => {
                    tracing::warn!(%tenant, %error, "a tenant's revocations were not read");
                }
            }
        }
        Ok(())
    }

    /// Refreshes every five seconds until told to stop.
    pub async fn keep(&self, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                _told = stop.wait_for(|&stop| stop) => return,
                () = tokio::time::sleep(PERIOD) => {}
            }
            if let Err(error) = self.refresh().await {
                tracing::warn!(%error, "revocations of other nodes were not read");
            }
        }
    }

    fn generation(&self, tenant: TenantId) -> i64 {
        self.known()
            .get(&tenant)
            .map_or(0, |known| known.generation)
    }

    /// The list was read after its generation, so it holds at least what that stands for. Nothing
    /// is ever taken out: a revocation made here meanwhile is not on it.
    fn learn(&self, tenant: TenantId, generation: i64, revoked: &[Revoked]) {
        let mut known = self.changed();
        let known = known.entry(tenant).or_default();
        known.generation = generation;
        known.tokens.extend(
            revoked
                .iter()
                .map(|revoked| ((revoked.realm_id, revoked.id), revoked.expires_at)),
        );
    }

    // No code that can panic runs under the lock, so a poisoned map is still whole.
    fn known(&self) -> RwLockReadGuard<'_, HashMap<TenantId, OfTenant>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) -> RwLockWriteGuard<'_, HashMap<TenantId, OfTenant>> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}
