//! The embedded database: one writer that commits in groups, a few readers, no server.
//!
//! SQLite in WAL mode: readers never wait for the writer. `synchronous = NORMAL`: a crash of the
//! process loses nothing that was acknowledged; a crash of the machine may lose the last moments,
//! and never damages the file. Nearly all that is kept here can be learned again, and of the servers
//! made over the HTTP API only a change of the last moments is at stake, so that is enough. Changes
//! of API keys wait for the disk.
//!
//! Invariant: only [`writer`] writes once the database is open, so `SQLITE_BUSY` does not occur
//! while the data folder is held ([`crate::folder`]).

mod audit;
mod keys;
pub(crate) mod migration;
mod offers;
pub(crate) mod open;
mod records;
mod servers;
mod sessions;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gantry_core::{BoxFuture, Clock, Tasks};
use sqlx::SqlitePool;

use crate::{Connections, Database, Kind};

pub use open::OpenError;

/// A handle of the database. Cheap to clone; see [`Database::close`] for the end.
#[derive(Debug, Clone)]
pub struct Sqlite {
    inner: Arc<Inner>,
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
}

impl Database for Sqlite {
    fn kind(&self) -> Kind {
        Kind::Sqlite
    }

    /// Those that read.
    fn connections(&self) -> Connections {
        let readers = &self.inner.readers;
        Connections::of(readers.size(), readers.num_idle(), readers.options().get_max_connections())
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.inner.writer.close().await;
            self.inner.readers.close().await;
        })
    }
}
