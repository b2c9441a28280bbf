//! What is kept of the streams of all sessions together: how many bytes, and what goes when they are
//! too many or too old.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::Streams;

/// The streams of all sessions.
#[derive(Debug)]
pub struct Replays {
    bytes: AtomicUsize,
    limit: AtomicUsize,
    /// In the order in which the sessions first had one.
    all: Mutex<Vec<Weak<Streams>>>,
}

/// What is given up, in this order.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shed {
    /// Streams that are over.
    Finished,
    /// Whatever matters least, one by one.
    Least,
}

impl Replays {
    /// Keeps so many bytes at most.
    pub fn new(limit: usize) -> Arc<Self> {
        let limit = AtomicUsize::new(limit);
        Arc::new(Self { bytes: AtomicUsize::new(0), limit, all: Mutex::default() })
    }

    /// Returns how many bytes are kept.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Sets how many bytes are kept at most; the next change keeps to it.
    pub fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// Forgets what is too old.
    pub fn sweep(&self) {
        for streams in self.living() {
            streams.sweep(Instant::now());
        }
        self.all.lock().retain(|streams| streams.strong_count() > 0);
    }

    pub(super) fn add(&self, streams: &Arc<Streams>) {
        self.all.lock().push(Arc::downgrade(streams));
    }

    /// Counts a change; tells whether there is too much now.
    pub(super) fn account(&self, before: usize, after: usize) -> bool {
        if after < before {
            self.bytes.fetch_sub(before - after, Ordering::Relaxed);
            return false;
        }
        let added = after - before;
        let total = self.bytes.fetch_add(added, Ordering::Relaxed) + added;
        added > 0 && total > self.limit.load(Ordering::Relaxed)
    }

    /// Makes room for a tenth of what may be kept, so that it is not needed again at once.
    pub(super) fn make_room(&self) {
        let enough = self.limit.load(Ordering::Relaxed) / 10 * 9;
        let all = self.living();
        for shed in [Shed::Finished, Shed::Least] {
            for streams in &all {
                if self.bytes() <= enough {
                    return;
                }
                streams.shed(shed, || self.bytes() <= enough);
            }
        }
    }

    fn living(&self) -> Vec<Arc<Streams>> {
        self.all.lock().iter().filter_map(Weak::upgrade).collect()
    }
}

impl Streams {
    /// Gives something up until it is enough, or nothing of that kind is left.
    fn shed(&self, shed: Shed, is_enough: impl Fn() -> bool) {
        let mut inner = self.inner.lock();
        match shed {
            Shed::Finished => {
                let before = inner.n_bytes();
                inner.streams.retain(|stream| stream.finished.is_none());
                self.replays.account(before, inner.n_bytes());
            }
            Shed::Least => {
                while !is_enough() {
                    let before = inner.n_bytes();
                    let largest = inner.streams.iter_mut().max_by_key(|stream| stream.n_bytes());
                    if !largest.is_some_and(super::log::Stream::evict) {
                        return;
                    }
                    self.replays.account(before, inner.n_bytes());
                }
            }
        }
    }

    fn sweep(&self, now: Instant) {
        self.changing(|inner, _| {
            let Some(moment) = now.checked_sub(inner.limits.time) else { return };
            inner.streams.retain(|stream| stream.finished.is_none_or(|at| at >= moment));
            for stream in &mut inner.streams {
                stream.forget_before(moment);
            }
        });
    }
}
