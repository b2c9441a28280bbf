//! What the configuration may take from outside: environment variables, and files with secrets.
//!
//! [`Env::of_process`] is the one place of the library that reads the environment; everything else
//! is given an [`Env`], so that tests say what is in it.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Secrets are short; anything longer is the wrong file.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// The environment variables that a configuration may name.
#[derive(Clone, Default)]
pub struct Env {
    variables: BTreeMap<String, String>,
}

impl Env {
    /// Reads the environment of this process; variables that are not UTF-8 are left out.
    pub fn of_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self { variables }
    }

    /// Makes an environment of exactly these variables.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let variables = pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        Self { variables }
    }

    /// Returns a variable's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Returns the names of all variables.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }
}

impl std::fmt::Debug for Env {
    /// Shows names alone: many values are secrets.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.variables.keys()).finish()
    }
}

/// Why a file named by `${file:PATH}` gave no value.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("cannot read the file `{}`: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("the file `{}` is larger than {MAX_FILE_BYTES} bytes", path.display())]
    TooLarge { path: PathBuf },
    #[error("the file `{}` is not UTF-8 text", path.display())]
    NotText { path: PathBuf },
}

/// Reads a file's text without the line break at its end; a relative path starts at `folder`.
pub(crate) fn read_value_file(folder: &Path, path: &str) -> Result<String, FileError> {
    let path = folder.join(path);
    let mut bytes = Vec::new();
    let read = std::fs::File::open(&path)
        .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes));
    if let Err(source) = read {
        return Err(FileError::Unreadable { path, source });
    }
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(FileError::TooLarge { path });
    }
    let Ok(mut text) = String::from_utf8(bytes) else { return Err(FileError::NotText { path }) };
    let kept = text
        .strip_suffix('\n')
        .map_or(text.len(), |line| line.strip_suffix('\r').map_or(line.len(), str::len));
    text.truncate(kept);
    Ok(text)
}
