//! Opens the file: permissions, pragmas, damage, schema, pruning.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqliteConnection, SqlitePool};

use super::{migration, offers};
use crate::folder::{make_private, private_options};
use crate::schema::TooNew;

/// Reads are rare and short.
const READERS: u32 = 2;
/// Against tools that look into the file beside us.
const BUSY: Duration = Duration::from_secs(5);

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be made or opened.
    #[error("cannot open the database `{path}`")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The content is not what SQLite wrote there.
    #[error(
        "the database `{path}` is damaged, or no database: move it away and start again; what it \
         kept of the upstreams is learned anew, and servers made over the HTTP API are to be made again"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: sqlx::Error,
    },
    /// A later version of Gantry wrote it, and has taken away what this one needs.
    #[error(
        "the database `{path}` has schema {found}, and this version knows schemas up to {known}: \
         start {needs} or a later one, restore a backup from before the update, or move the file away"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// In the file.
        found: i64,
        /// The last one this version knows.
        known: i64,
        /// The first release that can use it.
        needs: String,
    },
    /// Whatever else SQLite refuses.
    #[error("cannot {action} the database `{path}`")]
    Failed {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What SQLite said.
        #[source]
        source: sqlx::Error,
    },
}

pub(super) async fn open(
    path: &Path,
    now: u64,
) -> Result<(SqliteConnection, SqlitePool), OpenError> {
    create(path).map_err(|source| OpenError::File { path: path.to_owned(), source })?;
    let failed = |action| move |source| failed(path, action, source);
    let mut connection = options(path).connect().await.map_err(failed("open"))?;
    let found = migration::found(&mut connection).await.map_err(failed("read"))?;
    found.check(migration::KNOWN).map_err(|TooNew { found, needs }| OpenError::Newer {
        path: path.to_owned(),
        found,
        known: migration::KNOWN,
        needs,
    })?;
    let wanted = migration::numbers();
    migration::migrate(&mut connection, &found, &wanted, now).await.map_err(failed("migrate"))?;
    let pruned = offers::prune(&mut connection, now).await.map_err(failed("prune"))?;
    if pruned > 0 {
        gantry_core::log::info!(rows = pruned, "Forgot what nobody touched for 90 days.");
    }
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(BUSY)
        // No connection is ever replaced, so the pool needs no task of its own to do it.
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(options(path).pragma("query_only", "ON"));
    Ok((connection, readers))
}

/// Opens a file that may be in use, to read it.
pub(crate) async fn reader(path: &Path) -> Result<SqliteConnection, OpenError> {
    // SQLite would not say that it is not there.
    std::fs::metadata(path).map_err(|source| OpenError::File { path: path.to_owned(), source })?;
    let options = options(path).pragma("query_only", "ON");
    options.connect().await.map_err(|source| failed(path, "open", source))
}

/// Makes a file, to fill it.
pub(crate) async fn writer(path: &Path) -> Result<SqliteConnection, OpenError> {
    create(path).map_err(|source| OpenError::File { path: path.to_owned(), source })?;
    options(path).connect().await.map_err(|source| failed(path, "open", source))
}

/// SQLite gives the files beside (`-wal`, `-shm`) the mode of this one.
fn create(path: &Path) -> io::Result<()> {
    let file = private_options().read(true).write(true).create(true).truncate(false).open(path)?;
    make_private(&file)
}

pub(crate) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(BUSY)
        .foreign_keys(true)
        .disable_statement_logging()
}

pub(crate) fn failed(path: &Path, action: &'static str, source: sqlx::Error) -> OpenError {
    let path = path.to_owned();
    if is_damage(&source) {
        OpenError::Damaged { path, source }
    } else {
        OpenError::Failed { path, action, source }
    }
}

/// Tells whether SQLite found the file itself to be wrong.
pub(super) fn is_damage(error: &sqlx::Error) -> bool {
    const CORRUPT: i32 = 11;
    const NOT_A_DATABASE: i32 = 26;
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    // The low byte of an extended code is the primary one.
    code.and_then(|code| code.parse::<i32>().ok())
        .is_some_and(|code| matches!(code & 0xff, CORRUPT | NOT_A_DATABASE))
}
