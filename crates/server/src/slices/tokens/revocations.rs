//! The revoked tokens, in memory.
//!
//! This node's revocations are known at once. Those of other nodes raise their tenant's generation,
//! which is reread every five seconds. If it has changed, the revocations since then are read.

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

/// The interval between reads of the generations. Including the duration of a read, another node's
/// revocation is known here well within ten seconds.
const PERIOD: Duration = Duration::from_secs(5);

/// The revoked tokens of all tenants that have not expired.
pub struct Revocations {
    db: Db,
    clock: Arc<dyn Clock>,
    known: RwLock<HashMap<TenantId, OfTenant>>,
}

#[derive(Default)]
struct OfTenant {
    /// The last generation that was read. `None` before the first.
    generation: Option<i64>,
    /// The expiry of each revoked token.
    tokens: HashMap<(RealmId, TokenId), Timestamp>,
}

impl OfTenant {
    fn insert(&mut self, revoked: &[Revoked]) {
        let entries = revoked.iter();
        self.tokens
            .extend(entries.map(|token| ((token.realm_id, token.id), token.expires_at)));
    }
}

impl Revocations {
    /// Empty before the first [`Self::refresh`].
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

    /// Adds the revocations of this node.
    pub fn add(&self, tenant: TenantId, revoked: &[Revoked]) {
        if !revoked.is_empty() {
            self.changed().entry(tenant).or_default().insert(revoked);
        }
    }

    /// Removes tokens that have expired.
    pub fn shrink(&self, now: Timestamp) {
        for known in self.changed().values_mut() {
            known.tokens.retain(|_, expires_at| *expires_at > now);
        }
    }

    /// Reads the revocations of other nodes since the last call.
    ///
    /// # Errors
    /// Those of the database, if no tenant could be reread. A tenant whose list could not be read
    /// is logged, and keeps its previous list until the next call.
    pub async fn refresh(&self) -> Result<()> {
        let generations = self
            .db
            .read(async |rx| store::generations(rx).await)
            .await?;
        let now = self.clock.now();
        for (tenant, generation) in generations {
            let known = self.generation(tenant);
            if known == Some(generation) {
                continue;
            }
            // A restored database may be behind what was known.
            let since = known.filter(|known| *known < generation).unwrap_or(-1);
            let revoked = self
                .db
                .scan(async move |rx| store::revoked_since(rx, tenant, since, now).await)
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

    /// Refreshes every five seconds until asked to stop.
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

    fn generation(&self, tenant: TenantId) -> Option<i64> {
        self.known().get(&tenant).and_then(|known| known.generation)
    }

    /// The list was read after its generation, so it contains at least that generation's
    /// revocations. Nothing is removed here, since the list lacks concurrent revocations of this
    /// node.
    fn learn(&self, tenant: TenantId, generation: i64, revoked: &[Revoked]) {
        let mut known = self.changed();
        let known = known.entry(tenant).or_default();
        known.generation = Some(generation);
        known.insert(revoked);
    }

    // No code that can panic runs under the lock, so a poisoned map is still whole.
    fn known(&self) -> RwLockReadGuard<'_, HashMap<TenantId, OfTenant>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) -> RwLockWriteGuard<'_, HashMap<TenantId, OfTenant>> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}
