//! A meter for each key, and a bound on how many.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::time::Duration;

use parking_lot::Mutex;

use super::{Meter, Rate, Reading};

/// Parts that are locked on their own, so that two keys seldom wait for each other.
const SHARDS: usize = 64;
/// Keys in one part; more than that, and those that were idle for the longest make room.
const MOST_IN_A_SHARD: usize = 1024;
/// Keys that make room together.
const FORGOTTEN_AT_ONCE: usize = MOST_IN_A_SHARD / 8;

/// Meters by key: at most 65,536 of them, spread over 64 parts by their hash.
///
/// At the bound, those that count nothing any more are forgotten, which changes nothing; if there are
/// none, some that were not used for the longest time, which then begin anew.
#[derive(Debug)]
pub struct Meters<K> {
    rate: Rate,
    hasher: RandomState,
    shards: Box<[Mutex<Shard<K>>]>,
}

/// In a part a fast hash is enough: whoever finds keys that meet there makes a part slow that has no more
/// than [`MOST_IN_A_SHARD`].
type Shard<K> = HashMap<K, Slot, foldhash::fast::RandomState>;

#[derive(Debug)]
struct Slot {
    meter: Meter,
    used: Duration,
}

impl<K: Hash + Eq> Meters<K> {
    /// Makes meters of one rate.
    pub fn new(rate: Rate) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        // SipHash under random keys, so that nobody can choose keys that meet in one part, and make those
        // of others be forgotten.
        Self { rate, hasher: RandomState::new(), shards }
    }

    /// Returns the rate.
    pub fn rate(&self) -> &Rate {
        &self.rate
    }

    /// Counts a request of a key, if it may pass.
    pub fn take<Q>(&self, key: &Q, now: Duration) -> Reading
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let mut shard = self.shard(key).lock();
        if let Some(slot) = shard.get_mut(key) {
            slot.used = slot.used.max(now);
            return slot.meter.take(&self.rate, now);
        }
        if shard.len() >= MOST_IN_A_SHARD {
            self.make_room(&mut shard, now);
        }
        let slot = Slot { meter: Meter::default(), used: now };
        let reading = slot.meter.take(&self.rate, now);
        shard.insert(key.to_owned(), slot);
        reading
    }

    /// Takes back what was counted for a key and did not pass after all.
    pub fn give_back<Q>(&self, key: &Q, now: Duration)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if let Some(slot) = self.shard(key).lock().get(key) {
            slot.meter.give_back(&self.rate, now);
        }
    }

    /// Returns how many keys are known.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Tells whether no key is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard<Q: Hash + ?Sized>(&self, key: &Q) -> &Mutex<Shard<K>> {
        let hash = self.hasher.hash_one(key);
        // The map below takes the low bits of a hash of its own.
        let at = usize::try_from(hash % SHARDS as u64).unwrap_or(0);
        &self.shards[at]
    }

    fn make_room(&self, shard: &mut Shard<K>, now: Duration) {
        let before = shard.len();
        shard.retain(|_, slot| !slot.meter.is_idle(&self.rate, now));
        if shard.len() < before {
            return;
        }
        // Many at once, so that whoever comes with ever new keys does not cost a search each time.
        let mut times: Vec<_> = shard.values().map(|slot| slot.used).collect();
        let (_, &mut oldest, _) = times.select_nth_unstable(FORGOTTEN_AT_ONCE - 1);
        let mut n_gone = 0;
        shard.retain(|_, slot| {
            let goes = slot.used <= oldest && n_gone < FORGOTTEN_AT_ONCE;
            n_gone += usize::from(goes);
            !goes
        });
    }
}
