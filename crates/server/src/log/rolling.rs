//! A file that is begun anew when it becomes too large or too old, and its predecessors: `FILE.1`
//! is the youngest of them.
//!
//! Not here: who writes, and what happens to lines that find no room (`files`). The audit trail is
//! written to such a file as well, in whole pieces ([`RollingFile::append`]).

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gantry_core::Clock;

use crate::config::Rotation;

/// With `max_age`, a file is begun anew at least so often.
const DAY: Duration = Duration::from_hours(24);
/// Written at once.
const BUFFER: usize = 64 * 1024;
#[cfg(unix)]
const FILE_MODE: u32 = 0o640;
#[cfg(unix)]
const FOLDER_MODE: u32 = 0o750;

/// The file that is written, and how it is followed by others.
#[derive(Debug)]
pub(crate) struct RollingFile {
    path: PathBuf,
    rotation: Rotation,
    clock: Arc<dyn Clock>,
    file: BufWriter<File>,
    size: u64,
    /// Whether a part of a line stands behind that, which could not be taken away yet.
    is_torn: bool,
    /// When its first line was written, as far as is known.
    begun: SystemTime,
}

/// An old file.
#[derive(Debug)]
struct Old {
    path: PathBuf,
    number: u32,
    size: u64,
    /// When its last line was written.
    modified: SystemTime,
}

impl RollingFile {
    /// Opens the file to be written at its end; makes it and its folder where they are missing.
    pub(crate) fn open(path: &Path, rotation: Rotation, clock: Arc<dyn Clock>) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            make_folder(folder)?;
        }
        let now = clock.now();
        let (file, size, begun) = open(path, now)?;
        let path = path.to_owned();
        let mut rolling = Self { path, rotation, clock, file, size, is_torn: false, begun };
        rolling.tidy()?;
        Ok(rolling)
    }

    /// Writes to a file that was opened otherwise, and never begins another.
    #[cfg(test)]
    pub(crate) fn over(file: File) -> Self {
        let clock = Arc::new(gantry_core::SystemClock);
        let rotation =
            Rotation { max_size: usize::MAX, max_files: 0, max_age: None, total_size: None };
        let (file, begun) = (BufWriter::with_capacity(BUFFER, file), SystemTime::UNIX_EPOCH);
        Self { path: PathBuf::from("over"), rotation, clock, file, size: 0, is_torn: false, begun }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a line, into a new file if it has no room in this one. It is on the disk after the
    /// next flush.
    pub(super) fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let is_full =
            self.size > 0 && self.size + line.len() as u64 > self.rotation.max_size as u64;
        if is_full || self.is_too_old() {
            self.begin_anew()?;
        }
        self.file.write_all(line)?;
        self.size += line.len() as u64;
        Ok(())
    }

    /// Hands what was written to the system.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }

    /// Writes a text into new files as it has to, but none of its pieces into two, and hands it to the system.
    /// `pieces` are all of it, in order. Fails with how many of them are written; of the others, nothing is.
    pub(crate) fn append<'a>(
        &mut self,
        text: &str,
        pieces: impl Iterator<Item = &'a str>,
    ) -> Result<(), (usize, io::Error)> {
        if self.has_room(text.len()) {
            return self.write_whole(text.as_bytes()).map_err(|error| (0, error));
        }
        let (mut written, mut waiting, mut rest) = (0, 0, text);
        let mut end = 0;
        for piece in pieces {
            let is_begun = self.size + end as u64 > 0;
            if is_begun && !self.has_room(end + piece.len()) {
                let (full, further) = rest.split_at(end);
                let begun = self.write_whole(full.as_bytes());
                if begun.is_ok() {
                    (written, waiting) = (written + waiting, 0);
                }
                // What was written must be there before the file that goes on after it is.
                if let Err(error) =
                    begun.and_then(|()| self.sync()).and_then(|()| self.begin_anew())
                {
                    return Err((written, error));
                }
                (rest, end) = (further, 0);
            }
            end += piece.len();
            waiting += 1;
        }
        self.write_whole(rest.as_bytes()).map_err(|error| (written, error))
    }

    /// Tells whether so many bytes may still come into the file.
    fn has_room(&self, bytes: usize) -> bool {
        self.size + bytes as u64 <= self.rotation.max_size as u64 && !self.is_too_old()
    }

    /// Writes all of it, or leaves the file as it was.
    fn write_whole(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.flush()?;
        let file = self.file.get_mut();
        if self.is_torn {
            // A part of a line would damage the next one.
            file.set_len(self.size)?;
            self.is_torn = false;
        }
        if let Err(error) = file.write_all(bytes) {
            self.is_torn = file.set_len(self.size).is_err();
            return Err(error);
        }
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Waits until what was written is on the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.get_ref().sync_data()
    }

    /// Returns another handle of the file that is written now.
    pub(crate) fn handle(&self) -> io::Result<File> {
        self.file.get_ref().try_clone()
    }

    /// Looks whether anything has become too old while nothing was written.
    pub(super) fn look_at_ages(&mut self) -> io::Result<()> {
        if self.rotation.max_age.is_none() {
            return Ok(());
        }
        if self.is_too_old() {
            self.begin_anew()?;
        }
        self.tidy()
    }

    /// Opens the path again: another program may have moved the file away.
    pub(crate) fn reopen(&mut self) -> io::Result<()> {
        // What cannot be written to the old file must not be kept from the new one.
        let flushed = self.file.flush();
        (self.file, self.size, self.begun) = open(&self.path, self.clock.now())?;
        self.is_torn = false;
        flushed
    }

    fn is_too_old(&self) -> bool {
        let Some(most) = self.rotation.max_age.map(|age| age.min(DAY)) else { return false };
        let age = self.clock.now().duration_since(self.begun);
        self.size > 0 && age.is_ok_and(|age| age >= most)
    }

    fn begin_anew(&mut self) -> io::Result<()> {
        self.file.flush()?;
        let mut old = old_files(&self.path)?;
        // From the oldest on, so that no name is taken.
        old.sort_by_key(|file| std::cmp::Reverse(file.number));
        for file in &old {
            std::fs::rename(&file.path, numbered(&self.path, file.number + 1))?;
        }
        std::fs::rename(&self.path, numbered(&self.path, 1))?;
        (self.file, self.size, self.begun) = open(&self.path, self.clock.now())?;
        self.is_torn = false;
        self.tidy()
    }

    /// Removes the old files that are too many, too old, or too much together.
    fn tidy(&mut self) -> io::Result<()> {
        let Rotation { max_files, max_age, total_size, .. } = self.rotation;
        let mut old = old_files(&self.path)?;
        old.sort_by_key(|file| file.number);
        let now = self.clock.now();
        // The file that is written may become as large as a file may.
        let mut together = self.size.max(self.rotation.max_size as u64);
        for (place, file) in old.iter().enumerate() {
            together += file.size;
            let age = now.duration_since(file.modified).unwrap_or_default();
            let is_over = place >= usize::from(max_files)
                || max_age.is_some_and(|most| age > most)
                || total_size.is_some_and(|most| together > most as u64);
            if is_over {
                std::fs::remove_file(&file.path)?;
            }
        }
        Ok(())
    }
}

/// Finds `FILE.1`, `FILE.2` and so on.
fn old_files(path: &Path) -> io::Result<Vec<Old>> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(Vec::new());
    };
    let mut old = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let number = entry.file_name().to_str().and_then(|other| {
            let digits = other.strip_prefix(name.to_str()?)?.strip_prefix('.')?;
            let is_ours =
                digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
            if is_ours { digits.parse::<u32>().ok() } else { None }
        });
        let Some(number) = number else { continue };
        let metadata = entry.metadata()?;
        if metadata.is_file() {
            let (path, size) = (entry.path(), metadata.len());
            old.push(Old { path, number, size, modified: metadata.modified()? });
        }
    }
    Ok(old)
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

fn open(path: &Path, now: SystemTime) -> io::Result<(BufWriter<File>, u64, SystemTime)> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, FILE_MODE);
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no ordinary file"));
    }
    let size = metadata.len();
    // Not every file system knows when a file was made.
    let begun =
        if size == 0 { now } else { metadata.created().or_else(|_| metadata.modified())? };
    Ok((BufWriter::with_capacity(BUFFER, file), size, begun))
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, FOLDER_MODE);
    builder.create(folder)
}

#[cfg(test)]
mod tests;
