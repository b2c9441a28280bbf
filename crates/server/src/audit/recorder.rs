//! The one queue between whatever happens and the task that writes it down.
//!
//! Bounded in bytes: room is taken before anything happens and is free again when its entry is written
//! down, so that who has room always finds a place. What nothing depends on has room of its own: a
//! stranger who is refused a thousand times takes none from calls.
//!
//! An entry wakes nobody but the first since the writer looked: a wake for each would cost a call more
//! than all the rest of its entry, on a machine whose processors are busy with calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use bytes::Bytes;
use gantry_core::Clock;
use gantry_core::audit::{Entry, Events, Full, Recorder as Port, Reserved};
use gantry_policy::audit::Rules;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use super::backlog::Backlog;
use super::figures::Figures;
use crate::config::{self, AuditArguments, AuditFull, AuditSync};

/// KiB of the entries of calls and changes.
const ROOM: usize = 32 * 1024;
/// Entries that nothing depends on.
const LATE: usize = 4 * 1024;

/// An entry on its way.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) at: SystemTime,
    pub(super) entry: Entry,
    pub(super) durable: Option<oneshot::Sender<()>>,
    /// Free once the entry is written down.
    pub(super) room: Reserved,
}

/// What is in the queue, and what room there is.
#[derive(Debug)]
pub(super) struct Queue {
    jobs: Mutex<Jobs>,
    /// Told when there is something in it.
    filled: Notify,
    /// Free KiB of calls and changes.
    room: AtomicUsize,
    /// Free places of what nothing depends on.
    late: AtomicUsize,
}

#[derive(Debug, Default)]
struct Jobs {
    waiting: Vec<Job>,
    /// Whether nobody takes anything out any more.
    is_closed: bool,
}

/// The near end of the queue.
#[derive(Debug)]
pub(super) struct Recorder {
    queue: Arc<Queue>,
    backlogs: Vec<Arc<Backlog>>,
    clock: Arc<dyn Clock>,
    events: Events,
    wants_arguments: bool,
    rules: Arc<ArcSwap<Rules>>,
    each: bool,
    when_full: AuditFull,
    figures: Figures,
}

// === impl Queue ===

impl Queue {
    fn new() -> Self {
        Self {
            jobs: Mutex::default(),
            filled: Notify::new(),
            room: AtomicUsize::new(ROOM),
            late: AtomicUsize::new(LATE),
        }
    }

    /// Waits until there is something in it.
    ///
    /// Cancel safe.
    pub(super) async fn filled(&self) {
        self.filled.notified().await;
    }

    /// Takes out what is in it, and leaves an empty list for what comes next.
    pub(super) fn take(&self, empty: Vec<Job>) -> Vec<Job> {
        std::mem::replace(&mut self.jobs.lock().waiting, empty)
    }

    /// Takes nothing in from here on.
    pub(super) fn close(&self) {
        self.jobs.lock().is_closed = true;
    }

    /// Gives room back; of many entries at once.
    pub(super) fn release(&self, rooms: impl IntoIterator<Item = Reserved>) {
        let (mut kibibytes, mut late) = (0, 0);
        for room in rooms {
            match room {
                Reserved::Kibibytes(n) => kibibytes += whole(n),
                Reserved::Late => late += 1,
            }
        }
        // Ordering: these numbers order nothing but themselves.
        if kibibytes > 0 {
            self.room.fetch_add(kibibytes, Ordering::Relaxed);
        }
        if late > 0 {
            self.late.fetch_add(late, Ordering::Relaxed);
        }
    }

    /// Puts one in; `false` if nobody takes anything out any more.
    fn put(&self, job: Job) -> bool {
        let is_first = {
            let mut jobs = self.jobs.lock();
            if jobs.is_closed {
                return false;
            }
            jobs.waiting.push(job);
            jobs.waiting.len() == 1
        };
        if is_first {
            self.filled.notify_one();
        }
        true
    }
}

fn whole(kibibytes: u32) -> usize {
    usize::try_from(kibibytes).unwrap_or(usize::MAX)
}

/// Takes so much of what is free; `false` if there is less.
fn take_of(free: &AtomicUsize, wanted: usize) -> bool {
    // Ordering: the number orders nothing but itself.
    let order = Ordering::Relaxed;
    free.fetch_update(order, order, |free| free.checked_sub(wanted)).is_ok()
}

// === impl Recorder ===

impl Recorder {
    pub(super) fn new(
        config: &config::Audit,
        (clock, rules): (Arc<dyn Clock>, Arc<ArcSwap<Rules>>),
        backlogs: Vec<Arc<Backlog>>,
        figures: &Figures,
    ) -> (Arc<Self>, Arc<Queue>) {
        let queue = Arc::new(Queue::new());
        let recorder = Self {
            queue: Arc::clone(&queue),
            backlogs,
            clock,
            events: config.wanted(),
            wants_arguments: config.arguments != AuditArguments::None,
            rules,
            each: config.sync == AuditSync::Each,
            when_full: config.when_full,
            figures: figures.clone(),
        };
        (Arc::new(recorder), queue)
    }

    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Tells whether there is no room, in the queue or for a place that fails.
    pub(super) fn is_full(&self) -> bool {
        self.queue.room.load(Ordering::Relaxed) == 0 || self.is_backlog_full()
    }

    fn is_backlog_full(&self) -> bool {
        self.backlogs.iter().any(|backlog| backlog.is_full())
    }
}

impl Port for Recorder {
    fn events(&self) -> Events {
        self.events
    }

    fn wants_arguments(&self) -> bool {
        self.wants_arguments
    }

    fn shortened(&self, arguments: &[u8]) -> Option<Bytes> {
        self.rules.load().shortened(arguments).map(Bytes::from)
    }

    fn reserve(&self, kibibytes: u32) -> Result<Option<Reserved>, Full> {
        if !self.is_backlog_full() && take_of(&self.queue.room, whole(kibibytes)) {
            return Ok(Some(Reserved::Kibibytes(kibibytes)));
        }
        match self.when_full {
            AuditFull::Refuse => {
                self.figures.refused.inc();
                Err(Full)
            }
            AuditFull::Drop => {
                self.figures.dropped.inc();
                Ok(None)
            }
        }
    }

    fn reserve_late(&self) -> Option<Reserved> {
        if !self.is_backlog_full() && take_of(&self.queue.late, 1) {
            return Some(Reserved::Late);
        }
        self.figures.dropped.inc();
        None
    }

    fn release(&self, room: Reserved) {
        self.queue.release([room]);
    }

    fn take(&self, entry: Entry, room: Reserved) -> Option<oneshot::Receiver<()>> {
        let (durable, told) = self.each.then(oneshot::channel).unzip();
        // It is refused only once the writer has ended, after everything that is recorded. Who waits
        // is then told that nothing is durable.
        if !self.queue.put(Job { at: self.clock.now(), entry, durable, room }) {
            self.figures.dropped.inc();
            self.queue.release([room]);
        }
        told
    }
}
