//! Replaces the configuration file as a whole: a reader sees the old one or the new one.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::EditError;

/// Why a file was not changed.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It could not be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The new file could not be written, or not put in the place of the old one.
    #[error("cannot write `{}`", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Somebody else wrote it meanwhile.
    #[error("`{}` was changed by somebody else at the same moment", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The change itself was refused.
    #[error("cannot change `{}`", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<EditError>,
    },
}

/// Changes the file at `path` by `edit`; an absent file is an empty one.
///
/// The new text is written beside the file and renamed over it. The mode stays, and a symbolic link
/// stays one.
///
/// # Errors
///
/// `edit` refused, or the file could not be read or replaced; it is then as it was.
pub fn edit_file(
    path: &Path,
    edit: impl FnOnce(&str) -> Result<String, EditError>,
) -> Result<(), FileError> {
    let old =
        read(path).map_err(|source| FileError::Unreadable { path: path.to_owned(), source })?;
    let new = edit(old.as_deref().unwrap_or_default())
        .map_err(|source| FileError::Refused { path: path.to_owned(), source: Box::new(source) })?;
    if old.as_ref() == Some(&new) {
        return Ok(());
    }
    replace_file(path, old.as_deref(), &new)
}

/// Replaces the file at `path`, which holds `old` (`None`: there is none), by one that holds `new`.
///
/// # Errors
///
/// The file holds something else by now, or could not be read or replaced; it is then as it was.
pub fn replace_file(path: &Path, old: Option<&str>, new: &str) -> Result<(), FileError> {
    let unreadable = |source| FileError::Unreadable { path: path.to_owned(), source };
    let unwritable = |source| FileError::Unwritable { path: path.to_owned(), source };
    // The target of a link is replaced, not the link.
    let target =
        if old.is_some() { fs::canonicalize(path).map_err(unreadable)? } else { path.to_owned() };
    let draft = draft_beside(&target);
    let written = write_draft(&draft, new, old.is_some().then_some(target.as_path()));
    let outcome = match written {
        Err(error) => Err(unwritable(error)),
        Ok(()) if read(path).map_err(unreadable)?.as_deref() != old => {
            Err(FileError::Changed { path: path.to_owned() })
        }
        Ok(()) => fs::rename(&draft, &target).map_err(unwritable),
    };
    if outcome.is_err() {
        // The draft is of no use to anybody; that it may stay is not worth a second error.
        let _ = fs::remove_file(&draft);
    }
    outcome
}

fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn draft_beside(target: &Path) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.{}.draft", std::process::id()))
}

fn write_draft(draft: &Path, text: &str, like: Option<&Path>) -> io::Result<()> {
    // One left behind by a process with our number is nobody's any more.
    match fs::remove_file(draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(draft)?;
    if let Some(like) = like {
        file.set_permissions(fs::metadata(like)?.permissions())?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
