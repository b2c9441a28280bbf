//! Puts back what a backup holds.
//!
//! The backup is read twice: once to see that it is whole, once to write. Everything that can be
//! refused is refused before anything is replaced.

use std::path::{Path, PathBuf};

use super::header::{Header, TableHeader};
use super::tables::{Part, Row};
use super::{BackupError, MOST_FILE, Passphrase, Place, Summary};
use super::{beside, damaged, open, postgres, sqlite, verify};
use crate::folder::{remove_if_there, replace_private, sync_folder_of};
use crate::postgres::migration;

/// Bytes of all files of a backup: they are held until the rows are written.
const MOST_FILES: u64 = 4 * MOST_FILE;

/// What was put back.
#[derive(Debug, Clone)]
pub struct Restored {
    /// What the backup holds.
    pub summary: Summary,
    /// The files that were written.
    pub written: Vec<PathBuf>,
    /// The files that were there and were left as they were.
    pub kept: Vec<PathBuf>,
}

/// What becomes of a file of the backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It goes to this place, where nothing may be.
    New(PathBuf),
    /// It goes to this place, unless something is there, which then stays in any case.
    IfAbsent(PathBuf),
    /// It is left out.
    Nowhere,
}

/// Where things go.
pub struct Target<'a> {
    /// The database.
    pub database: &'a Place,
    /// Where each file goes, by its name in the backup.
    pub files: &'a dyn Fn(&str) -> Fate,
    /// What is there may go.
    pub may_replace: bool,
    /// Unix seconds.
    pub now: u64,
}

/// A database that is being written.
enum Loader {
    Sqlite(sqlite::Loader),
    Postgres(Box<postgres::Loader>),
}

impl std::fmt::Debug for Target<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Target").field("database", self.database).finish_non_exhaustive()
    }
}

/// Puts a backup back.
///
/// The caller holds what is written to: a running gateway must not be in the way.
///
/// # Errors
///
/// The backup cannot be used, or something is there already and may not be replaced. Nothing was
/// changed then.
pub async fn restore(
    path: &Path,
    passphrase: Option<&Passphrase>,
    target: &Target<'_>,
) -> Result<Restored, BackupError> {
    let summary = verify(path, passphrase).await?;
    let known = migration::numbers();
    if summary.header.schema.iter().any(|version| !known.contains(version)) {
        let release = summary.header.release.clone();
        return Err(BackupError::Newer { path: path.to_owned(), release });
    }
    if !target.may_replace {
        refuse_to_replace(&summary, target)?;
    }
    let files = load(path, passphrase, &summary.header, target).await;
    let files = match (files, target.database) {
        (Ok(files), _) => files,
        (Err(error), Place::Sqlite(to)) => {
            forget(&beside(to));
            return Err(error);
        }
        (Err(error), Place::Postgres(_)) => return Err(error),
    };
    let (written, kept) = write_files(files, target.files)?;
    if let Place::Sqlite(to) = target.database {
        put_in_place(&beside(to), to)
            .map_err(|source| BackupError::Unwritable { path: to.clone(), source })?;
    }
    Ok(Restored { summary, written, kept })
}

/// Puts back files of a backup and nothing else, where they are absent; returns those that were
/// written.
///
/// # Errors
///
/// The backup cannot be used. Nothing was changed then.
pub async fn extract(
    path: &Path,
    passphrase: Option<&Passphrase>,
    place: &dyn Fn(&str) -> Option<PathBuf>,
) -> Result<Vec<PathBuf>, BackupError> {
    verify(path, passphrase).await?;
    let (mut files, mut room) = (Vec::new(), MOST_FILES);
    let (unpacker, _) = open(path, passphrase)?;
    unpacker
        .each(async |part| match part {
            Part::File { name, bytes } => keep(path, &mut files, &mut room, name, bytes),
            Part::Header(_) | Part::Rows { .. } => Ok(()),
        })
        .await?;
    let place = |name: &str| place(name).map_or(Fate::Nowhere, Fate::IfAbsent);
    write_files(files, &place).map(|(written, _)| written)
}

fn keep(
    path: &Path,
    files: &mut Vec<(String, Vec<u8>)>,
    room: &mut u64,
    name: String,
    bytes: Vec<u8>,
) -> Result<(), BackupError> {
    let left = room.checked_sub(bytes.len() as u64);
    *room = left.ok_or_else(|| damaged(path, "its files are too large"))?;
    files.push((name, bytes));
    Ok(())
}

fn refuse_to_replace(summary: &Summary, target: &Target<'_>) -> Result<(), BackupError> {
    let database = match target.database {
        Place::Sqlite(path) => Some(path.clone()),
        // Seen to where it is written.
        Place::Postgres(_) => None,
    };
    let files = summary.files.iter().filter_map(|name| match (target.files)(name) {
        Fate::New(path) => Some(path),
        Fate::IfAbsent(_) | Fate::Nowhere => None,
    });
    match database.into_iter().chain(files).find(|path| path.exists()) {
        Some(path) => Err(BackupError::Occupied { path: path.display().to_string() }),
        None => Ok(()),
    }
}

/// Writes the rows, and returns the files.
async fn load(
    path: &Path,
    passphrase: Option<&Passphrase>,
    header: &Header,
    target: &Target<'_>,
) -> Result<Vec<(String, Vec<u8>)>, BackupError> {
    let mut loader = Loader::new(header, target).await?;
    let (mut files, mut room) = (Vec::new(), MOST_FILES);
    let (unpacker, _) = open(path, passphrase)?;
    unpacker
        .each(async |part| {
            match part {
                Part::Header(_) => {}
                Part::Rows { table, rows } => {
                    let table = header.table(&table);
                    let table = table.ok_or_else(|| damaged(path, "it changed meanwhile"))?;
                    loader.load(table, rows).await?;
                }
                Part::File { name, bytes } => {
                    keep(path, &mut files, &mut room, name, bytes)?;
                }
            }
            Ok(())
        })
        .await?;
    loader.finish().await?;
    Ok(files)
}

// === impl Loader ===

impl Loader {
    async fn new(header: &Header, target: &Target<'_>) -> Result<Self, BackupError> {
        match target.database {
            Place::Sqlite(path) => {
                let path = beside(path);
                forget(&path);
                let loader = sqlite::Loader::new(&path, header, target.now).await;
                loader.map(Self::Sqlite).map_err(|source| BackupError::Open { source })
            }
            Place::Postgres(config) => {
                let loader =
                    postgres::Loader::new(config, header, target.may_replace, target.now).await?;
                Ok(Self::Postgres(Box::new(loader)))
            }
        }
    }

    async fn load(&mut self, table: &TableHeader, rows: Vec<Row>) -> Result<(), BackupError> {
        let loaded = match self {
            Self::Sqlite(loader) => loader.load(table, rows).await,
            Self::Postgres(loader) => loader.load(table, rows).await,
        };
        loaded.map_err(|source| BackupError::Database { action: "write", source })
    }

    async fn finish(self) -> Result<(), BackupError> {
        match self {
            Self::Sqlite(loader) => {
                let finished = loader.finish().await;
                finished.map_err(|source| BackupError::Database { action: "finish", source })
            }
            Self::Postgres(loader) => loader.finish().await,
        }
    }
}

/// Writes files, and returns which were written and which were there.
fn write_files(
    files: Vec<(String, Vec<u8>)>,
    place: &dyn Fn(&str) -> Fate,
) -> Result<(Vec<PathBuf>, Vec<PathBuf>), BackupError> {
    let (mut written, mut kept) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        let path = match place(&name) {
            Fate::Nowhere => continue,
            Fate::IfAbsent(path) if path.exists() => {
                kept.push(path);
                continue;
            }
            Fate::New(path) | Fate::IfAbsent(path) => path,
        };
        replace_private(&path, &bytes)
            .map_err(|source| BackupError::Unwritable { path: path.clone(), source })?;
        written.push(path);
    }
    Ok((written, kept))
}

/// Puts the new database in the place of the old one, of which nothing may stay beside it: SQLite
/// would take an old log for the new file's.
fn put_in_place(new: &Path, old: &Path) -> std::io::Result<()> {
    for suffix in ["-wal", "-shm"] {
        remove_if_there(&with(old, suffix))?;
    }
    std::fs::rename(new, old)?;
    sync_folder_of(old)
}

/// Removes a database that was not finished.
fn forget(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        // That it may stay is not worth a second error.
        let _ = remove_if_there(&with(path, suffix));
    }
}

fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
