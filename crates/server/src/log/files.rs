//! The files of the log, written by a thread of their own: a slow or full disk holds nobody up.
//!
//! Lines wait in a queue that is bounded in number and in bytes; what finds it full is dropped and
//! counted. What cannot be written is counted too, and said once.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use gantry_core::Clock;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use super::rolling::RollingFile;
use crate::config::Log;

/// Lines on their way to the disk.
const MOST_LINES: usize = 4096;
/// Their bytes.
const MOST_BYTES: usize = 8 << 20;
/// How often ages are looked at while nothing is written.
const LOOK: Duration = Duration::from_mins(1);
/// How often it is tried to tell the thread something while the queue is full.
const PAUSE: Duration = Duration::from_millis(5);

/// Why a file of the log cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the log to `{}`", path.display())]
pub struct FileError {
    path: PathBuf,
    source: io::Error,
}

/// What was not written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Losses {
    dropped: Counter,
    failed: Counter,
}

/// The way to the thread that writes.
#[derive(Debug)]
pub(super) struct Files {
    sender: SyncSender<Job>,
    queued: Arc<AtomicUsize>,
    /// Says that the files must be opened again. No job: one would have to wait for room.
    reopen: Arc<AtomicBool>,
    losses: Losses,
}

#[derive(Debug)]
enum Job {
    Line {
        text: String,
        is_error: bool,
    },
    /// Look whether something is wanted.
    Wake,
    /// Everything before is on the disk once this is dropped.
    Flush(SyncSender<()>),
}

/// A file, as the thread has it.
struct Kept {
    file: RollingFile,
    has_errors_alone: bool,
    /// Whether it was said that it cannot be written.
    is_failing: bool,
}

/// What the thread has.
struct Writer {
    files: Vec<Kept>,
    queued: Arc<AtomicUsize>,
    reopen: Arc<AtomicBool>,
    losses: Losses,
}

impl Losses {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "gantry_log_lines_dropped",
            "Lines of the log that found the queue of the files full",
            self.dropped.clone(),
        );
        registry.register(
            "gantry_log_write_failures",
            "Lines of the log that could not be written to a file",
            self.failed.clone(),
        );
    }
}

impl Files {
    /// Opens the files that the configuration names and starts to write them; `None` if there are
    /// none.
    pub(super) fn open(
        log: &Log,
        clock: &Arc<dyn Clock>,
        losses: &Losses,
    ) -> Result<Option<Self>, FileError> {
        let mut files = Vec::new();
        for (path, has_errors_alone) in [(&log.file, false), (&log.error_file, true)] {
            let Some(path) = path else { continue };
            let failed = |source| FileError { path: path.clone(), source };
            let file = RollingFile::open(path, log.rotation, Arc::clone(clock)).map_err(failed)?;
            files.push(Kept { file, has_errors_alone, is_failing: false });
        }
        Self::start(files, losses)
    }

    fn start(files: Vec<Kept>, losses: &Losses) -> Result<Option<Self>, FileError> {
        let Some(first) = files.first() else { return Ok(None) };
        let path = first.file.path().to_owned();
        let queued = Arc::new(AtomicUsize::new(0));
        let (sender, receiver) = sync_channel(MOST_LINES);
        let reopen = Arc::new(AtomicBool::new(false));
        let writer = Writer {
            files,
            queued: Arc::clone(&queued),
            reopen: Arc::clone(&reopen),
            losses: losses.clone(),
        };
        thread::Builder::new()
            .name("gantry-log".to_owned())
            .spawn(move || writer.run(&receiver))
            .map_err(|source| FileError { path, source })?;
        Ok(Some(Self { sender, queued, reopen, losses: losses.clone() }))
    }

    /// Gives a line to the thread. Never waits.
    pub(super) fn take(&self, text: &str, is_error: bool) {
        let size = text.len();
        let is_bounded = self.queued.fetch_add(size, Ordering::Relaxed) + size <= MOST_BYTES;
        let job = || Job::Line { text: text.to_owned(), is_error };
        if !is_bounded || self.sender.try_send(job()).is_err() {
            self.queued.fetch_sub(size, Ordering::Relaxed);
            self.losses.dropped.inc();
        }
    }

    /// Lines and bytes that wait are bounded; this is how many bytes do.
    pub(super) fn queued_bytes(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    /// Has the files opened again before anything that comes after. Never waits.
    pub(super) fn reopen(&self) {
        self.reopen.store(true, Ordering::Release);
        // A thread that finds no room for this has work, and looks by itself.
        let _ = self.sender.try_send(Job::Wake);
    }

    /// Waits until everything before is on the disk, at most so long.
    pub(super) fn flush(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        let (done, told) = sync_channel(1);
        self.tell(Job::Flush(done), deadline);
        // The end of the other side says the same as a word.
        let _ = told.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    }

    fn tell(&self, mut job: Job, deadline: Instant) {
        loop {
            match self.sender.try_send(job) {
                Err(TrySendError::Full(back)) if Instant::now() < deadline => {
                    job = back;
                    thread::sleep(PAUSE);
                }
                _ => return,
            }
        }
    }
}

impl Writer {
    /// Writes until nobody can send any more.
    fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            match jobs.recv_timeout(LOOK) {
                Ok(job) => self.work(job, jobs),
                Err(RecvTimeoutError::Timeout) => self.each(RollingFile::look_at_ages),
                Err(RecvTimeoutError::Disconnected) => return self.flush(),
            }
        }
    }

    /// Does a job and what else is there, then hands everything to the system at once.
    fn work(&mut self, job: Job, jobs: &Receiver<Job>) {
        if self.reopen.swap(false, Ordering::Acquire) {
            self.each(RollingFile::reopen);
        }
        let mut waiting = Vec::new();
        let more = std::iter::from_fn(|| jobs.try_recv().ok()).take(MOST_LINES);
        for job in std::iter::once(job).chain(more) {
            match job {
                Job::Line { text, is_error } => self.line(&text, is_error),
                Job::Wake => {}
                Job::Flush(done) => waiting.push(done),
            }
        }
        self.flush();
        drop(waiting);
    }

    fn line(&mut self, text: &str, is_error: bool) {
        self.queued.fetch_sub(text.len(), Ordering::Relaxed);
        for kept in self.files.iter_mut().filter(|kept| is_error || !kept.has_errors_alone) {
            if let Err(error) = kept.file.write(text.as_bytes()) {
                kept.failed(&error, &self.losses);
            }
        }
    }

    /// Hands what was written to the system.
    fn flush(&mut self) {
        for kept in &mut self.files {
            match kept.file.flush() {
                Err(error) => kept.failed(&error, &self.losses),
                Ok(()) if kept.is_failing => {
                    kept.is_failing = false;
                    let file = kept.file.path().display();
                    gantry_core::log::info!(%file, "The log can be written to its file again.");
                }
                Ok(()) => {}
            }
        }
    }

    fn each(&mut self, work: impl Fn(&mut RollingFile) -> io::Result<()>) {
        for kept in &mut self.files {
            if let Err(error) = work(&mut kept.file) {
                kept.failed(&error, &self.losses);
            }
        }
    }
}

impl Kept {
    /// Counts a failure, and tells of the first one: its file is silent, the other output is not.
    fn failed(&mut self, error: &io::Error, losses: &Losses) {
        losses.failed.inc();
        if !self.is_failing {
            self.is_failing = true;
            let file = self.file.path().display();
            gantry_core::log::warn!(%file, %error, "The log cannot be written to its file.");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use gantry_core::{Clock, SystemClock};

    use super::{Files, Kept, Losses, RollingFile};
    use crate::config::{Config, Env, Source};

    const LIMIT: Duration = Duration::from_secs(20);

    fn open(log: &str, losses: &Losses) -> Files {
        let config = Config::parse(log, &Source::default(), &Env::default()).unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Files::open(&config.log, &clock, losses).unwrap().unwrap()
    }

    #[test]
    fn errors_are_in_both_files_and_the_rest_in_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let yaml = format!(
            "log: {{file: '{}', error_file: '{}'}}",
            path("all.log").display(),
            path("deep/errors.log").display()
        );
        let files = open(&yaml, &Losses::default());
        files.take("fine\n", false);
        files.take("bad\n", true);
        files.flush(LIMIT);
        let read = |name: &str| std::fs::read_to_string(path(name)).unwrap();
        assert_eq!(
            (read("all.log"), read("deep/errors.log")),
            ("fine\nbad\n".into(), "bad\n".into())
        );
        assert_eq!(files.queued_bytes(), 0);
        std::fs::rename(path("all.log"), path("moved")).unwrap();
        files.reopen();
        files.take("later\n", false);
        files.flush(LIMIT);
        assert_eq!(read("all.log"), "later\n");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_holds_nobody_up_and_is_counted() {
        let losses = Losses::default();
        let file = RollingFile::over(std::fs::File::create("/dev/full").unwrap());
        let kept = Kept { file, has_errors_alone: false, is_failing: false };
        let files = Files::start(vec![kept], &losses).unwrap().unwrap();
        for _ in 0..100 {
            files.take(&"x".repeat(100_000), false);
        }
        files.flush(LIMIT);
        assert_eq!(files.queued_bytes(), 0, "the thread goes on");
        assert!(losses.failed.get() > 0);
    }

    #[test]
    fn what_finds_the_queue_full_is_dropped_and_counted() {
        let losses = Losses::default();
        let (sender, _nobody_reads) = std::sync::mpsc::sync_channel(super::MOST_LINES);
        let files = Files {
            sender,
            queued: Arc::default(),
            reopen: Arc::default(),
            losses: losses.clone(),
        };
        files.take(&"x".repeat(super::MOST_BYTES), false);
        assert_eq!(losses.dropped.get(), 0);
        files.take("y", false);
        assert_eq!((losses.dropped.get(), files.queued_bytes()), (1, super::MOST_BYTES));
        let files = Files { queued: Arc::default(), ..files };
        for _ in 0..super::MOST_LINES {
            files.take("z", false);
        }
        assert_eq!(losses.dropped.get(), 2, "one line was there already");
    }
}
