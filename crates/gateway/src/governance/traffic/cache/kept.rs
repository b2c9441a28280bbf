//! A map that forgets: by age, and what was not used for the longest time when it is full.

use std::collections::{BTreeMap, HashMap};

use gantry_policy::cache_key::Key;
use tokio::time::Instant;

/// What an entry costs beyond its value.
const OVERHEAD: usize = 256;

/// Values by key, bounded by the bytes of all of them.
#[derive(Debug)]
pub(super) struct Kept<V> {
    most: usize,
    bytes: usize,
    entries: HashMap<Key, Entry<V>>,
    /// By when they were used last; the lowest goes first.
    order: BTreeMap<u64, Key>,
    uses: u64,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    bytes: usize,
    until: Instant,
    used: u64,
}

impl<V: Clone> Kept<V> {
    pub(super) fn new(most: usize) -> Self {
        Self { most, bytes: 0, entries: HashMap::new(), order: BTreeMap::new(), uses: 0 }
    }

    /// Changes how much is kept.
    pub(super) fn resize(&mut self, most: usize) {
        self.most = most;
        self.shrink();
    }

    /// Returns a value that is not too old, and until when it holds.
    pub(super) fn get(&mut self, key: &Key, now: Instant) -> Option<(V, Instant)> {
        let entry = self.entries.get_mut(key)?;
        if entry.until <= now {
            self.remove(key);
            return None;
        }
        self.uses += 1;
        self.order.remove(&entry.used);
        entry.used = self.uses;
        self.order.insert(self.uses, *key);
        Some((entry.value.clone(), entry.until))
    }

    /// Keeps a value of so many bytes. One that alone is too large is not kept, and neither is what
    /// was there before.
    pub(super) fn insert(&mut self, key: Key, value: V, bytes: usize, until: Instant) {
        self.remove(&key);
        let bytes = bytes + OVERHEAD;
        if bytes > self.most {
            return;
        }
        self.uses += 1;
        self.bytes += bytes;
        self.order.insert(self.uses, key);
        self.entries.insert(key, Entry { value, bytes, until, used: self.uses });
        self.shrink();
    }

    pub(super) fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            self.order.remove(&entry.used);
            self.bytes -= entry.bytes;
        }
    }

    /// Returns how many entries there are, and their bytes.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.entries.len(), self.bytes)
    }

    fn shrink(&mut self) {
        while self.bytes > self.most {
            let Some((_, key)) = self.order.pop_first() else { return };
            self.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn key(number: u8) -> Key {
        [number; 32]
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_too_old_is_not_given() {
        let now = Instant::now();
        let mut kept = Kept::new(10_000);
        kept.insert(key(1), "a", 1, now + Duration::from_secs(5));
        assert_eq!(kept.get(&key(1), now + Duration::from_secs(4)).unwrap().0, "a");
        assert!(kept.get(&key(1), now + Duration::from_secs(5)).is_none());
        assert_eq!(kept.size(), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_used_for_the_longest_time_goes_first() {
        let now = Instant::now();
        let until = now + Duration::from_secs(5);
        let mut kept = Kept::new(3 * (OVERHEAD + 10));
        for number in 1..=3 {
            kept.insert(key(number), number, 10, until);
        }
        assert!(kept.get(&key(1), now).is_some());
        kept.insert(key(4), 4, 10, until);
        assert!(kept.get(&key(2), now).is_none());
        assert!([1, 3, 4].iter().all(|number| kept.get(&key(*number), now).is_some()));
        kept.insert(key(1), 9, 5000, until);
        assert!(kept.get(&key(1), now).is_none(), "what is too large replaces and is not kept");
        kept.resize(OVERHEAD + 10);
        assert_eq!(kept.size(), (1, OVERHEAD + 10));
    }

    proptest! {
        #[test]
        fn the_bound_holds_and_the_books_are_right(
            steps in prop::collection::vec((0..3_u8, 0..20_u8, 0..3000_usize), 0..300),
        ) {
            let now = Instant::now();
            let until = now + Duration::from_mins(1);
            let mut kept = Kept::new(8000);
            for (step, number, bytes) in steps {
                match step {
                    0 => kept.insert(key(number), number, bytes, until),
                    1 => kept.remove(&key(number)),
                    _ => {
                        let got = kept.get(&key(number), now).map(|(value, _)| value);
                        prop_assert!(got.is_none_or(|value| value == number));
                    }
                }
                prop_assert!(kept.bytes <= 8000);
                prop_assert_eq!(kept.order.len(), kept.entries.len());
                prop_assert_eq!(
                    kept.bytes,
                    kept.entries.values().map(|entry| entry.bytes).sum::<usize>()
                );
            }
        }
    }
}
