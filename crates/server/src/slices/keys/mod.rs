//! A realm's signing keys.
//!
//! Private keys are sealed under the master key. A realm has one current key per algorithm, made
//! when something first needs it; retired keys stay published so that what they signed still
//! verifies. A `kid` is the key's thumbprint and so never names another key.

mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keymoor_oauth::jose::{Algorithm, KeySet, SigningKey};
use keymoor_types::{RealmId, TenantId};
use serde_json::{Value, json};

use crate::app::App;
use crate::base::cache::Cache;
use crate::base::error::{Error, Result};
use crate::base::vault::Purpose;

/// The keys of all realms, as far as they are in use.
#[derive(Default)]
pub struct KeyRing {
    cache: Cache<(TenantId, RealmId), Arc<RealmKeys>>,
    /// Counts what this process changed.
    generation: AtomicU64,
}

/// One realm's keys, ready for use.
pub struct RealmKeys {
    signing: Vec<(Algorithm, SigningKey)>,
    /// Verifies what any of the realm's keys signed.
    pub verifying: KeySet,
    /// The public keys as a JWK set (RFC 7517, section 5).
    pub jwks: Value,
}

impl RealmKeys {
    fn current(&self, algorithm: Algorithm) -> Option<&SigningKey> {
        self.signing
            .iter()
            .find(|(known, _)| *known == algorithm)
            .map(|(_, key)| key)
    }

    /// The current key of `algorithm`, which [`KeyRing::with_current`] made sure of.
    pub fn signing(&self, algorithm: Algorithm) -> Result<&SigningKey> {
        self.current(algorithm)
            .ok_or_else(|| Error::internal(format!("realm has no {algorithm:?} key")))
    }
}

impl KeyRing {
    /// The realm's keys, at most five seconds old.
    pub async fn of(&self, app: &App, tenant: TenantId, realm: RealmId) -> Result<Arc<RealmKeys>> {
        match self.cache.get(&(tenant, realm), app.now()) {
            Some(keys) => Ok(keys),
            None => self.reload(app, tenant, realm).await,
        }
    }

    /// The realm's keys as they are now, for when one is missing: another node may have made it.
    /// At most once a second per realm, so that invented key names cost nothing.
    pub async fn refreshed(
        &self,
        app: &App,
        tenant: TenantId,
        realm: RealmId,
    ) -> Result<Arc<RealmKeys>> {
        if self.cache.is_brand_new(&(tenant, realm), app.now()) {
            return self.of(app, tenant, realm).await;
        }
        self.reload(app, tenant, realm).await
    }

    /// The realm's keys with a current one for `algorithm`, which is made if there is none.
    pub async fn with_current(
        &self,
        app: &App,
        tenant: TenantId,
        realm: RealmId,
        algorithm: Algorithm,
    ) -> Result<Arc<RealmKeys>> {
        let keys = self.of(app, tenant, realm).await?;
        if keys.current(algorithm).is_some() {
            return Ok(keys);
        }
        self.ensure(app, tenant, realm, algorithm).await?;
        self.reload(app, tenant, realm).await
    }

    /// Drops what is remembered of a realm, and what is being read of it just now.
    pub fn forget(&self, tenant: TenantId, realm: RealmId) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.cache.forget(&(tenant, realm));
    }

    /// Makes the realm's key for `algorithm` unless it has one.
    pub async fn ensure(
        &self,
        app: &App,
        tenant: TenantId,
        realm: RealmId,
        algorithm: Algorithm,
    ) -> Result<()> {
        if self
            .of(app, tenant, realm)
            .await?
            .current(algorithm)
            .is_some()
        {
            return Ok(());
        }
        // An RSA key takes a large part of a second to find.
        let key = tokio::task::spawn_blocking(move || SigningKey::generate(algorithm))
            .await
            .map_err(Error::internal)?
            .map_err(Error::internal)?;
        let row = store::NewKey::seal(app, tenant, realm, algorithm, &key);
        app.db
            .write(async move |tx| store::insert_unless_current(tx, &row).await)
            .await?;
        self.forget(tenant, realm);
        Ok(())
    }

    async fn reload(&self, app: &App, tenant: TenantId, realm: RealmId) -> Result<Arc<RealmKeys>> {
        let generation = self.generation.load(Ordering::Acquire);
        let keys = Arc::new(load(app, tenant, realm).await?);
        // A realm without keys may be an invention, and what was read before a key was made here
        // must not outlive it.
        let current = generation == self.generation.load(Ordering::Acquire);
        if current && !keys.signing.is_empty() {
            self.cache
                .put((tenant, realm), Arc::clone(&keys), app.now());
        }
        Ok(keys)
    }
}

async fn load(app: &App, tenant: TenantId, realm: RealmId) -> Result<RealmKeys> {
    let rows = app
        .db
        .read(async |rx| store::list(rx, tenant, realm).await)
        .await?;
    let mut signing = Vec::new();
    let mut verifying = KeySet::default();
    let mut published = Vec::new();
    for row in rows {
        let key = row.open(app, tenant, realm)?;
        let public = key.public_jwk();
        verifying.insert(key.verifying_key());
        published.push(public);
        if row.is_current() {
            signing.push((key.algorithm(), key));
        }
    }
    Ok(RealmKeys {
        signing,
        verifying,
        jwks: json!({ "keys": published }),
    })
}

/// What a sealed private key is bound to: it opens as this realm's key of this name only.
fn seal_context(tenant: TenantId, realm: RealmId, kid: &str) -> Vec<u8> {
    format!("{tenant}/{realm}/{kid}").into_bytes()
}

impl store::NewKey {
    fn seal(
        app: &App,
        tenant: TenantId,
        realm: RealmId,
        algorithm: Algorithm,
        key: &SigningKey,
    ) -> Self {
        let kid = key.kid().to_owned();
        let context = seal_context(tenant, realm, &kid);
        let private_key_sealed = app
            .vault
            .seal(Purpose::SigningKey, &context, &key.to_pkcs8());
        Self {
            tenant,
            realm,
            kid,
            algorithm: algorithm.as_str().to_owned(),
            private_key_sealed,
            created_at: app.now(),
        }
    }
}

impl store::KeyRow {
    fn open(&self, app: &App, tenant: TenantId, realm: RealmId) -> Result<SigningKey> {
        let context = seal_context(tenant, realm, &self.kid);
        let pkcs8 = app
            .vault
            .open(Purpose::SigningKey, &context, &self.private_key_sealed)
            .map_err(|_| Error::Sealed(format!("signing key {}", self.kid)))?;
        let algorithm = [Algorithm::Es256, Algorithm::Rs256]
            .into_iter()
            .find(|algorithm| algorithm.as_str() == self.algorithm)
            .ok_or_else(|| Error::internal("unknown signing algorithm"))?;
        SigningKey::from_pkcs8(algorithm, &pkcs8).map_err(Error::internal)
    }

    fn is_current(&self) -> bool {
        self.retired_at.is_none()
    }
}
