//! A small cache for what changes rarely and is read on every request.
//!
//! Entries live five seconds: that is how long another node's change may go unnoticed. Identities
//! and credentials are never cached.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use keymoor_types::{Seconds, Timestamp};

const LIFETIME: Seconds = Seconds(5);
const CAPACITY: usize = 10_000;

pub struct Cache<K, V>(Mutex<HashMap<K, Entry<V>>>);

struct Entry<V> {
    value: V,
    fresh_until: Timestamp,
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Cache<K, V> {
    pub fn get(&self, key: &K, now: Timestamp) -> Option<V> {
        let entries = self.entries();
        let entry = entries.get(key)?;
        (entry.fresh_until > now).then(|| entry.value.clone())
    }

    pub fn put(&self, key: K, value: V, now: Timestamp) {
        let mut entries = self.entries();
        if entries.len() >= CAPACITY {
            entries.retain(|_, entry| entry.fresh_until > now);
        }
        if entries.len() >= CAPACITY
            && let Some(any) = entries.keys().next().cloned()
        {
            entries.remove(&any);
        }
        let fresh_until = now + LIFETIME;
        entries.insert(key, Entry { value, fresh_until });
    }

    /// Whether what is cached was put there less than a second ago.
    pub fn is_brand_new(&self, key: &K, now: Timestamp) -> bool {
        let threshold = now + LIFETIME - Seconds(1);
        self.entries()
            .get(key)
            .is_some_and(|entry| entry.fresh_until > threshold)
    }

    pub fn forget(&self, key: &K) {
        self.entries().remove(key);
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<K, Entry<V>>> {
        // No code that can panic runs under the lock, so a poisoned map is still whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e4_an_entry_lives_five_seconds_or_until_it_is_forgotten() {
        let cache = Cache::default();
        cache.put("a", 1, Timestamp::from_seconds(0));
        assert_eq!(cache.get(&"a", Timestamp::from_seconds(4)), Some(1));
        assert_eq!(cache.get(&"a", Timestamp::from_seconds(5)), None);
        cache.put("b", 2, Timestamp::from_seconds(0));
        cache.forget(&"b");
        assert_eq!(cache.get(&"b", Timestamp::from_seconds(0)), None);
    }

    #[test]
    fn a_full_cache_still_takes_new_entries_and_drops_stale_ones_first() {
        let cache = Cache::default();
        let (then, now) = (Timestamp::from_seconds(0), Timestamp::from_seconds(4));
        for key in 0..CAPACITY {
            cache.put(key, (), if key == 7 { now } else { then });
        }
        cache.put(CAPACITY, (), now);
        assert_eq!(cache.get(&CAPACITY, now), Some(()));
        cache.put(CAPACITY + 1, (), now + LIFETIME);
        assert_eq!(cache.get(&(CAPACITY + 1), now + LIFETIME), Some(()));
        assert_eq!(cache.entries().len(), 1);
    }
}
