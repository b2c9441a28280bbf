//! Backups for commands: which database and which files belong to one, and where they go back to.
//!
//! What a backup is made of is told in `gantry_storage::backup`. No running gateway is needed, and
//! none is in the way of making one. Where there is an audit trail, it has an entry of what was made or
//! put back ([`recorded`]).

pub(crate) mod recorded;

use std::path::{Component, Path, PathBuf};

use gantry_core::{Clock as _, ErrorCode, SystemClock};
use gantry_storage::DataFolder;
use gantry_storage::LockError;
use gantry_storage::backup::{Contents, Fate, Place, Target};
use gantry_storage::postgres::ConnectError;

pub use gantry_storage::backup::{BackupError, Passphrase, Restored, Summary};

pub use recorded::Unrecorded;

use crate::accept;
use crate::config::{Config, Storage};
use crate::timestamp::{compact, rfc3339};
use recorded::Noted;

/// Below it stand the files of the configuration, by their way from the main one's folder.
const CONFIGURATION: &str = "configuration/";
/// Below it stand the secrets of the data folder.
const DATA: &str = "data/";
const PREFIX: &str = "gantry-";
const ENDING: &str = ".backup";

/// What a command is about.
#[derive(Debug)]
pub struct Site<'a> {
    /// The configuration, which names the database.
    pub config: &'a Config,
    /// The data folder, absolute.
    pub data: &'a Path,
}

/// How a backup is made.
#[derive(Debug)]
pub struct Wish<'a> {
    /// Where it is written.
    pub path: &'a Path,
    /// What it is encrypted with.
    pub passphrase: Option<&'a Passphrase>,
    /// Whether the gateway's own secrets belong to it.
    pub with_keys: bool,
    /// Whether something at `path` may be replaced.
    pub may_replace: bool,
}

/// A backup that was made.
#[derive(Debug)]
pub struct Made {
    /// What it holds.
    pub summary: Summary,
    /// Files of the configuration that lie elsewhere and are not in it.
    pub left_out: Vec<PathBuf>,
    /// Why the audit trail has no entry of it, if it should have one.
    pub unrecorded: Option<Unrecorded>,
}

/// A backup that was put back.
#[derive(Debug)]
pub struct PutBack {
    /// What was done.
    pub restored: Restored,
    /// Why the audit trail has no entry of it, if it should have one.
    pub unrecorded: Option<Unrecorded>,
}

impl Site<'_> {
    /// Makes a backup.
    ///
    /// # Errors
    ///
    /// The database or a file cannot be read, or the backup not written.
    pub fn back_up(&self, wish: &Wish<'_>) -> Result<Made, BackupError> {
        let (mut files, left_out) = self.configuration();
        if wish.with_keys {
            // One that is not there is not needed: `pepper`, where API_KEY_SALT stands for it.
            files.extend(self.secrets().into_iter().filter(|(_, path)| path.exists()));
        }
        let database = self.database();
        let contents = Contents {
            database: &database,
            files: &files,
            release: env!("CARGO_PKG_VERSION"),
            now: SystemClock.unix_seconds(),
        };
        let making =
            gantry_storage::backup::make(wish.path, wish.may_replace, wish.passphrase, &contents);
        let made = run(making);
        let noted = Noted::made(wish, made.as_ref().map_err(code));
        let unrecorded = self.record(&noted).err();
        made.map(|summary| Made { summary, left_out, unrecorded })
    }

    /// Puts a backup back, while this process holds the data folder.
    ///
    /// # Errors
    ///
    /// The backup cannot be used, a gateway runs, or something is there that may not be replaced.
    pub fn restore(
        &self,
        path: &Path,
        passphrase: Option<&Passphrase>,
        may_replace: bool,
    ) -> Result<PutBack, BackupError> {
        let folder = DataFolder::open(self.data);
        let folder = folder.map_err(|source| BackupError::Folder { source })?;
        let restored = self.put_back(&folder, path, passphrase, may_replace);
        let noted = Noted::put_back(path, restored.as_ref().map_err(code));
        let unrecorded = self.record_beside(&noted).err();
        restored.map(|restored| PutBack { restored, unrecorded })
    }

    fn put_back(
        &self,
        folder: &DataFolder,
        path: &Path,
        passphrase: Option<&Passphrase>,
        may_replace: bool,
    ) -> Result<Restored, BackupError> {
        let secrets = self.secrets();
        let base = self.base();
        let files = |name: &str| match name.strip_prefix(CONFIGURATION) {
            Some(rest) => Fate::IfAbsent(base.join(rest)),
            None => match secrets.iter().find(|(known, _)| known == name) {
                Some((_, path)) => Fate::New(path.clone()),
                None => Fate::Nowhere,
            },
        };
        let database = match &self.config.storage {
            Storage::Sqlite => Place::Sqlite(folder.database()),
            Storage::Postgres(config) => Place::Postgres(config.clone()),
        };
        let now = SystemClock.unix_seconds();
        let target = Target { database: &database, files: &files, may_replace, now };
        run(gantry_storage::backup::restore(path, passphrase, &target))
    }

    fn database(&self) -> Place {
        match &self.config.storage {
            Storage::Sqlite => Place::Sqlite(DataFolder::database_of(self.data)),
            Storage::Postgres(config) => Place::Postgres(config.clone()),
        }
    }

    fn base(&self) -> PathBuf {
        crate::config::folder_of(self.config.file.as_deref())
    }

    /// Every file of the configuration that lies in or below the main one's folder, and the others.
    fn configuration(&self) -> (Vec<(String, PathBuf)>, Vec<PathBuf>) {
        let base = self.base();
        let (mut files, mut left_out) = (Vec::new(), Vec::new());
        let there = self.config.watched.iter().filter(|path| path.is_file());
        for path in there.filter_map(|path| std::path::absolute(path).ok()) {
            match path.strip_prefix(&base).ok().and_then(plain) {
                Some(name) => files.push((format!("{CONFIGURATION}{name}"), path)),
                None => left_out.push(path),
            }
        }
        files.sort();
        files.dedup();
        (files, left_out)
    }

    /// Every secret of the data folder, whether it is there or not.
    fn secrets(&self) -> Vec<(String, PathBuf)> {
        let names = DataFolder::secret_names().into_iter();
        names.map(|name| (format!("{DATA}{name}"), self.data.join(name))).collect()
    }
}

/// Puts back the files of the configuration that are absent in `folder`, and nothing else; returns
/// them.
///
/// # Errors
///
/// The backup cannot be used, or a file not be written.
pub fn restore_configuration(
    path: &Path,
    passphrase: Option<&Passphrase>,
    folder: &Path,
) -> Result<Vec<PathBuf>, BackupError> {
    let place = |name: &str| name.strip_prefix(CONFIGURATION).map(|rest| folder.join(rest));
    run(gantry_storage::backup::extract(path, passphrase, &place))
}

/// Reads a backup to its end.
///
/// # Errors
///
/// It is not whole, or cannot be read with this passphrase or by this version.
pub fn verify(path: &Path, passphrase: Option<&Passphrase>) -> Result<Summary, BackupError> {
    run(gantry_storage::backup::verify(path, passphrase))
}

/// Returns the name of a backup that is made now in a folder: `gantry-20261125T083000Z.backup`.
pub fn fresh_name() -> String {
    format!("{PREFIX}{}{ENDING}", compact(SystemClock.now()))
}

/// Writes down when a backup was made.
pub fn made_at(summary: &Summary) -> String {
    let since = std::time::Duration::from_secs(summary.header.made_at);
    rfc3339(std::time::SystemTime::UNIX_EPOCH + since)
}

/// Removes the oldest backups of a folder that [`fresh_name`] named, until `keep` are left; returns
/// those that went.
///
/// # Errors
///
/// The folder cannot be read, or a file not removed.
pub fn prune(folder: &Path, keep: usize) -> std::io::Result<Vec<PathBuf>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        names.extend(name.to_str().filter(|name| is_ours(name)).map(str::to_owned));
    }
    // Their names have the order of their times.
    names.sort_unstable();
    let n_old = names.len().saturating_sub(keep);
    let old = names.into_iter().take(n_old).map(|name| folder.join(name));
    old.map(|path| std::fs::remove_file(&path).map(|()| path)).collect()
}

/// Tells whether a name is of the form of [`fresh_name`].
fn is_ours(name: &str) -> bool {
    let time = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(ENDING));
    time.is_some_and(|time| {
        let form = "00000000T000000Z".bytes();
        time.len() == form.len()
            && form.zip(time.bytes()).all(|(form, byte)| match form {
                b'0' => byte.is_ascii_digit(),
                letter => byte == letter,
            })
    })
}

/// Returns a way that leads nowhere but down, as the archive has it.
fn plain(path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path
        .components()
        .map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    parts.filter(|parts| !parts.is_empty()).map(|parts| parts.join("/"))
}

fn run<T>(work: impl Future<Output = Result<T, BackupError>>) -> Result<T, BackupError> {
    let failed = |_| BackupError::Encryption { what: "the system gives no threads" };
    let runtime = accept::runtime().map_err(failed)?;
    runtime.block_on(work)
}

/// Returns the code of the cause, for `gantry explain`.
pub fn code(error: &BackupError) -> ErrorCode {
    match error {
        BackupError::Unreadable { .. } | BackupError::Damaged { .. } => ErrorCode::BackupDamaged,
        BackupError::Unwritable { .. } | BackupError::Encryption { .. } => {
            ErrorCode::BackupUnwritable
        }
        BackupError::Occupied { .. } | BackupError::InUse { .. } => ErrorCode::BackupPlaceTaken,
        BackupError::PassphraseMissing { .. }
        | BackupError::PassphraseWrong { .. }
        | BackupError::PassphraseShort => ErrorCode::BackupPassphrase,
        BackupError::Newer { .. } => ErrorCode::BackupTooNew,
        BackupError::Folder { source: LockError::Held { .. } } => ErrorCode::DataFolderLocked,
        BackupError::Folder { .. } => ErrorCode::DataFolderUnusable,
        BackupError::Connect { source: ConnectError::Unreachable { .. } } => {
            ErrorCode::StorageUnreachable
        }
        BackupError::Connect { source: ConnectError::Refused { .. } } => ErrorCode::StorageRefused,
        BackupError::Open { .. }
        | BackupError::Connect { .. }
        | BackupError::Database { .. }
        | BackupError::Column { .. } => ErrorCode::StorageFailed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_backups_of_our_own_naming_are_pruned() {
        let folder = tempfile::tempdir().unwrap();
        let backups = ["gantry-20261123T000000Z.backup", "gantry-20261124T000000Z.backup"];
        let others = ["gantry-before-update.backup", "gantry-2026112XT000000Z.backup", "notes"];
        let fresh = fresh_name();
        for name in backups.iter().chain(&others).copied().chain([fresh.as_str()]) {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let gone = prune(folder.path(), 2).unwrap();
        assert_eq!(gone, [folder.path().join(backups[0])]);
        assert_eq!(prune(folder.path(), 2).unwrap().len(), 0);
        for name in others.iter().copied().chain([backups[1], fresh.as_str()]) {
            assert!(folder.path().join(name).exists(), "{name}");
        }
    }
}
