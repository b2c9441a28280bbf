//! The head of a trail, kept in the data folder: where the chain goes on after a restart, and what
//! tells that the end of a trail is missing.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use gantry_policy::audit::Head;
use parking_lot::Mutex;

/// A head that is kept.
#[derive(Debug)]
pub(super) struct HeadFile {
    path: PathBuf,
    /// The latest, unless it is in the file.
    latest: Mutex<Option<Head>>,
    /// Held while the file is written.
    writing: Mutex<()>,
}

impl HeadFile {
    /// Names the file of a place.
    pub(super) fn of(folder: &Path, place: &str) -> Self {
        let path = folder.join(format!("{place}.head"));
        Self { path, latest: Mutex::default(), writing: Mutex::default() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it; `None` if there is none. One that cannot be understood is an error: it may have been
    /// changed to hide something.
    pub(super) fn read(&self) -> io::Result<Option<Head>> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let head = Head::parse(&text).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "it does not hold `SEQ HASH ID`")
        })?;
        Ok(Some(head))
    }

    /// Takes note of a head, which the next [`Self::write`] puts into the file.
    pub(super) fn note(&self, head: Head) {
        *self.latest.lock() = Some(head);
    }

    /// Puts the latest head in the place of the one before, if that is not done. Waits for the disk.
    pub(super) fn write(&self) -> io::Result<()> {
        let _one = self.writing.lock();
        let Some(head) = self.latest.lock().take() else { return Ok(()) };
        write_whole(&self.path, &format!("{}\n", head.to_text()))
    }
}

/// Writes beside and renames, so that a crash leaves the old text or the new one. It is not waited
/// until that is on the disk: after a crash of the machine an older head is as good.
pub(crate) fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(text.as_bytes())?;
    drop(file);
    std::fs::rename(&beside, path)
}
