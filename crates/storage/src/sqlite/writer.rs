//! The only task that writes: it commits what comes in close together as one transaction.
//!
//! Queued writes are bounded in number and in bytes; who comes when either is full waits.
//! If one write of a group fails, the group is rolled back and each is tried alone, so that a bad
//! one fails nobody else.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gantry_core::Tasks;
use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{audit, keys, offers, records, sessions};

/// Most writes of one commit.
const GROUP: usize = 128;
/// Longest wait for more of them.
const GATHER: Duration = Duration::from_millis(5);
/// Most writes that wait.
const QUEUE: usize = 256;
/// Most KiB that wait; several times the largest write.
const ROOM: u32 = 64 * 1024;

/// Every commit waits for the disk.
const LASTING: &str = "PRAGMA synchronous = FULL";
/// As the connection is opened.
const QUICK: &str = "PRAGMA synchronous = NORMAL";

/// A change of the database; applied again if its group failed.
#[derive(Debug)]
pub(super) enum Write {
    PutOffer { upstream: String, profile: String, offer: Bytes, now: i64 },
    TouchOffer { upstream: String, profile: String, now: i64 },
    PutVerdict { upstream: String, verdict: String, found_at: i64, now: i64 },
    TouchVerdict { upstream: String, now: i64 },
    Sessions(sessions::Change),
    Audit(audit::Change),
    Keys(keys::Change),
    PutServer { name: String, entry: String, now: i64 },
    RemoveServer { name: String },
    Records(records::Change),
}

/// Why a write was not made.
#[derive(Debug)]
pub(super) enum WriteError {
    Closed,
    Failed(Arc<sqlx::Error>),
}

/// The near end of the queue.
#[derive(Debug)]
pub(super) struct Handle {
    jobs: mpsc::Sender<Job>,
    room: Arc<Semaphore>,
    closing: CancellationToken,
    /// Cancelled when the writer has ended, in whatever way.
    ended: CancellationToken,
}

#[derive(Debug)]
struct Job {
    write: Write,
    /// Nobody, for a write that nobody waits for.
    done: Option<oneshot::Sender<Result<(), WriteError>>>,
    _room: OwnedSemaphorePermit,
}

struct Writer {
    connection: SqliteConnection,
    jobs: mpsc::Receiver<Job>,
    closing: CancellationToken,
}

/// Starts the writer.
pub(super) fn start(connection: SqliteConnection, tasks: &Tasks) -> Handle {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let closing = tasks.stopping().child_token();
    let ended = CancellationToken::new();
    let writer = Writer { connection, jobs: receiver, closing: closing.clone() };
    let at_the_end = ended.clone().drop_guard();
    tasks.spawn("storage writer", async move {
        writer.run().await;
        drop(at_the_end);
    });
    Handle { jobs: sender, room: Arc::new(Semaphore::new(ROOM as usize)), closing, ended }
}

// === impl Handle ===

impl Handle {
    /// Hands a write over and waits until it is committed.
    ///
    /// Dropping the future does not take back a write that was handed over.
    pub(super) async fn write(&self, write: Write) -> Result<(), WriteError> {
        let room = Arc::clone(&self.room).acquire_many_owned(write.kibibytes()).await;
        let room = room.map_err(|_| WriteError::Closed)?;
        let (done, outcome) = oneshot::channel();
        let job = Job { write, done: Some(done), _room: room };
        self.jobs.send(job).await.map_err(|_| WriteError::Closed)?;
        outcome.await.unwrap_or(Err(WriteError::Closed))
    }

    /// Hands a write over if there is room at once; nobody learns what became of it.
    pub(super) fn write_sometime(&self, write: Write) {
        let room = Arc::clone(&self.room).try_acquire_many_owned(write.kibibytes());
        if let Ok(room) = room {
            // A full queue drops it: the next reader tries again.
            let _ = self.jobs.try_send(Job { write, done: None, _room: room });
        }
    }

    /// Refuses further writes and waits until the earlier ones are committed.
    pub(super) async fn close(&self) {
        self.closing.cancel();
        self.ended.cancelled().await;
    }
}

// === impl Writer ===

impl Writer {
    async fn run(mut self) {
        while let Some(group) = self.next_group().await {
            self.commit(group).await;
        }
        if let Err(error) = self.connection.close().await {
            gantry_core::log::warn!(%error, "The database was not closed cleanly; nothing is lost.");
        }
    }

    /// Waits for a write and gathers those that follow closely; `None` once all are done.
    async fn next_group(&mut self) -> Option<Vec<Job>> {
        let first = tokio::select! {
            biased;
            () = self.closing.cancelled() => {
                // Those already queued still come out.
                self.jobs.close();
                self.jobs.recv().await?
            }
            job = self.jobs.recv() => job?,
        };
        let mut group = vec![first];
        let deadline = Instant::now() + GATHER;
        while group.len() < GROUP {
            match timeout_at(deadline, self.jobs.recv()).await {
                Ok(Some(job)) => group.push(job),
                Ok(None) | Err(_) => break,
            }
        }
        Some(group)
    }

    async fn commit(&mut self, group: Vec<Job>) {
        let failure = self.apply(&group).await.err();
        let is_alone = group.len() == 1;
        for job in group {
            let outcome = match &failure {
                None => Ok(()),
                Some(_) if !is_alone => self.apply(std::slice::from_ref(&job)).await,
                Some(error) => Err(Arc::clone(error)),
            };
            job.finish(outcome);
        }
    }

    async fn apply(&mut self, group: &[Job]) -> Result<(), Arc<sqlx::Error>> {
        let must_last = group.iter().any(|job| job.write.must_last());
        if must_last {
            sqlx::raw_sql(LASTING).execute(&mut self.connection).await?;
        }
        let applied = self.apply_at_once(group).await;
        if must_last && let Err(error) = sqlx::raw_sql(QUICK).execute(&mut self.connection).await {
            // Later commits are slower than they need be; this one stands or not as it was.
            gantry_core::log::warn!(%error, "The database goes on waiting for the disk.");
        }
        applied
    }

    async fn apply_at_once(&mut self, group: &[Job]) -> Result<(), Arc<sqlx::Error>> {
        let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await?;
        for job in group {
            match &job.write {
                Write::Sessions(change) => sessions::apply(&mut transaction, change).await?,
                Write::Audit(change) => audit::apply(&mut transaction, change).await?,
                Write::Keys(change) => keys::apply(&mut transaction, change).await?,
                Write::Records(change) => records::apply(&mut transaction, change).await?,
                write => offers::apply(&mut transaction, write).await?,
            }
        }
        Ok(transaction.commit().await?)
    }
}

// === impl Job ===

impl Job {
    fn finish(self, outcome: Result<(), Arc<sqlx::Error>>) {
        match self.done {
            // Who asked may have gone; the write stands all the same.
            Some(done) => drop(done.send(outcome.map_err(WriteError::Failed))),
            None => {
                if let Err(error) = outcome {
                    gantry_core::log::warn!(%error, "A write that nobody waits for failed.");
                }
            }
        }
    }
}

// === impl Write ===

impl Write {
    /// Tells whether a crash of the machine must not take it back: a key that was revoked would open
    /// doors again.
    fn must_last(&self) -> bool {
        match self {
            Self::Keys(change) => matches!(change, keys::Change::Keys(_)),
            Self::Audit(change) => change.is_durable(),
            _ => false,
        }
    }

    fn kibibytes(&self) -> u32 {
        let bytes = match self {
            Self::PutOffer { offer, profile, .. } => offer.len() + profile.len(),
            Self::Sessions(change) => change.size(),
            Self::Audit(change) => change.size(),
            Self::Keys(change) => change.size(),
            Self::Records(change) => change.size(),
            Self::PutServer { entry, .. } => entry.len(),
            Self::TouchOffer { .. }
            | Self::PutVerdict { .. }
            | Self::TouchVerdict { .. }
            | Self::RemoveServer { .. } => 0,
        };
        // More than all there is would wait for ever.
        u32::try_from(bytes / 1024 + 1).unwrap_or(ROOM).min(ROOM)
    }
}
