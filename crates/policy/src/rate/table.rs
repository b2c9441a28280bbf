//! A meter for each key, and a bound on how many.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::RwLock;

use super::{Meter, Rate, Reading, nanoseconds};

/// Parts that are locked on their own, so that two keys seldom wait for each other.
const SHARDS: usize = 64;
/// Keys in one part; more than that, and those that were idle for the longest make room.
const MOST_IN_A_SHARD: usize = 1024;
/// Nanoseconds within which it is not written down again that a key was used.
const SELDOM: u64 = 1_000_000;
/// Keys that make room together.
const FORGOTTEN_AT_ONCE: usize = MOST_IN_A_SHARD / 8;

/// Meters by key: at most 65,536 of them, spread over 64 parts by their hash. Whoever is known is counted
/// beside others: a part is locked against all only for a key that is new in it.
///
/// At the bound, those that count nothing any more are forgotten, which changes nothing; if there are
/// none, some that were not used for the longest time, which then begin anew.
#[derive(Debug)]
pub struct Meters<K> {
    rate: Rate,
    hasher: RandomState,
    shards: Box<[RwLock<Shard<K>>]>,
}

/// In a part a fast hash is enough: whoever finds keys that meet there makes a part slow that has no more
/// than [`MOST_IN_A_SHARD`].
type Shard<K> = HashMap<K, Arc<Slot>, foldhash::fast::RandomState>;

#[derive(Debug, Default)]
struct Slot {
    meter: Meter,
    /// The last nanosecond at which it was.
    used: AtomicU64,
    /// Whether it is in no part any more.
    is_forgotten: AtomicBool,
}

/// Where a key is counted, found before: whoever comes again and again with the same key need not have it
/// looked for, under a lock that all others take too.
#[derive(Debug)]
pub struct Place(Arc<Slot>);

impl Slot {
    fn take(&self, rate: &Rate, now: Duration) -> Reading {
        // Ordering: the moment orders nothing. It is written now and then only, since processors would take
        // it from each other.
        let moment = nanoseconds(now);
        if self.used.load(Ordering::Relaxed).saturating_add(SELDOM) < moment {
            self.used.fetch_max(moment, Ordering::Relaxed);
        }
        self.meter.take(rate, now)
    }
}

impl<K: Hash + Eq> Meters<K> {
    /// Makes meters of one rate.
    pub fn new(rate: Rate) -> Self {
        let shards = (0..SHARDS).map(|_| RwLock::default()).collect();
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
        self.slot(key, now).take(&self.rate, now)
    }

    /// Does the same, at a place that was found for this key by these meters, or is found now.
    pub fn take_at<Q>(&self, place: &mut Option<Place>, key: &Q, now: Duration) -> Reading
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        // Ordering: whoever has it forgotten at this moment lets it begin anew, before or after this one.
        let known = place.as_ref().filter(|place| !place.0.is_forgotten.load(Ordering::Relaxed));
        if let Some(Place(slot)) = known {
            return slot.take(&self.rate, now);
        }
        let Place(slot) = place.insert(Place(self.slot(key, now)));
        slot.take(&self.rate, now)
    }

    fn slot<Q>(&self, key: &Q, now: Duration) -> Arc<Slot>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let shard = self.shard(key);
        if let Some(slot) = shard.read().get(key) {
            return Arc::clone(slot);
        }
        let mut shard = shard.write();
        // Another thread may have made room for it meanwhile.
        if !shard.contains_key(key) && shard.len() >= MOST_IN_A_SHARD {
            self.make_room(&mut shard, now);
        }
        Arc::clone(shard.entry(key.to_owned()).or_default())
    }

    /// Takes back what was counted for a key and did not pass after all.
    pub fn give_back<Q>(&self, key: &Q, now: Duration)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if let Some(slot) = self.shard(key).read().get(key) {
            slot.meter.give_back(&self.rate, now);
        }
    }

    /// Returns how many keys are known.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().len()).sum()
    }

    /// Tells whether no key is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard<Q: Hash + ?Sized>(&self, key: &Q) -> &RwLock<Shard<K>> {
        let hash = self.hasher.hash_one(key);
        // The map below takes the low bits of a hash of its own.
        let at = usize::try_from(hash % SHARDS as u64).unwrap_or(0);
        &self.shards[at]
    }

    fn make_room(&self, shard: &mut Shard<K>, now: Duration) {
        let before = shard.len();
        forget(shard, |slot| slot.meter.is_idle(&self.rate, now));
        if shard.len() < before {
            return;
        }
        // Many at once, so that whoever comes with ever new keys does not cost a search each time.
        let used = |slot: &Slot| slot.used.load(Ordering::Relaxed);
        let mut times: Vec<_> = shard.values().map(|slot| used(slot)).collect();
        let (_, &mut oldest, _) = times.select_nth_unstable(FORGOTTEN_AT_ONCE - 1);
        let mut n_gone = 0;
        forget(shard, |slot| {
            let goes = used(slot) <= oldest && n_gone < FORGOTTEN_AT_ONCE;
            n_gone += usize::from(goes);
            goes
        });
    }
}

/// Takes out the meters that go.
fn forget<K>(shard: &mut Shard<K>, mut goes: impl FnMut(&Slot) -> bool) {
    shard.retain(|_, slot| {
        let goes = goes(slot);
        if goes {
            slot.is_forgotten.store(true, Ordering::Relaxed);
        }
        !goes
    });
}
