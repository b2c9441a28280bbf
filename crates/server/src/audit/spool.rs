//! Entries that wait on the disk for a place that fails: a line each, in order, in the data folder.
//!
//! After a restart they are still there. Which of them were added before the process ended is told by
//! the id of the last entry of the trail, so that none is added twice.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use gantry_policy::audit::id_of;

use super::backlog::{Written, bytes};

/// Bytes that are read at once.
const AT_ONCE: u64 = 1 << 20;
/// When so much of the file was added, the rest is moved to its beginning.
const COMPACT: u64 = 8 << 20;

/// The file, and what of it still waits.
#[derive(Debug)]
pub(super) struct Spool {
    path: PathBuf,
    /// Opened when it is needed first.
    file: Option<File>,
    /// Where the first line is that waits.
    start: u64,
    /// Where the file ends.
    end: u64,
    entries: usize,
    /// Bytes of the texts that wait, without what is written around them.
    bytes: usize,
}

impl Spool {
    /// Names the file of a place, and finds what of it still waits: what comes after the entry
    /// `last`, if that is in it, else everything.
    pub(super) fn open(folder: &Path, place: &str, last: &str) -> io::Result<Self> {
        let path = folder.join(format!("{place}.spool"));
        let mut spool = Self { path, file: None, start: 0, end: 0, entries: 0, bytes: 0 };
        let file = match File::open(&spool.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(spool),
            Err(error) => return Err(error),
        };
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = reader.read_until(b'\n', &mut line)? as u64;
            // One that was not written to its end was never relied on.
            if read == 0 || !line.ends_with(b"\n") {
                break;
            }
            let entry = parse(&line).ok_or_else(damaged)?;
            spool.end += read;
            spool.entries += 1;
            spool.bytes += entry.text().len();
            if id_of(entry.text()) == last {
                (spool.start, spool.entries, spool.bytes) = (spool.end, 0, 0);
            }
        }
        Ok(spool)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries == 0
    }

    pub(super) fn entries(&self) -> usize {
        self.entries
    }

    /// Returns how many bytes of entries wait.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds entries; all of them are on the disk when this returns, or none.
    pub(super) fn append(&mut self, entries: &[Written]) -> io::Result<()> {
        let mut lines = Vec::new();
        for entry in entries {
            // Writing to a vector cannot fail.
            let _ = writeln!(lines, "{} {}", entry.at, entry.text());
        }
        let end = self.end;
        let file = self.file()?;
        // Whatever an attempt that failed has left behind goes first.
        file.set_len(end)?;
        file.seek(SeekFrom::Start(end))?;
        file.write_all(&lines)?;
        file.sync_data()?;
        self.end += lines.len() as u64;
        self.entries += entries.len();
        self.bytes += bytes(entries);
        Ok(())
    }

    /// Reads the first entries that wait.
    pub(super) fn front(&mut self) -> io::Result<Vec<Written>> {
        let (start, length) = (self.start, self.end - self.start);
        let file = self.file()?;
        file.seek(SeekFrom::Start(start))?;
        let mut reader = BufReader::new(file.take(length));
        let (mut entries, mut line, mut whole) = (Vec::new(), Vec::new(), 0);
        while whole < AT_ONCE {
            line.clear();
            let read = reader.read_until(b'\n', &mut line)? as u64;
            if read == 0 {
                break;
            }
            whole += read;
            entries.push(parse(&line).ok_or_else(damaged)?);
        }
        Ok(entries)
    }

    /// Says that the first entries wait no more.
    pub(super) fn advance(&mut self, entries: &[Written]) -> io::Result<()> {
        let around: usize = entries.iter().map(|entry| format!("{} \n", entry.at).len()).sum();
        self.start += (around + bytes(entries)) as u64;
        self.bytes = self.bytes.saturating_sub(bytes(entries));
        self.entries = self.entries.saturating_sub(entries.len());
        if self.entries == 0 {
            (self.start, self.end) = (0, 0);
            self.file()?.set_len(0)?;
        } else if self.start >= COMPACT && self.start >= self.end / 2 {
            self.compact()?;
        }
        Ok(())
    }

    fn compact(&mut self) -> io::Result<()> {
        let beside = self.path.with_extension("spool.new");
        let start = self.start;
        let old = self.file()?;
        old.seek(SeekFrom::Start(start))?;
        let mut new = options().create(true).truncate(true).open(&beside)?;
        io::copy(old, &mut new)?;
        new.sync_data()?;
        std::fs::rename(&beside, &self.path)?;
        self.file = Some(new);
        (self.start, self.end) = (0, self.end - start);
        Ok(())
    }

    fn file(&mut self) -> io::Result<&mut File> {
        let file = match self.file.take() {
            Some(file) => file,
            None => options().create(true).truncate(false).open(&self.path)?,
        };
        Ok(self.file.insert(file))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn damaged() -> io::Error {
    let text = "what waits for the audit trail cannot be read: move the file `*.spool` away";
    io::Error::new(io::ErrorKind::InvalidData, text)
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Reads `MILLISECONDS {"id":"...",...}`.
fn parse(line: &[u8]) -> Option<Written> {
    let line = std::str::from_utf8(line).ok()?.trim_end_matches('\n');
    let (at, text) = line.split_once(' ')?;
    let at = at.parse().ok()?;
    (!id_of(text).is_empty()).then(|| Written::alone(text.to_owned(), at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(numbers: std::ops::Range<u64>) -> Vec<Written> {
        let one = |number| {
            let text = format!(
                "{{\"id\":\"boot-{number}\",\"text\":\"{}\"}}",
                "é".repeat(usize::try_from(number % 50).unwrap())
            );
            Written::alone(text, 1_000 + number)
        };
        numbers.map(one).collect()
    }

    fn ids(entries: &[Written]) -> Vec<&str> {
        entries.iter().map(|entry| id_of(entry.text())).collect()
    }

    #[test]
    fn entries_come_out_as_they_were_put_in() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(folder.path(), "file", "").unwrap();
        let all = entries(0..100);
        spool.append(&all[..60]).unwrap();
        spool.append(&all[60..]).unwrap();
        let front = spool.front().unwrap();
        assert_eq!(ids(&front), ids(&all));
        assert!(
            front
                .iter()
                .zip(&all)
                .all(|(one, other)| one.text() == other.text() && one.at == other.at)
        );
        spool.advance(&front[..30]).unwrap();
        assert_eq!(ids(&spool.front().unwrap()), ids(&all[30..]));
        assert_eq!(spool.entries(), 70);
        spool.advance(&all[30..]).unwrap();
        assert!(spool.is_empty() && spool.bytes() == 0);
        assert_eq!(std::fs::metadata(spool.path()).unwrap().len(), 0);
    }

    #[test]
    fn after_a_restart_nothing_is_added_twice_and_nothing_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(folder.path(), "file", "").unwrap();
        let all = entries(0..10);
        spool.append(&all).unwrap();
        // Killed while a line was written.
        OpenOptions::new()
            .append(true)
            .open(spool.path())
            .unwrap()
            .write_all(b"5 {\"id\":\"to")
            .unwrap();
        for (last, left) in
            [("", 10), ("elsewhere", 10), ("boot-0", 9), ("boot-6", 3), ("boot-9", 0)]
        {
            let mut spool = Spool::open(folder.path(), "file", last).unwrap();
            assert_eq!(spool.entries(), left, "{last}");
            if left > 0 {
                assert_eq!(ids(&spool.front().unwrap()), ids(&all[10 - left..]));
            }
        }
        let mut spool = Spool::open(folder.path(), "file", "boot-8").unwrap();
        spool.append(&entries(10..11)).unwrap();
        assert_eq!(ids(&spool.front().unwrap()), ["boot-9", "boot-10"]);
    }

    #[test]
    fn what_was_added_makes_room_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(folder.path(), "file", "").unwrap();
        let text = format!("{{\"id\":\"a\",\"text\":\"{}\"}}", "x".repeat(100_000));
        let entry = Written::alone(text, 1);
        let all = vec![entry; 100];
        spool.append(&all).unwrap();
        let size = || std::fs::metadata(folder.path().join("file.spool")).unwrap().len();
        let before = size();
        spool.advance(&all[..90]).unwrap();
        assert!(size() < before / 5, "{} of {before}", size());
        assert_eq!((spool.entries(), spool.front().unwrap().len()), (10, 10));
        let again = Spool::open(folder.path(), "file", "").unwrap();
        assert_eq!(again.entries(), 10);
    }
}
