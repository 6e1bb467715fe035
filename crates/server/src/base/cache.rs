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
    put_at: Timestamp,
}

impl<V> Entry<V> {
    /// Not before it was put here either: should the clock be set back, the entry would live until that
    /// time comes again.
    fn is_younger_than(&self, age: Seconds, now: Timestamp) -> bool {
        self.put_at <= now && now < self.put_at + age
    }
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
        entry
            .is_younger_than(LIFETIME, now)
            .then(|| entry.value.clone())
    }

    pub fn put(&self, key: K, value: V, now: Timestamp) {
        let mut entries = self.entries();
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

    /// Whether what is cached was put there less than a second ago.
    pub fn is_brand_new(&self, key: &K, now: Timestamp) -> bool {
        self.entries()
            .get(key)
            .is_some_and(|entry| entry.is_younger_than(Seconds(1), now))
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
    fn e4_an_entry_does_not_outlive_a_clock_that_is_set_back() {
        let cache = Cache::default();
        cache.put("a", 1, Timestamp::from_seconds(86_400));
        assert_eq!(cache.get(&"a", Timestamp::from_seconds(86_399)), None);
        assert!(!cache.is_brand_new(&"a", Timestamp::from_seconds(0)));
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
