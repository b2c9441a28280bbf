//! The embedded database: one writer that commits in groups, a few readers, no server.
//!
//! SQLite in WAL mode: readers never wait for the writer. `synchronous = NORMAL`: a crash of the
//! process loses nothing that was acknowledged; a crash of the machine may lose the last moments,
//! and never damages the file. Nearly all that is kept here can be learned again, and of the servers
//! made over the HTTP API only a change of the last moments is at stake, so that is enough.
//!
//! Invariant: only [`writer`] writes once the database is open, so `SQLITE_BUSY` does not occur
//! while the data folder is held ([`crate::folder`]).

mod audit;
mod migration;
mod offers;
mod open;
mod servers;
mod sessions;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gantry_core::{Clock, Tasks};
use sqlx::SqlitePool;

pub use audit::AuditReader;
pub use open::OpenError;
pub use servers::StoredServer;

/// A handle of the database. Cheap to clone; see [`Sqlite::close`] for the end.
#[derive(Debug, Clone)]
pub struct Sqlite {
    inner: Arc<Inner>,
}

/// How the connections of the database are used at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// Reading now.
    pub active: u32,
    /// Open and doing nothing.
    pub idle: u32,
    /// Read at once at most; the one that writes is not among them.
    pub max: u32,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    readers: SqlitePool,
    writer: writer::Handle,
    clock: Arc<dyn Clock>,
}

impl Sqlite {
    /// Opens the database, or makes it with mode 0600; brings its schema up to date and forgets
    /// what nobody touched for 90 days.
    ///
    /// The writer runs in `tasks`. When they are told to stop it commits what it was given and
    /// refuses the rest, so a process whose other tasks still write while they stop gives the
    /// database a group of its own.
    pub async fn open(
        path: &Path,
        tasks: &Tasks,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let (connection, readers) = open::open(path, clock.unix_seconds()).await?;
        let writer = writer::start(connection, tasks);
        let path = path.to_owned();
        Ok(Self { inner: Arc::new(Inner { path, readers, writer, clock }) })
    }

    /// Tells how many connections read.
    pub fn connections(&self) -> Connections {
        let readers = &self.inner.readers;
        let idle = u32::try_from(readers.num_idle()).unwrap_or(u32::MAX);
        // The two are counted one after the other, so that one may be behind.
        let active = readers.size().saturating_sub(idle);
        Connections { active, idle, max: readers.options().get_max_connections() }
    }

    /// Commits everything that was given to the writer, and closes the file. Later writes and
    /// reads are refused. May be called more than once.
    pub async fn close(&self) {
        self.inner.writer.close().await;
        self.inner.readers.close().await;
    }
}
