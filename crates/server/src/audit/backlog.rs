//! Entries that wait for one place: those in memory, and the count of those on the disk.
//!
//! The writer puts in, the task of the place takes out; neither waits for the other. What is full is
//! decided here for both.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use super::SinkState;

/// Entries that are added at once.
const MOST_AT_ONCE: usize = 1024;
/// Their bytes.
const BYTES_AT_ONCE: usize = 1 << 20;

/// An entry, written down but not yet chained. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Written {
    /// Unix milliseconds.
    pub(super) at: u64,
    /// Told when every place has it.
    durable: Option<Arc<Durable>>,
    /// The texts of all that came at once, and where this one's is among them.
    texts: Arc<Texts>,
    own: Range<usize>,
}

/// Objects of entries, one behind the other. Not a `str`, to share which would be to copy it.
#[derive(Debug)]
pub(super) struct Texts(pub(super) String);

/// Counts the places that do not have an entry yet.
#[derive(Debug)]
pub(super) struct Durable {
    left: AtomicUsize,
    tell: Mutex<Option<oneshot::Sender<()>>>,
}

/// What waits.
#[derive(Debug)]
pub(super) struct Backlog {
    name: &'static str,
    /// Bytes that may wait, in memory and on the disk.
    limit: usize,
    memory: Mutex<VecDeque<Written>>,
    bytes: AtomicUsize,
    entries: AtomicUsize,
    is_failing: AtomicBool,
    /// Whether the writer puts in nothing more.
    is_ended: AtomicBool,
    changed: Notify,
}

// === impl Durable ===

impl Durable {
    pub(super) fn new(places: usize, tell: oneshot::Sender<()>) -> Self {
        Self { left: AtomicUsize::new(places), tell: Mutex::new(Some(tell)) }
    }
}

impl Written {
    /// Finds an entry among the texts of others. `at` is in Unix milliseconds.
    pub(super) fn among(texts: &Arc<Texts>, own: Range<usize>, at: u64) -> Self {
        Self { at, durable: None, texts: Arc::clone(texts), own }
    }

    /// Takes the object of an entry. `at` is in Unix milliseconds.
    pub(super) fn alone(text: String, at: u64) -> Self {
        let own = 0..text.len();
        Self { at, durable: None, texts: Arc::new(Texts(text)), own }
    }

    /// Says who is told when every place has it.
    #[must_use]
    pub(super) fn telling(self, durable: Option<Durable>) -> Self {
        Self { durable: durable.map(Arc::new), ..self }
    }

    /// Returns its object.
    pub(super) fn text(&self) -> &str {
        self.texts.0.get(self.own.clone()).unwrap_or_default()
    }

    /// Says that one more place has it.
    pub(super) fn is_kept(&self) {
        let Some(durable) = &self.durable else { return };
        if durable.left.fetch_sub(1, Ordering::AcqRel) == 1
            && let Some(tell) = durable.tell.lock().take()
        {
            // Who waited may have gone.
            let _ = tell.send(());
        }
    }
}

// === impl Backlog ===

impl Backlog {
    pub(super) fn new(name: &'static str, limit: usize) -> Self {
        Self {
            name,
            limit,
            memory: Mutex::default(),
            bytes: AtomicUsize::new(0),
            entries: AtomicUsize::new(0),
            is_failing: AtomicBool::new(false),
            is_ended: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// Puts entries in. They had room when what they tell of began, so they are taken whatever waits.
    pub(super) fn push(&self, entries: Vec<Written>) {
        self.count(&entries);
        self.memory.lock().extend(entries);
        self.changed.notify_one();
    }

    /// Counts entries that wait on the disk since an earlier process.
    pub(super) fn count_spooled(&self, entries: usize, bytes: usize) {
        self.entries.fetch_add(entries, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn count(&self, entries: &[Written]) {
        self.count_spooled(entries.len(), bytes(entries));
    }

    /// Says that nothing more will be put in.
    pub(super) fn end(&self) {
        self.is_ended.store(true, Ordering::Release);
        self.changed.notify_one();
    }

    pub(super) fn is_ended(&self) -> bool {
        self.is_ended.load(Ordering::Acquire)
    }

    /// Waits until something was put in, or nothing more will be.
    ///
    /// Cancel safe.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Returns the first of those in memory, as many as are added at once.
    pub(super) fn front(&self) -> Vec<Written> {
        let mut bytes = 0;
        let memory = self.memory.lock();
        let some = memory.iter().take(MOST_AT_ONCE).take_while(|entry| {
            let is_first = bytes == 0;
            bytes += entry.own.len();
            is_first || bytes <= BYTES_AT_ONCE
        });
        some.cloned().collect()
    }

    /// Takes the first `n` of those in memory away, because they are kept elsewhere; they still wait
    /// if that is on the disk.
    pub(super) fn take(&self, n: usize) {
        let mut memory = self.memory.lock();
        let n = n.min(memory.len());
        memory.drain(..n);
    }

    /// Says that entries wait no more.
    pub(super) fn done(&self, entries: &[Written]) {
        self.entries.fetch_sub(entries.len(), Ordering::Relaxed);
        self.bytes.fetch_sub(bytes(entries), Ordering::Relaxed);
    }

    pub(super) fn set_failing(&self, is_failing: bool) {
        self.is_failing.store(is_failing, Ordering::Relaxed);
    }

    pub(super) fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Relaxed)
    }

    /// Tells whether no more may wait. Asked by every call.
    pub(super) fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) >= self.limit
    }

    pub(super) fn waiting(&self) -> usize {
        self.entries.load(Ordering::Relaxed)
    }

    pub(super) fn state(&self) -> SinkState {
        SinkState {
            name: self.name,
            is_failing: self.is_failing(),
            waiting: u64::try_from(self.waiting()).unwrap_or(u64::MAX),
            is_full: self.is_full(),
        }
    }
}

/// Returns how long the texts of entries are together.
pub(super) fn bytes(entries: &[Written]) -> usize {
    entries.iter().map(|entry| entry.own.len()).sum()
}
