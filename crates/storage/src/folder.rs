//! The data folder: one process holds it, and its secrets are readable by their owner alone.
//!
//! Holds `lock`, `keys`, `pepper`, `admin.token`, the database and the socket. This module makes the
//! folder and the first four; the database is opened by [`crate::sqlite`], the socket by the server.

mod secret;

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use gantry_core::seal::{self, SealError};

pub use secret::SecretError;
pub(crate) use secret::{
    make_private, private_options, remove_if_there, replace_private, sync_folder_of, to_hex,
};

const LOCK: &str = "lock";
const KEYS: &str = "keys";
const PEPPER: &str = "pepper";
const ADMIN_TOKEN: &str = "admin.token";
const DATABASE: &str = "gantry.db";
const SOCKET: &str = "gantry.sock";
/// Bytes of the sealing secret.
const KEY: usize = 32;

/// The data folder, held by this process until the value is dropped.
///
/// The kernel frees the lock of a process that dies, however it dies, and children do not
/// inherit it.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
}

/// Why the data folder cannot be held.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The folder is not there and cannot be made.
    #[error("cannot make the data folder `{path}`")]
    Create {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The lock file cannot be used.
    #[error("cannot lock the data folder by `{path}`")]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Another gateway runs on this folder.
    #[error(
        "the data folder `{path}` is in use by {}: stop it, or choose another folder",
        holder.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
    )]
    Held {
        /// The folder.
        path: PathBuf,
        /// The process that holds it, as far as it is known.
        holder: Option<u32>,
    },
}

impl DataFolder {
    /// Makes the folder if it is not there (mode 0700), and holds it.
    pub fn open(path: &Path) -> Result<Self, LockError> {
        let create = |source| LockError::Create { path: path.to_owned(), source };
        secret::create_private_folder(path).map_err(create)?;
        let path = fs::canonicalize(path).map_err(create)?;
        if let Some(mode) = secret::writable_by_others(&path) {
            gantry_core::log::warn!(
                path = %path.display(), mode = format!("{mode:04o}"),
                "Others may write to the data folder, and so replace its secrets."
            );
        }
        let lock = hold(&path)?;
        Ok(Self { path, _lock: lock })
    }

    /// Returns the folder as an absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns where the database stands.
    pub fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// Returns where the database of a folder stands; no lock is needed to read it.
    pub fn database_of(folder: &Path) -> PathBuf {
        folder.join(DATABASE)
    }

    /// Returns the names of the files that hold the gateway's own secrets.
    pub fn secret_names() -> [&'static str; 3] {
        [KEYS, PEPPER, ADMIN_TOKEN]
    }

    /// Returns where the socket of a folder stands; no lock is needed to connect to it.
    pub fn socket_of(folder: &Path) -> PathBuf {
        folder.join(SOCKET)
    }

    /// Returns the sealing secret, made at the first start: 32 bytes, kept as hexadecimal digits.
    pub fn keys(&self) -> Result<Vec<u8>, SecretError> {
        self.drawn(KEYS)
    }

    /// Returns the secret that API keys are digested with, made when it is first needed, in the
    /// same form.
    pub fn pepper(&self) -> Result<Vec<u8>, SecretError> {
        self.drawn(PEPPER)
    }

    fn drawn(&self, name: &str) -> Result<Vec<u8>, SecretError> {
        let path = self.path.join(name);
        let fresh = || seal::random::<KEY>().map(|bytes| to_hex(&bytes));
        let text = secret::read_or_create(&path, fresh)?;
        secret::from_hex(&text)
            .filter(|bytes| bytes.len() >= KEY)
            .ok_or(SecretError::Damaged { path, expected: "at least 64 hexadecimal digits" })
    }

    /// Returns the admin token, made by `fresh` at the first start.
    pub fn admin_token(
        &self,
        fresh: impl FnOnce() -> Result<String, SealError>,
    ) -> Result<String, SecretError> {
        secret::read_or_create(&self.path.join(ADMIN_TOKEN), fresh)
    }

    /// Reads the admin token of a folder that another process holds; `None` if it has none yet.
    pub fn read_admin_token(folder: &Path) -> Result<Option<String>, SecretError> {
        secret::read(&folder.join(ADMIN_TOKEN))
    }
}

fn hold(folder: &Path) -> Result<File, LockError> {
    let path = folder.join(LOCK);
    let failed = |source| LockError::Lock { path: path.clone(), source };
    let mut options = private_options();
    let mut file = options.read(true).write(true).create(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(LockError::Held { path: folder.to_owned(), holder: holder(&mut file) });
        }
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    // The file is never removed: a second process could then lock a new one of the same name.
    file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    Ok(file)
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests;
