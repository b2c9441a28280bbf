//! The one queue between whatever happens and the task that writes it down.
//!
//! Bounded in bytes, by permits; there are as many places in it as permits, so that who has one always
//! finds a place. What nothing depends on has permits of its own: a stranger who is refused a thousand
//! times takes no room from calls.

use std::sync::Arc;
use std::time::SystemTime;

use gantry_core::Clock;
use gantry_core::audit::{Entry, Events, Full, Recorder as Port};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

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
    pub(super) room: OwnedSemaphorePermit,
}

/// The near end of the queue.
#[derive(Debug)]
pub(super) struct Recorder {
    jobs: mpsc::Sender<Job>,
    room: Arc<Semaphore>,
    late: Arc<Semaphore>,
    backlogs: Vec<Arc<Backlog>>,
    clock: Arc<dyn Clock>,
    events: Events,
    wants_arguments: bool,
    each: bool,
    when_full: AuditFull,
    figures: Figures,
}

impl Recorder {
    pub(super) fn new(
        config: &config::Audit,
        clock: Arc<dyn Clock>,
        backlogs: Vec<Arc<Backlog>>,
        figures: &Figures,
    ) -> (Arc<Self>, mpsc::Receiver<Job>) {
        let (jobs, queue) = mpsc::channel(ROOM + LATE);
        let recorder = Self {
            jobs,
            room: Arc::new(Semaphore::new(ROOM)),
            late: Arc::new(Semaphore::new(LATE)),
            backlogs,
            clock,
            events: config.wanted(),
            wants_arguments: config.arguments != AuditArguments::None,
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
        self.room.available_permits() == 0 || self.backlogs.iter().any(|backlog| backlog.is_full())
    }
}

impl Port for Recorder {
    fn events(&self) -> Events {
        self.events
    }

    fn wants_arguments(&self) -> bool {
        self.wants_arguments
    }

    fn reserve(&self, kibibytes: u32) -> Result<Option<OwnedSemaphorePermit>, Full> {
        let is_full = self.backlogs.iter().any(|backlog| backlog.is_full());
        let permit = Arc::clone(&self.room).try_acquire_many_owned(kibibytes);
        match (permit, self.when_full) {
            (Ok(permit), _) if !is_full => Ok(Some(permit)),
            (_, AuditFull::Refuse) => {
                self.figures.refused.inc();
                Err(Full)
            }
            (_, AuditFull::Drop) => {
                self.figures.dropped.inc();
                Ok(None)
            }
        }
    }

    fn reserve_late(&self) -> Option<OwnedSemaphorePermit> {
        let is_full = self.backlogs.iter().any(|backlog| backlog.is_full());
        let permit = Arc::clone(&self.late).try_acquire_owned().ok().filter(|_| !is_full);
        if permit.is_none() {
            self.figures.dropped.inc();
        }
        permit
    }

    fn take(&self, entry: Entry, room: OwnedSemaphorePermit) -> Option<oneshot::Receiver<()>> {
        let (durable, told) = oneshot::channel();
        let durable = self.each.then_some(durable);
        let job = Job { at: self.clock.now(), entry, durable, room };
        // Invariant: there is a place for each permit, so this fails only once the writer has ended,
        // after everything that is recorded. Who waits is then told that nothing is durable.
        if self.jobs.try_send(job).is_err() {
            self.figures.dropped.inc();
        }
        self.each.then_some(told)
    }
}
