//! A small cache for data that every request reads and that rarely changes.
//!
//! Entries expire after five seconds, so another node's change takes effect within that time.
//! Identities and credentials are never cached.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use keymoor_types::{Seconds, Timestamp};

const LIFETIME: Seconds = Seconds(5);
const CAPACITY: usize = 10_000;

pub struct Cache<K, V> {
    entries: Mutex<HashMap<K, Entry<V>>>,
    /// Counts invalidations.
    generation: AtomicU64,
}

struct Entry<V> {
    value: V,
    put_at: Timestamp,
}

impl<V> Entry<V> {
    /// An entry from the future is stale too. Otherwise it would outlive its time after the clock
    /// is set back.
    fn is_younger_than(&self, age: Seconds, now: Timestamp) -> bool {
        self.put_at <= now && now < self.put_at + age
    }
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self {
            entries: Mutex::default(),
            generation: AtomicU64::default(),
        }
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Cache<K, V> {
    /// Returns the entry, or loads it if it is missing or stale.
    ///
    /// # Errors
    /// The errors of `load`.
    pub async fn get_or_load<E>(
        &self,
        key: K,
        now: Timestamp,
        load: impl AsyncFnOnce() -> Result<Option<V>, E>,
    ) -> Result<Option<V>, E> {
        match self.get(&key, now) {
            Some(value) => Ok(Some(value)),
            None => self.load(key, now, load).await,
        }
    }

    /// Reloads an entry. Missing resources are not cached, because callers can invent ids.
    ///
    /// # Errors
    /// The errors of `load`.
    pub async fn load<E>(
        &self,
        key: K,
        now: Timestamp,
        load: impl AsyncFnOnce() -> Result<Option<V>, E>,
    ) -> Result<Option<V>, E> {
        let generation = self.generation.load(Ordering::Acquire);
        let loaded = load().await?;
        if let Some(value) = &loaded {
            self.put(key, value.clone(), now, generation);
        }
        Ok(loaded)
    }

    /// Whether the cached entry is less than a second old.
    pub fn is_brand_new(&self, key: &K, now: Timestamp) -> bool {
        self.entries()
            .get(key)
            .is_some_and(|entry| entry.is_younger_than(Seconds(1), now))
    }

    /// Invalidates an entry, and any load in progress.
    pub fn forget(&self, key: &K) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.entries().remove(key);
    }

    /// Returns the entry, unless it is missing or stale.
    pub fn get(&self, key: &K, now: Timestamp) -> Option<V> {
        let entries = self.entries();
        let entry = entries.get(key)?;
        entry
            .is_younger_than(LIFETIME, now)
            .then(|| entry.value.clone())
    }

    /// Caches `value`, unless an entry was invalidated since its load began in `generation`.
    fn put(&self, key: K, value: V, now: Timestamp, generation: u64) {
        let mut entries = self.entries();
        if generation != self.generation.load(Ordering::Acquire) {
            return;
        }
        if entries.len() >= CAPACITY {
            entries.retain(|_, entry| entry.is_younger_than(LIFETIME, now));
        }
        if entries.len() >= CAPACITY
            && let Some(any) = entries.keys().next().cloned()
        {
            entries.remove(&any);
        }
        entries.insert(key, Entry { value, put_at: now });
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<K, Entry<V>>> {
        // No code that can panic runs under the lock, so a poisoned map is still consistent.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    async fn load<K: Hash + Eq + Clone>(cache: &Cache<K, i32>, key: K, value: i32, now: Timestamp) {
        let loaded = cache
            .load(key, now, async || Ok::<_, Infallible>(Some(value)))
            .await;
        assert_eq!(loaded, Ok(Some(value)));
    }

    #[tokio::test]
    async fn e4_an_entry_lives_five_seconds_or_until_it_is_forgotten() {
        let cache = Cache::default();
        load(&cache, "a", 1, Timestamp::from_seconds(0)).await;
        assert_eq!(cache.get(&"a", Timestamp::from_seconds(4)), Some(1));
        assert_eq!(cache.get(&"a", Timestamp::from_seconds(5)), None);
        load(&cache, "b", 2, Timestamp::from_seconds(0)).await;
        cache.forget(&"b");
        assert_eq!(cache.get(&"b", Timestamp::from_seconds(0)), None);
    }

    #[tokio::test]
    async fn what_is_cached_is_not_loaded_again() {
        let cache = Cache::default();
        let now = Timestamp::from_seconds(0);
        load(&cache, "a", 1, now).await;
        let cached = cache
            .get_or_load("a", now, async || Err::<Option<i32>, _>("loaded again"))
            .await;
        assert_eq!(cached, Ok(Some(1)));
    }

    #[tokio::test]
    async fn e4_what_is_loaded_while_it_is_forgotten_is_not_kept() {
        let cache = Cache::default();
        let now = Timestamp::from_seconds(0);
        let loaded = cache
            .load("a", now, async || {
                cache.forget(&"a");
                Ok::<_, Infallible>(Some(1))
            })
            .await;
        assert_eq!(loaded, Ok(Some(1)));
        assert_eq!(cache.get(&"a", now), None);
    }

    #[tokio::test]
    async fn what_does_not_exist_is_not_remembered() {
        let cache: Cache<&str, i32> = Cache::default();
        let now = Timestamp::from_seconds(0);
        let absent = cache
            .load("a", now, async || Ok::<_, Infallible>(None))
            .await;
        assert_eq!(absent, Ok(None));
        assert!(cache.entries().is_empty());
    }

    #[tokio::test]
    async fn e4_an_entry_does_not_outlive_a_clock_that_is_set_back() {
        let cache = Cache::default();
        load(&cache, "a", 1, Timestamp::from_seconds(86_400)).await;
        assert_eq!(cache.get(&"a", Timestamp::from_seconds(86_399)), None);
        assert!(!cache.is_brand_new(&"a", Timestamp::from_seconds(0)));
    }

    #[tokio::test]
    async fn a_full_cache_still_takes_new_entries_and_drops_stale_ones_first() {
        let cache = Cache::default();
        let (then, now) = (Timestamp::from_seconds(0), Timestamp::from_seconds(4));
        for key in 0..CAPACITY {
            load(&cache, key, 0, if key == 7 { now } else { then }).await;
        }
        load(&cache, CAPACITY, 1, now).await;
        assert_eq!(cache.get(&CAPACITY, now), Some(1));
        load(&cache, CAPACITY + 1, 1, now + LIFETIME).await;
        assert_eq!(cache.get(&(CAPACITY + 1), now + LIFETIME), Some(1));
        assert_eq!(cache.entries().len(), 1);
    }
}
