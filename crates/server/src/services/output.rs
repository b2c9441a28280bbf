//! The one folder in which services write files.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use gantry_services::ports::{OutputFolder, PortError};
use parking_lot::Mutex;

use crate::config;

/// The most bytes of a name.
const MAX_NAME: usize = 128;
/// The most files of the folder.
const MAX_FILES: usize = 100_000;

/// The folder.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    limit: u64,
    /// One file is written at a time, so that two do not take the same room.
    writing: Mutex<()>,
}

impl Folder {
    pub(super) fn new(config: &config::Output) -> Self {
        Self { path: config.folder.clone(), limit: config.limit, writing: Mutex::new(()) }
    }

    /// Returns how many files are there and how many bytes they have.
    fn taken(&self) -> io::Result<(usize, u64)> {
        let (mut files, mut bytes) = (0, 0_u64);
        for entry in fs::read_dir(&self.path)? {
            let metadata = match entry?.metadata() {
                Ok(metadata) => metadata,
                // Somebody took it away meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            files += 1;
            bytes = bytes.saturating_add(metadata.len());
        }
        Ok((files, bytes))
    }

    fn put(&self, name: &str, contents: &[u8]) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        // Neither a file nor a link that is there already is followed.
        let mut file = fs::File::options().write(true).create_new(true).open(&path)?;
        let written = file.write_all(contents).and_then(|()| file.sync_all());
        if let Err(error) = written {
            // Half a file is worse than none.
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        Ok(path)
    }
}

impl OutputFolder for Folder {
    fn write(&self, name: &str, contents: &[u8]) -> Result<String, PortError> {
        if !is_plain(name) {
            return Err(PortError::new(format!("`{name}` is no plain name of a file")));
        }
        let _one = self.writing.lock();
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                PortError::new(format!("`{name}` is there already, and nothing is overwritten"))
            }
            io::ErrorKind::NotFound => {
                PortError::new("the folder that `services.output` names is not there")
            }
            _ => {
                gantry_core::log::warn!(%error, "A service cannot write a file.");
                PortError::new(format!("the folder cannot be written: {}", error.kind()))
            }
        };
        let (files, bytes) = self.taken().map_err(failed)?;
        let wanted = u64::try_from(contents.len()).unwrap_or(u64::MAX);
        if files >= MAX_FILES || bytes.saturating_add(wanted) > self.limit {
            let problem = format!(
                "the folder has {files} files of {bytes} bytes, and no room for {wanted} more: it \
                 may have {} (`services.output_limit`)",
                self.limit
            );
            return Err(PortError::new(problem));
        }
        let path = self.put(name, contents).map_err(failed)?;
        Ok(path.to_string_lossy().into_owned())
    }
}

fn is_plain(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=MAX_NAME).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(path: &std::path::Path, limit: u64) -> Folder {
        Folder::new(&config::Output { folder: path.to_owned(), limit })
    }

    #[test]
    fn a_file_is_written_once_and_within_the_limit() {
        let place = tempfile::tempdir().unwrap();
        let folder = folder(place.path(), 5);
        let path = folder.write("a.json", b"123").unwrap();
        assert_eq!(fs::read(path).unwrap(), b"123");
        let again = folder.write("a.json", b"4").unwrap_err().to_string();
        assert!(again.contains("nothing is overwritten"), "{again}");
        let full = folder.write("b.json", b"456").unwrap_err().to_string();
        assert!(full.contains("no room for 3 more"), "{full}");
        folder.write("b.json", b"45").unwrap();
        assert_eq!(fs::read(place.path().join("a.json")).unwrap(), b"123");
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        let place = tempfile::tempdir().unwrap();
        let folder = folder(place.path(), 1000);
        for name in ["", "../a", "a/b", "/etc/x", ".hidden", "a\0b", "ä", &"x".repeat(129)] {
            let error = folder.write(name, b"1").unwrap_err().to_string();
            assert!(error.contains("no plain name"), "{name}: {error}");
        }
        #[cfg(unix)]
        {
            let outside = place.path().with_extension("outside");
            std::os::unix::fs::symlink(&outside, place.path().join("link")).unwrap();
            assert!(folder.write("link", b"1").is_err());
            assert!(!outside.exists());
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let place = tempfile::tempdir().unwrap();
        let error = folder(&place.path().join("nowhere"), 10).write("a", b"1").unwrap_err();
        assert!(error.to_string().contains("`services.output`"), "{error}");
    }
}
