//! The files of a trail, opened together while a gateway may be about to begin another.
//!
//! To begin a file, all those before it are renamed one after another. A list of names that is made
//! meanwhile has a gap, or names a file that is gone when it is opened, so a set of open files counts
//! only if the names still lead to the same files afterwards.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::verify::VerifyError;

/// How often the files are opened at most, and the pause between two attempts: a second in all, for
/// renames that take a millisecond.
const ATTEMPTS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(10);

/// A file of a trail, for reading.
#[derive(Debug)]
pub(super) struct OpenFile {
    /// Its name when it was opened; the file stays the same whatever it is called later.
    pub(super) path: PathBuf,
    pub(super) file: File,
}

/// Opens a file and those that were begun before it, the oldest first.
///
/// # Errors
///
/// One cannot be opened, or they were renamed each time.
pub(super) fn open_with_older(path: &Path) -> Result<Vec<OpenFile>, VerifyError> {
    for attempt in 1..=ATTEMPTS {
        let (names, is_last) = (with_older(path), attempt == ATTEMPTS);
        match open_all(&names) {
            // A name that stays away was taken away by somebody: what is before it is another trail.
            Ok(files)
                if are_in_place(&files)
                    && with_older(path) == names
                    && (is_last || !has_gap(path, names.len())) =>
            {
                return Ok(files);
            }
            // Without any file there is none that is being renamed.
            Err(error) if is_last || !(path.exists() || numbered(path, 1).exists()) => {
                return Err(error);
            }
            _ => {}
        }
        thread::sleep(PAUSE);
    }
    let source = io::Error::other("its files are renamed too often to be read together");
    Err(VerifyError::File { path: path.to_owned(), source })
}

/// Opens files all at once, before the first is read.
///
/// # Errors
///
/// One cannot be opened.
pub(super) fn open_all(paths: &[PathBuf]) -> Result<Vec<OpenFile>, VerifyError> {
    let open = paths.iter().map(|path| match File::open(path) {
        Ok(file) => Ok(OpenFile { path: path.clone(), file }),
        Err(source) => Err(VerifyError::File { path: path.clone(), source }),
    });
    open.collect()
}

/// Tells whether a name is missing while the one after it is there, as it is between two renames.
fn has_gap(path: &Path, n_found: usize) -> bool {
    // Whether or not the youngest was among those found.
    (n_found..=n_found + 1).any(|number| numbered(path, number).is_file())
}

fn numbered(path: &Path, number: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

/// Returns a file with those that were begun before it, the oldest first: `FILE.2`, `FILE.1`, `FILE`.
pub(super) fn with_older(path: &Path) -> Vec<PathBuf> {
    let older = (1..).map(|number| numbered(path, number));
    let mut files: Vec<_> = older.take_while(|file| file.is_file()).collect();
    files.reverse();
    if path.exists() || files.is_empty() {
        files.push(path.to_owned());
    }
    files
}

fn are_in_place(files: &[OpenFile]) -> bool {
    let is_same =
        |one: Metadata, other: Metadata| (one.dev(), one.ino()) == (other.dev(), other.ino());
    files.iter().all(|open| match (open.file.metadata(), open.path.metadata()) {
        (Ok(opened), Ok(named)) => is_same(opened, named),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// Begins a file anew, as the writer does: those before it are renamed first.
    fn begin_anew(path: &Path, number: usize) {
        let mut names = with_older(path);
        names.reverse();
        for (at, name) in names.iter().enumerate().rev() {
            let mut next = path.as_os_str().to_owned();
            next.push(format!(".{}", at + 1));
            std::fs::rename(name, next).unwrap();
        }
        std::fs::write(path, number.to_string()).unwrap();
    }

    fn numbers(path: &Path) -> Vec<usize> {
        let read = |mut open: OpenFile| {
            let mut text = String::new();
            open.file.read_to_string(&mut text).unwrap();
            text.parse().unwrap_or_default()
        };
        open_with_older(path).unwrap().into_iter().map(read).collect()
    }

    #[test]
    fn files_are_read_in_order_while_others_are_begun() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trail.log");
        std::fs::write(&path, "1").unwrap();
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                for number in 2..=30 {
                    begin_anew(&path, number);
                    // Its pace: a reader needs a moment between two of them to see them together.
                    thread::sleep(Duration::from_millis(20));
                }
                is_over.store(true, Ordering::Release);
            });
            let mut n_seen = Vec::new();
            while !is_over.load(Ordering::Acquire) {
                let found = numbers(&path);
                n_seen.push(found.len());
                // The youngest may have been created and not yet been written.
                let whole = found.strip_suffix(&[0]).unwrap_or(&found);
                assert_eq!(whole, (1..=whole.len()).collect::<Vec<_>>());
            }
            n_seen.dedup();
            assert!(n_seen.len() > 5, "they were read while others were begun: {n_seen:?}");
        });
        assert_eq!(numbers(&path).len(), 30);
    }

    #[test]
    fn a_trail_that_is_not_there_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let error = open_with_older(&folder.path().join("none.log")).unwrap_err();
        assert!(error.to_string().contains("none.log"), "{error}");
    }
}
