//! Backups: everything that is kept, in one file, whole or not at all.
//!
//! A backup is a tape archive, compressed, and encrypted unless that was forbidden:
//!
//! ```text
//! backup.json               what it is a backup of: release, schema, tables and their columns
//! tables/NAME/000001.jsonl  rows, each an array of JSON, in parts of about a mebibyte
//! files/NAME                files that were handed over: the configuration, keys
//! manifest.json             size and SHA-256 of everything before it
//! ```
//!
//! Rows are told in words that both back ends have, so that what was saved from one can be restored
//! to the other. They are read in one transaction, while the gateway runs. Memory is bounded: a part
//! at a time, and a part holds a row at least.
//!
//! [`sealed`] encrypts, [`archive`] packs, [`tables`] tells rows, `sqlite` and `postgres` read and
//! write them. Which files belong to a backup, and where it lies, is decided elsewhere.

mod archive;
mod header;
mod postgres;
mod restore;
mod sealed;
mod sqlite;
mod tables;

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::folder::{private_options, sync_folder_of};
use crate::postgres::ConnectError;
use crate::{LockError, OpenError, PostgresConfig};
use archive::{Packer, Unpacker};
use tables::Part;

pub use header::Header;
pub use restore::{Fate, Restored, Target, extract, restore};

/// Largest file that is handed over, in bytes.
pub const MOST_FILE: u64 = 16 * 1024 * 1024;
/// Shortest passphrase that a backup is made with, in bytes: whoever has the file may try as many as
/// they like.
pub const SHORTEST_PASSPHRASE: usize = 12;

/// A secret that a person remembers or a file holds; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(String);

/// Which database is saved or restored.
#[derive(Debug, Clone)]
pub enum Place {
    /// A file.
    Sqlite(PathBuf),
    /// A server.
    Postgres(Box<PostgresConfig>),
}

/// What is saved.
#[derive(Debug)]
pub struct Contents<'a> {
    /// The database.
    pub database: &'a Place,
    /// Names in the backup, and the files that are saved under them.
    pub files: &'a [(String, PathBuf)],
    /// The release that makes it.
    pub release: &'a str,
    /// Unix seconds.
    pub now: u64,
}

/// What a backup holds.
#[derive(Debug, Clone)]
pub struct Summary {
    /// What it is a backup of.
    pub header: Header,
    /// Rows of all tables.
    pub rows: u64,
    /// Names of the files.
    pub files: Vec<String>,
    /// Whether it is encrypted.
    pub is_encrypted: bool,
}

/// Why there is no backup, or no use for it.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file cannot be read.
    #[error("cannot read `{path}`")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write `{path}`")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// There is something at that place.
    #[error("`{path}` is there already: move it away, choose another place, or give `--force`")]
    Occupied {
        /// What is there.
        path: String,
    },
    /// Others use what is to be replaced.
    #[error("{gateways} connections of a gateway use `{place}`: stop it, or give `--force`")]
    InUse {
        /// The server.
        place: String,
        /// How many.
        gateways: i64,
    },
    /// It is no backup, or not all of one.
    #[error("`{path}` is no backup, or damaged: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// It is encrypted.
    #[error("`{path}` is encrypted: give its passphrase")]
    PassphraseMissing {
        /// The file.
        path: PathBuf,
    },
    /// It is encrypted with another passphrase.
    #[error("this is not the passphrase of `{path}`")]
    PassphraseWrong {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase is easy to guess.
    #[error("the passphrase must have at least {SHORTEST_PASSPHRASE} characters")]
    PassphraseShort,
    /// A later version made it.
    #[error("`{path}` was made by Gantry {release}, which this version does not understand")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Which version made it.
        release: String,
    },
    /// The machine gives no random numbers, or no memory.
    #[error("cannot encrypt: {what}")]
    Encryption {
        /// What failed.
        what: &'static str,
    },
    /// The data folder cannot be held.
    #[error("cannot use the data folder")]
    Folder {
        /// Why.
        #[source]
        source: LockError,
    },
    /// The database cannot be opened.
    #[error("cannot use the database")]
    Open {
        /// Why.
        #[source]
        source: OpenError,
    },
    /// The database server cannot be used.
    #[error("cannot use the database")]
    Connect {
        /// Why.
        #[source]
        source: ConnectError,
    },
    /// The database failed.
    #[error("cannot {action} the database")]
    Database {
        /// What was tried.
        action: &'static str,
        /// What it said.
        #[source]
        source: sqlx::Error,
    },
    /// The database has something in it that no backup can tell.
    #[error("the column `{column}` of the table `{table}` is of a kind that no backup can tell")]
    Column {
        /// The table.
        table: String,
        /// Its column.
        column: String,
    },
}

// === impl Passphrase ===

impl Passphrase {
    /// Takes the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

/// Makes a backup at `path`, which appears there when it is complete, for its owner alone.
///
/// # Errors
///
/// Something is at `path` already and may not be replaced, or what the file system and the database
/// say.
pub async fn make(
    path: &Path,
    may_replace: bool,
    passphrase: Option<&Passphrase>,
    contents: &Contents<'_>,
) -> Result<Summary, BackupError> {
    if passphrase.is_some_and(|passphrase| passphrase.0.len() < SHORTEST_PASSPHRASE) {
        return Err(BackupError::PassphraseShort);
    }
    if !may_replace && path.exists() {
        return Err(BackupError::Occupied { path: path.display().to_string() });
    }
    let beside = beside(path);
    let made = pack(&beside, passphrase, contents).await;
    let unwritable = |source| BackupError::Unwritable { path: path.to_owned(), source };
    let outcome = match made {
        Ok(summary) => std::fs::rename(&beside, path)
            .and_then(|()| sync_folder_of(path))
            .map(|()| summary)
            .map_err(unwritable),
        Err(error) => Err(error),
    };
    if outcome.is_err() {
        // It is of no use to anybody; that it may stay is not worth a second error.
        let _ = std::fs::remove_file(&beside);
    }
    outcome
}

async fn pack(
    path: &Path,
    passphrase: Option<&Passphrase>,
    contents: &Contents<'_>,
) -> Result<Summary, BackupError> {
    let unwritable = |source| BackupError::Unwritable { path: path.to_owned(), source };
    let file = private_options().write(true).create(true).truncate(true).open(path);
    let file = file.map_err(unwritable)?;
    let mut packer = Packer::new(path, BufWriter::new(file), passphrase)?;
    let (header, rows) = match contents.database {
        Place::Sqlite(database) => sqlite::save(database, contents, &mut packer).await?,
        Place::Postgres(config) => postgres::save(config, contents, &mut packer).await?,
    };
    let mut files = Vec::new();
    for (name, from) in contents.files {
        let unreadable = |source| BackupError::Unreadable { path: from.clone(), source };
        let mut bytes = Vec::new();
        let file = File::open(from).map_err(unreadable)?;
        file.take(MOST_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > MOST_FILE {
            let source = io::Error::new(io::ErrorKind::FileTooLarge, "more than 16 MiB");
            return Err(unreadable(source));
        }
        packer.file(name, &bytes)?;
        files.push(name.clone());
    }
    let mut file = packer.finish()?;
    file.flush().map_err(unwritable)?;
    file.get_ref().sync_all().map_err(unwritable)?;
    Ok(Summary { header, rows, files, is_encrypted: passphrase.is_some() })
}

/// Reads a backup from its beginning to its end, and says what it holds.
///
/// # Errors
///
/// It is not whole, or cannot be read with this passphrase or by this version.
pub async fn verify(path: &Path, passphrase: Option<&Passphrase>) -> Result<Summary, BackupError> {
    let (unpacker, is_encrypted) = open(path, passphrase)?;
    let mut summary: Option<Summary> = None;
    unpacker
        .each(async |part| {
            match (part, &mut summary) {
                (Part::Header(header), _) => {
                    let (rows, files) = (0, Vec::new());
                    summary = Some(Summary { header, rows, files, is_encrypted });
                }
                (Part::Rows { rows, .. }, Some(summary)) => summary.rows += rows.len() as u64,
                (Part::File { name, .. }, Some(summary)) => summary.files.push(name),
                // Invariant: the header comes first.
                (_, None) => {}
            }
            Ok(())
        })
        .await?;
    summary.ok_or_else(|| damaged(path, "it is empty"))
}

fn open(path: &Path, passphrase: Option<&Passphrase>) -> Result<(Unpacker, bool), BackupError> {
    let unreadable = |source| BackupError::Unreadable { path: path.to_owned(), source };
    let file = BufReader::new(File::open(path).map_err(unreadable)?);
    Unpacker::new(path, file, passphrase)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.partial", std::process::id()));
    path.with_file_name(name)
}

fn damaged(path: &Path, what: impl Into<String>) -> BackupError {
    BackupError::Damaged { path: path.to_owned(), what: what.into() }
}
