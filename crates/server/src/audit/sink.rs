//! A place where entries are kept, and the task that brings them there, in order and chained.
//!
//! While a place fails or hangs, what waits is put on the disk ([`Spool`]), so that neither a restart
//! nor a kill loses it; then it is tried again, with growing pauses. Places know nothing of each other:
//! one that fails holds no other up.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gantry_core::BoxFuture;
use gantry_policy::audit::{AROUND, Chain, Head, SEAL};
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::backlog::{Backlog, Written, bytes};
use super::figures::{Figures, Place};
use super::{AuditError, HeadFile, Spool};

/// A place that takes longer than this for one write is taken for one that fails.
const SLOW: Duration = Duration::from_secs(2);
/// The first pause after a failure; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long a head waits for later ones: to write a file anew costs a disk more than the entries of such
/// a while, and all that an older head misses after a kill is that the last entries were taken away.
const KEPT_AFTER: Duration = Duration::from_millis(250);

/// Entries that are sealed together, between which no request is served: twice as many as are digested side by side.
const AT_A_TIME: usize = 32;
/// Bytes of entries after which no further one is among them. One that is longer is chained where nobody waits
/// for the thread.
const MANY_BYTES: usize = 32 * 1024;
/// How long others go first, so that entries are kept in time whatever there is to do.
const PATIENCE: Duration = Duration::from_millis(8);

/// Where entries are kept.
pub(super) trait Sink: Send + Sync + fmt::Debug + 'static {
    /// Returns the last entry that is there; `None` if there is none, or it cannot be told.
    fn last(&mut self) -> BoxFuture<'_, Result<Option<Head>, AuditError>>;

    /// Adds entries, in order; of those that are sealed together, all or none. Those that are not counted in the
    /// answer are not there, or give way when they are added again, sealed with others perhaps.
    fn append(&mut self, sealed: Arc<Sealed>) -> BoxFuture<'_, Appended>;
}

/// Entries and their lines in this trail.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) entries: Vec<Written>,
    /// One for each, with its end.
    lines: String,
    /// Where each seal is, the last one at the end.
    seals: Vec<Seal>,
}

/// The end of what is sealed together, none of which is in a trail without the rest.
#[derive(Debug)]
struct Seal {
    /// How many entries there are up to here.
    entries: usize,
    /// How many bytes of lines.
    bytes: usize,
    head: Head,
}

/// Entries of which some have their lines.
struct Sealing {
    entries: Vec<Written>,
    lines: String,
    chain: Chain,
    seals: Vec<Seal>,
}

/// What became of entries.
#[derive(Debug)]
pub(super) struct Appended {
    /// How many of the first ones are there.
    pub(super) n: usize,
    /// Whether these are as durable as they should be.
    pub(super) is_durable: bool,
    /// Why that is not all of it.
    pub(super) failure: Option<String>,
}

/// The task of one place.
#[derive(Debug)]
pub(super) struct Drain {
    sink: Box<dyn Sink>,
    chain: Chain,
    head: Arc<HeadFile>,
    backlog: Arc<Backlog>,
    spool: Arc<Mutex<Spool>>,
    figures: Figures,
    place: Place,
    /// When the latest head is to be kept, unless it is.
    keep_at: Option<Instant>,
    /// A head that is being kept.
    keeping: Option<JoinHandle<()>>,
    /// Whether it was said that nothing can be put on the disk.
    has_no_spool: bool,
}

/// A task that is ready to run.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) drain: Drain,
    /// What is missing of the trail.
    pub(super) loss: Option<String>,
}

/// Entries to be added.
struct Batch {
    entries: Vec<Written>,
    /// Whether they wait on the disk, and not in memory.
    is_spooled: bool,
}

/// How an attempt ended.
#[derive(Debug, PartialEq, Eq)]
enum Attempt {
    Added,
    Failed,
    /// It hangs, the process ends, and what waits is on the disk.
    GivenUp,
}

// === impl Drain ===

impl Drain {
    /// Finds where the trail goes on, and what still waits for it.
    pub(super) async fn open(
        mut sink: Box<dyn Sink>,
        folder: &Path,
        backlog: Arc<Backlog>,
        figures: Figures,
    ) -> Result<Opened, AuditError> {
        let name = backlog.name();
        let head = HeadFile::of(folder, name);
        let failed = |source| AuditError::Folder { path: head.path().to_owned(), source };
        let kept = head.read().map_err(failed)?;
        let (last, loss) = resume(name, sink.last().await?, kept);
        let spool = Spool::open(folder, name, &last.id)
            .map_err(|source| AuditError::Folder { path: folder.to_owned(), source })?;
        if !spool.is_empty() {
            let entries = spool.entries();
            gantry_core::log::info!(
                sink = name,
                entries,
                "Entries of an earlier process wait to be added to the audit trail."
            );
        }
        backlog.count_spooled(spool.entries(), spool.bytes());
        let drain = Self {
            sink,
            chain: Chain::after(last),
            head: Arc::new(head),
            spool: Arc::new(Mutex::new(spool)),
            place: Place::new(name),
            backlog,
            figures,
            keep_at: None,
            keeping: None,
            has_no_spool: false,
        };
        Ok(Opened { drain, loss })
    }

    /// Adds what waits until nothing more will come; what cannot be added then stays on the disk.
    pub(super) async fn run(mut self, ending: tokio_util::sync::CancellationToken) {
        let mut pause = PAUSE;
        while let Some(batch) = self.next().await {
            match self.attempt(batch).await {
                Attempt::Added => pause = PAUSE,
                Attempt::GivenUp => break,
                Attempt::Failed => {
                    self.spill().await;
                    if self.backlog.is_ended() {
                        break;
                    }
                    // At the end the place gets one more try, at once.
                    self.wait(if ending.is_cancelled() { PAUSE } else { pause }).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
        self.keep_last().await;
        let waiting = self.backlog.waiting();
        let head = self.chain.head();
        gantry_core::log::info!(
            sink = self.backlog.name(),
            seq = head.seq,
            head = head.to_text(),
            waiting,
            "The audit trail is closed."
        );
    }

    /// Waits for entries; `None` once all are added and nothing more will come.
    async fn next(&mut self) -> Option<Batch> {
        loop {
            self.keep_in_time();
            if !self.spool.lock().is_empty() {
                let spool = Arc::clone(&self.spool);
                let read = off_thread(move || spool.lock().front()).await;
                match read {
                    Ok(entries) => return Some(Batch { entries, is_spooled: true }),
                    Err(error) => {
                        self.fails(&format!("what waits on the disk cannot be read: {error}"));
                        if self.backlog.is_ended() {
                            return None;
                        }
                        self.wait(LONGEST_PAUSE).await;
                        continue;
                    }
                }
            }
            let entries = self.backlog.front();
            if !entries.is_empty() {
                return Some(Batch { entries, is_spooled: false });
            }
            if self.backlog.is_ended() {
                return None;
            }
            match self.keep_at {
                None => self.backlog.changed().await,
                Some(at) => tokio::select! {
                    () = self.backlog.changed() => {}
                    () = sleep_until(at) => {}
                },
            }
        }
    }

    /// Chains entries and adds them. One that hangs is put on the disk meanwhile.
    async fn attempt(&mut self, batch: Batch) -> Attempt {
        let sealed = Arc::new(Sealed::of(batch.entries, self.chain.clone()).await);
        let mut is_spooled = batch.is_spooled;
        let backlog = Arc::clone(&self.backlog);
        let spool = Arc::clone(&self.spool);
        let appended = {
            let mut attempt = self.sink.append(Arc::clone(&sealed));
            let mut patience = Instant::now() + SLOW;
            loop {
                let is_hanging = tokio::select! {
                    biased;
                    appended = &mut attempt => break appended,
                    () = sleep_until(patience) => true,
                    () = backlog.changed() => backlog.is_failing(),
                };
                if !is_hanging {
                    continue;
                }
                patience = Instant::now() + SLOW;
                if !backlog.is_failing() {
                    say_failing(&backlog, "it does not answer");
                }
                let spilled = spill(&backlog, &spool).await;
                is_spooled |= spilled.is_ok();
                if backlog.is_ended() && is_spooled {
                    return Attempt::GivenUp;
                }
            }
        };
        self.settle(&sealed, is_spooled, appended).await
    }

    /// Takes note of what is in the trail now.
    async fn settle(&mut self, sealed: &Sealed, is_spooled: bool, appended: Appended) -> Attempt {
        let added = sealed.entries.get(..appended.n).unwrap_or_default();
        if let Some(head) = sealed.head_after(appended.n) {
            self.chain = Chain::after(head.clone());
            if !is_spooled {
                self.backlog.take(added.len());
                if appended.is_durable {
                    for entry in added {
                        entry.is_kept();
                    }
                }
            }
            self.backlog.done(added);
            self.figures.written.get_or_create(&self.place).inc_by(added.len() as u64);
            self.keep(head, is_spooled.then(|| added.to_vec())).await;
        }
        self.show_waiting();
        if let Some(failure) = appended.failure {
            self.fails(&failure);
            return Attempt::Failed;
        }
        if self.backlog.is_failing() {
            self.backlog.set_failing(false);
            gantry_core::log::info!(
                sink = self.backlog.name(),
                "The audit trail is written again."
            );
        }
        Attempt::Added
    }

    /// Forgets what waited on the disk, and keeps the head.
    async fn keep(&mut self, head: Head, spooled: Option<Vec<Written>>) {
        if let Some(entries) = spooled {
            let spool = Arc::clone(&self.spool);
            let forgotten = off_thread(move || spool.lock().advance(&entries)).await;
            if let Err(error) = forgotten {
                let sink = self.backlog.name();
                gantry_core::log::warn!(sink, %error, "Entries that are added stay on the disk as well.");
            }
        }
        self.head.note(head);
        self.keep_at.get_or_insert_with(|| Instant::now() + KEPT_AFTER);
    }

    /// Begins to keep the head if it is time, beside the entries: a disk that is busy must not keep the
    /// next ones waiting. One that hangs holds one thread and no more.
    fn keep_in_time(&mut self) {
        if self.keep_at.is_none_or(|at| at > Instant::now()) {
            return;
        }
        if self.keeping.as_ref().is_some_and(|keeping| !keeping.is_finished()) {
            self.keep_at = Some(Instant::now() + KEPT_AFTER);
            return;
        }
        self.keep_at = None;
        // It says itself what goes wrong.
        self.keeping = Some(tokio::task::spawn_blocking(self.write_head()));
    }

    /// Returns what writes the latest head down.
    fn write_head(&self) -> impl FnOnce() + Send + use<> {
        let (file, sink) = (Arc::clone(&self.head), self.backlog.name());
        move || {
            if let Err(error) = file.write() {
                gantry_core::log::warn!(sink, %error, "The head of the audit trail was not kept.");
            }
        }
    }

    /// Keeps the last head there is.
    async fn keep_last(&mut self) {
        self.head.note(self.chain.head().clone());
        off_thread(self.write_head()).await;
    }

    /// Waits before the next attempt; what comes meanwhile is put on the disk.
    async fn wait(&mut self, pause: Duration) {
        let until = Instant::now() + pause;
        loop {
            tokio::select! {
                () = sleep_until(until) => return,
                () = self.backlog.changed() => {
                    self.spill().await;
                    if self.backlog.is_ended() {
                        return;
                    }
                }
            }
        }
    }

    async fn spill(&mut self) {
        match spill(&self.backlog, &self.spool).await {
            Ok(()) => self.has_no_spool = false,
            Err(error) => {
                if !self.has_no_spool {
                    self.has_no_spool = true;
                    let path = self.spool.lock().path().display().to_string();
                    gantry_core::log::error!(
                        path, %error,
                        "Entries of the audit trail cannot be kept on the disk and wait in memory."
                    );
                }
            }
        }
        self.show_waiting();
    }

    fn fails(&self, why: &str) {
        self.figures.failures.get_or_create(&self.place).inc();
        if !self.backlog.is_failing() {
            say_failing(&self.backlog, why);
        }
    }

    fn show_waiting(&self) {
        let waiting = i64::try_from(self.backlog.waiting()).unwrap_or(i64::MAX);
        self.figures.waiting.get_or_create(&self.place).set(waiting);
    }
}

// === impl Sealed ===

impl Sealed {
    /// Chains entries, which go on after others. It does so in many small steps between which requests are
    /// served: done in one go it is work for milliseconds, and whatever waits for the processor that does
    /// it, waits so long.
    pub(super) async fn of(entries: Vec<Written>, chain: Chain) -> Self {
        let around = entries.len() * AROUND + entries.len().div_ceil(AT_A_TIME) * SEAL;
        let lines = String::with_capacity(bytes(&entries) + around);
        let mut sealing = Sealing { entries, lines, chain, seals: Vec::new() };
        if sealing.entries.iter().any(|entry| entry.text().len() > MANY_BYTES) {
            return off_thread(move || {
                while sealing.step() {}
                sealing.end()
            })
            .await;
        }
        let begun = Instant::now();
        while sealing.step() {
            if begun.elapsed() < PATIENCE {
                tokio::task::yield_now().await;
            }
        }
        sealing.end()
    }

    /// Returns a line for each, with its end.
    pub(super) fn lines(&self) -> &str {
        &self.lines
    }

    /// Returns the lines of what is sealed together, one after the other.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.seals.iter().map(move |seal| {
            let piece = self.lines.get(start..seal.bytes).unwrap_or_default();
            start = seal.bytes;
            piece
        })
    }

    /// Returns how many entries the first `n` pieces have.
    pub(super) fn entries_of(&self, n: usize) -> usize {
        n.checked_sub(1).and_then(|last| self.seals.get(last)).map_or(0, |seal| seal.entries)
    }

    /// Returns the head of a trail that has the first `n` entries; `None` if it has none of them.
    pub(super) fn head_after(&self, n: usize) -> Option<Head> {
        let seal = self.seals.iter().find(|seal| seal.entries == n)?;
        Some(seal.head.clone())
    }
}

// === impl Sealing ===

impl Sealing {
    /// Seals some; `false` once all are.
    fn step(&mut self) -> bool {
        let done = self.seals.last().map_or(0, |seal| seal.entries);
        let left = self.entries.get(done..).unwrap_or_default();
        let mut bytes = 0;
        let some = left.iter().take(AT_A_TIME).map(Written::text).take_while(|text| {
            let goes_on = bytes < MANY_BYTES;
            bytes += text.len();
            goes_on
        });
        let some: Vec<_> = some.collect();
        if some.is_empty() {
            return false;
        }
        self.chain.seal(&some, &mut self.lines);
        let head = self.chain.head().clone();
        self.seals.push(Seal { entries: done + some.len(), bytes: self.lines.len(), head });
        done + some.len() < self.entries.len()
    }

    fn end(self) -> Sealed {
        let Self { entries, lines, seals, .. } = self;
        Sealed { entries, lines, seals }
    }
}

fn say_failing(backlog: &Backlog, why: &str) {
    backlog.set_failing(true);
    gantry_core::log::error!(
        sink = backlog.name(),
        why,
        "The audit trail cannot be written; entries wait, and are added when that is possible."
    );
}

/// Puts everything that waits in memory on the disk.
async fn spill(backlog: &Backlog, spool: &Arc<Mutex<Spool>>) -> std::io::Result<()> {
    loop {
        let entries = backlog.front();
        if entries.is_empty() {
            return Ok(());
        }
        let (spool, put) = (Arc::clone(spool), entries.clone());
        off_thread(move || spool.lock().append(&put)).await?;
        backlog.take(entries.len());
        for entry in entries {
            entry.is_kept();
        }
    }
}

/// Runs what may wait for a disk where it holds nobody up.
pub(super) async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        // The runtime is gone, and with it whoever would go on; or it is a panic, which goes on.
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => std::future::pending().await,
        },
    }
}

/// Decides where a trail goes on: after the last entry that is there, or after the last that was written
/// if that is later. Returns what there is to say of a difference.
fn resume(place: &str, found: Option<Head>, kept: Option<Head>) -> (Head, Option<String>) {
    match (found, kept) {
        (None, None) => (Head::default(), None),
        (Some(found), None) => (found, None),
        (None, Some(kept)) => {
            // Another program may have moved the file away, as it may; nothing tells.
            gantry_core::log::info!(
                sink = place,
                seq = kept.seq,
                "The audit trail goes on where it was; its earlier entries are not here."
            );
            (kept, None)
        }
        (Some(found), Some(kept)) if found.seq < kept.seq => {
            let loss = format!(
                "the audit trail of `{place}` ended with entry {} where entry {} was written",
                found.seq, kept.seq
            );
            gantry_core::log::error!(
                sink = place,
                found = found.seq,
                written = kept.seq,
                "The end of the audit trail is missing."
            );
            (kept, Some(loss))
        }
        (Some(found), Some(_)) => (found, None),
    }
}

#[cfg(test)]
mod tests;
