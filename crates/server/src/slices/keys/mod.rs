//! A realm's signing keys.
//!
//! Private keys are sealed under the master key. A realm has one current key per algorithm, created
//! on first need. Retired keys stay published, so that their signatures still verify. A `kid` is
//! the key's thumbprint, so it never names another key.

mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use keymoor_oauth::jose::{Algorithm, KeySet, SigningKey};
use keymoor_types::Clock;
use serde_json::{Value, json};

use store::{KeyRow, NewKey};

use crate::base::cache::Cache;
use crate::base::error::{Error, Result};
use crate::base::refs::RealmRef;
use crate::base::vault::{Purpose, Vault};
use crate::db::Db;

/// The keys of all realms in use.
pub struct KeyRing {
    db: Db,
    vault: Vault,
    clock: Arc<dyn Clock>,
    cache: Cache<RealmRef, Arc<RealmKeys>>,
}

/// One realm's keys, ready for use.
pub struct RealmKeys {
    signing: Vec<(Algorithm, SigningKey)>,
    /// Verifies signatures of any of the realm's keys.
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

    /// Returns the current key of `algorithm`, which [`KeyRing::with_current`] has ensured.
    pub fn signing(&self, algorithm: Algorithm) -> Result<&SigningKey> {
        self.current(algorithm)
            .ok_or_else(|| Error::internal(format!("realm has no {algorithm:?} key")))
    }

    fn of(keys: impl IntoIterator<Item = (SigningKey, IsCurrent)>) -> Self {
        let mut signing = Vec::new();
        let mut verifying = KeySet::default();
        let mut published = Vec::new();
        for (key, IsCurrent(is_current)) in keys {
            verifying.insert(key.verifying_key());
            published.push(key.public_jwk());
            if is_current {
                signing.push((key.algorithm(), key));
            }
        }
        Self {
            signing,
            verifying,
            jwks: json!({ "keys": published }),
        }
    }
}

/// Whether a key signs. A retired one only verifies its earlier signatures.
struct IsCurrent(bool);

impl KeyRing {
    pub fn new(db: Db, vault: Vault, clock: Arc<dyn Clock>) -> Self {
        Self {
            db,
            vault,
            clock,
            cache: Cache::default(),
        }
    }

    /// Returns the realm's keys, at most five seconds old.
    pub async fn of(&self, realm: RealmRef) -> Result<Arc<RealmKeys>> {
        let keys = self
            .cache
            .get_or_load(realm, self.clock.now(), async || self.load(realm).await)
            .await?;
        Ok(keys.unwrap_or_else(|| Arc::new(RealmKeys::of([]))))
    }

    /// Returns the realm's current keys, for when one is missing because another node created it.
    /// At most one read a second per realm, so that invented key names cost nothing.
    pub async fn refreshed(&self, realm: RealmRef) -> Result<Arc<RealmKeys>> {
        if self.cache.is_brand_new(&realm, self.clock.now()) {
            return self.of(realm).await;
        }
        self.reload(realm).await
    }

    /// Returns the realm's keys with a current one for `algorithm`, which is created if missing.
    pub async fn with_current(
        &self,
        realm: RealmRef,
        algorithm: Algorithm,
    ) -> Result<Arc<RealmKeys>> {
        let keys = self.of(realm).await?;
        if keys.current(algorithm).is_some() {
            return Ok(keys);
        }
        self.create_current(realm, algorithm).await?;
        self.reload(realm).await
    }

    /// Drops the cached keys of a realm, and reads of them in progress.
    pub fn forget(&self, realm: RealmRef) {
        self.cache.forget(&realm);
    }

    /// Creates the realm's key for `algorithm` if it is missing.
    pub async fn ensure(&self, realm: RealmRef, algorithm: Algorithm) -> Result<()> {
        if self.of(realm).await?.current(algorithm).is_some() {
            return Ok(());
        }
        self.create_current(realm, algorithm).await
    }

    async fn create_current(&self, realm: RealmRef, algorithm: Algorithm) -> Result<()> {
        // Generating an RSA key takes a large part of a second.
        let key = tokio::task::spawn_blocking(move || SigningKey::generate(algorithm))
            .await
            .map_err(Error::internal)?
            .map_err(Error::internal)?;
        let row = self.sealed(realm, algorithm, &key);
        self.db
            .write(async move |tx| store::insert_unless_current(tx, &row).await)
            .await?;
        self.forget(realm);
        Ok(())
    }

    async fn reload(&self, realm: RealmRef) -> Result<Arc<RealmKeys>> {
        let keys = self
            .cache
            .load(realm, self.clock.now(), async || self.load(realm).await)
            .await?;
        Ok(keys.unwrap_or_else(|| Arc::new(RealmKeys::of([]))))
    }

    async fn load(&self, realm: RealmRef) -> Result<Option<Arc<RealmKeys>>> {
        let rows = self
            .db
            .read(async |rx| store::list(rx, realm).await)
            .await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let keys: Vec<_> = rows
            .iter()
            .map(|row| Ok((self.open(realm, row)?, IsCurrent(row.retired_at.is_none()))))
            .collect::<Result<_>>()?;
        Ok(Some(Arc::new(RealmKeys::of(keys))))
    }

    fn sealed(&self, realm: RealmRef, algorithm: Algorithm, key: &SigningKey) -> NewKey {
        let kid = key.kid().to_owned();
        let context = seal_context(realm, &kid);
        let private_key_sealed = self
            .vault
            .seal(Purpose::SigningKey, &context, &key.to_pkcs8());
        NewKey {
            realm,
            kid,
            algorithm: algorithm.as_str().to_owned(),
            private_key_sealed,
            created_at: self.clock.now(),
        }
    }

    fn open(&self, realm: RealmRef, row: &KeyRow) -> Result<SigningKey> {
        let context = seal_context(realm, &row.kid);
        let pkcs8 = self
            .vault
            .open(Purpose::SigningKey, &context, &row.private_key_sealed)
            .map_err(|_| Error::Sealed(format!("signing key {}", row.kid)))?;
        let algorithm = [Algorithm::Es256, Algorithm::Rs256]
            .into_iter()
            .find(|algorithm| algorithm.as_str() == row.algorithm)
            .ok_or_else(|| Error::internal("unknown signing algorithm"))?;
        SigningKey::from_pkcs8(algorithm, &pkcs8).map_err(Error::internal)
    }
}

/// The context that a sealed private key is bound to. It opens only as this realm's key of this
/// name.
fn seal_context(realm: RealmRef, kid: &str) -> Vec<u8> {
    format!("{realm}/{kid}").into_bytes()
}
