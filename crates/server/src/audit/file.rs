//! The trail in a file that is begun anew when it becomes too large. The chain goes on over all files.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use gantry_core::{BoxFuture, Clock};
use gantry_policy::audit::{Head, is_without_seal};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::AuditError;
use super::sink::{Appended, Sealed, Sink};
use crate::config::Rotation;
use crate::log::RollingFile;

pub(super) const NAME: &str = "file";

/// The longest line that is looked for at the end of a file: arguments are bounded.
const LONGEST_LINE: u64 = 2 << 20;

/// The file.
#[derive(Debug)]
pub(super) struct AuditFile {
    path: PathBuf,
    file: Arc<Mutex<RollingFile>>,
    /// Whether lines are on the disk before they count as added; else that follows at once.
    each: bool,
    reopen: Reopen,
    /// How often what was written is still to be brought to the disk.
    unsynced: Arc<AtomicUsize>,
}

/// Asks for the file to be opened again.
#[derive(Debug, Clone, Default)]
pub(super) struct Reopen(Arc<AtomicBool>);

impl Reopen {
    pub(super) fn ask(&self) {
        self.0.store(true, Ordering::Release);
    }
}

impl AuditFile {
    pub(super) fn open(
        path: &Path,
        rotation: Rotation,
        clock: Arc<dyn Clock>,
        each: bool,
    ) -> Result<Self, AuditError> {
        let failed = |source| AuditError::File { path: path.to_owned(), source };
        cut_broken_off(path).map_err(failed)?;
        let file = RollingFile::open(path, rotation, clock).map_err(failed)?;
        Ok(Self::over(path, file, each))
    }

    fn over(path: &Path, file: RollingFile, each: bool) -> Self {
        let file = Arc::new(Mutex::new(file));
        Self {
            path: path.to_owned(),
            file,
            each,
            reopen: Reopen::default(),
            unsynced: Arc::default(),
        }
    }

    pub(super) fn reopening(&self) -> Reopen {
        self.reopen.clone()
    }
}

impl Sink for AuditFile {
    fn last(&mut self) -> BoxFuture<'_, Result<Option<Head>, AuditError>> {
        let path = self.path.clone();
        Box::pin(async move {
            let mut before = path.as_os_str().to_owned();
            before.push(".1");
            for candidate in [path.clone(), PathBuf::from(before)] {
                let failed = |source| AuditError::File { path: candidate.clone(), source };
                if let Some(line) = last_line(&candidate).map_err(failed)? {
                    let head = Head::of_line(&line);
                    return head.map(Some).ok_or(AuditError::Foreign { path: candidate });
                }
            }
            Ok(None)
        })
    }

    fn append(&mut self, sealed: Arc<Sealed>) -> BoxFuture<'_, Appended> {
        Box::pin(async move {
            let (file, each, reopen) = (Arc::clone(&self.file), self.each, self.reopen.clone());
            let (path, unsynced) = (self.path.clone(), Arc::clone(&self.unsynced));
            let (tell, told) = oneshot::channel();
            tokio::task::spawn_blocking(move || {
                let appended = add(&file, &sealed, each, &reopen);
                let is_unsynced = !each && appended.n > 0;
                // Nobody waits for more than that; who waited may have gone.
                let _ = tell.send(appended);
                if is_unsynced {
                    sync(&path, &file, &unsynced);
                }
            });
            told.await.unwrap_or_else(|_| Appended {
                n: 0,
                is_durable: false,
                failure: Some("writing was broken off; the log says why".to_owned()),
            })
        })
    }
}

/// Brings what was written to the disk. One thread does so at a time, and goes on while others ask.
fn sync(path: &Path, file: &Mutex<RollingFile>, unsynced: &AtomicUsize) {
    let mut asked = unsynced.fetch_add(1, Ordering::AcqRel) + 1;
    if asked > 1 {
        return;
    }
    while asked > 0 {
        // Not under the lock: entries are added meanwhile.
        let handle = file.lock().handle();
        if let Err(error) = handle.and_then(|handle| handle.sync_data()) {
            gantry_core::log::error!(
                path = %path.display(), %error,
                "The audit trail was written and may not be on the disk."
            );
        }
        asked = unsynced.fetch_sub(asked, Ordering::AcqRel) - asked;
    }
}

fn add(file: &Mutex<RollingFile>, sealed: &Sealed, each: bool, reopen: &Reopen) -> Appended {
    let mut file = file.lock();
    if reopen.0.swap(false, Ordering::AcqRel)
        && let Err(error) = file.reopen()
    {
        reopen.ask();
        return Appended { n: 0, is_durable: false, failure: Some(error.to_string()) };
    }
    let (n, written) = match file.append(sealed.lines(), sealed.pieces()) {
        Ok(()) => (sealed.entries.len(), Ok(())),
        Err((n, error)) => (sealed.entries_of(n), Err(error)),
    };
    // Whether lines that are written are on the disk cannot be found out later, so they count as added.
    let synced = if each && n > 0 { file.sync() } else { Ok(()) };
    let is_durable = synced.is_ok();
    let failure = written.err().or(synced.err()).map(|error| error.to_string());
    Appended { n, is_durable, failure }
}

/// Reads the last line of a file; `None` if the file is empty or not there.
fn last_line(path: &Path) -> io::Result<Option<String>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let tail = tail(&mut file)?;
    let tail = tail.strip_suffix(b"\n").unwrap_or(&tail);
    if tail.is_empty() {
        return Ok(None);
    }
    let line = tail.rsplit(|byte| *byte == b'\n').next().unwrap_or(tail);
    Ok(Some(String::from_utf8_lossy(line).into_owned()))
}

/// Takes away what a process that was killed left of its last lines, whose seal is missing: nobody was told that
/// they were there.
fn cut_broken_off(path: &Path) -> io::Result<()> {
    let mut file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Ok(());
    }
    let bytes = broken_off(&tail(&mut file)?);
    if bytes > 0 {
        let length = file.metadata()?.len();
        gantry_core::log::warn!(path = %path.display(), bytes, "The last entries of the audit trail were not written to their end and are taken away.");
        file.set_len(length - bytes as u64)?;
    }
    Ok(())
}

/// Returns how many bytes stand behind the last seal; zero if that may be no trail.
fn broken_off(tail: &[u8]) -> usize {
    let mut bytes = 0;
    let mut is_ours = tail.starts_with(b"{\"seq\":");
    for line in tail.split_inclusive(|byte| *byte == b'\n').rev() {
        if let Some(whole) = line.strip_suffix(b"\n") {
            let Ok(whole) = std::str::from_utf8(whole) else { break };
            if !is_without_seal(whole) {
                is_ours |= Head::of_line(whole).is_some();
                break;
            }
        }
        bytes += line.len();
    }
    if is_ours { bytes } else { 0 }
}

fn tail(file: &mut File) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LONGEST_LINE)))?;
    let mut tail = Vec::new();
    file.take(LONGEST_LINE).read_to_end(&mut tail)?;
    Ok(tail)
}

#[cfg(test)]
mod tests {
    use gantry_core::SystemClock;
    use gantry_policy::audit::{Chain, Verifier};

    use super::super::backlog::Written;
    use super::super::files::with_older;
    use super::*;

    const ROTATION: Rotation =
        Rotation { max_size: 1500, max_files: 100, max_age: None, total_size: None };

    /// Entries that go on after those of a chain.
    async fn sealed(chain: &mut Chain, n: usize) -> Arc<Sealed> {
        let entries = (0..n as u64).map(|number| {
            let id = chain.head().seq + number;
            let text = format!("{{\"id\":\"t-{id}\",\"text\":\"{}\"}}", "x".repeat(100));
            Written::alone(text, 1)
        });
        let sealed = Sealed::of(entries.collect(), chain.clone()).await;
        *chain = sealed.head_after(n).map_or_else(Chain::default, Chain::after);
        Arc::new(sealed)
    }

    fn open(path: &Path) -> AuditFile {
        AuditFile::open(path, ROTATION, Arc::new(SystemClock), true).unwrap()
    }

    /// Reads all files of a trail and checks the chain; returns the last place.
    fn whole(path: &Path) -> u64 {
        let mut verifier = Verifier::default();
        for file in with_older(path) {
            for line in std::fs::read_to_string(file).unwrap().lines() {
                verifier.line(line.as_bytes()).unwrap();
            }
        }
        verifier.finish().unwrap().map_or(0, |(_, last)| last.seq)
    }

    #[tokio::test]
    async fn the_chain_goes_on_over_files_and_restarts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/trail.log");
        let mut chain = Chain::default();
        for round in 1..=5 {
            let mut file = open(&path);
            let last = file.last().await.unwrap().unwrap_or_default();
            assert_eq!(last, chain.head().clone(), "round {round}");
            // The second one is more than is sealed together, and than has room in a file.
            for n in [3, 70] {
                let appended = file.append(sealed(&mut chain, n).await).await;
                assert_eq!((appended.n, appended.failure), (n, None));
            }
        }
        assert_eq!(whole(&path), 5 * 73);
        assert!(with_older(&path).len() > 5, "several files were begun");
    }

    #[tokio::test]
    async fn what_a_killed_process_left_of_a_line_is_taken_away() {
        use std::io::Write as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trail.log");
        let mut chain = Chain::default();
        let whole_lines = "{\"seq\":4,\"id\":\"t-3\"}\n{\"seq\":5,\"id\":\"t-4\"}\n";
        for left in ["{\"seq\":4,\"prev\":\"ab", whole_lines, &format!("{whole_lines}{{\"seq\"")] {
            open(&path).append(sealed(&mut chain, 3).await).await;
            let before = std::fs::read_to_string(&path).unwrap();
            let mut torn = OpenOptions::new().append(true).open(&path).unwrap();
            torn.write_all(left.as_bytes()).unwrap();
            let mut file = open(&path);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), before);
            assert_eq!(file.last().await.unwrap(), Some(chain.head().clone()));
        }
        assert_eq!(whole(&path), 9);
        // Nothing but what was left.
        let path = folder.path().join("another.log");
        std::fs::write(&path, whole_lines).unwrap();
        assert_eq!(open(&path).last().await.unwrap(), None);
    }

    #[tokio::test]
    async fn another_programs_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        let behind = "something else\n{\"seq\":4,\"id\":\"t-3\"}\n";
        for content in ["something else", "something else\n", "{\"a\":1}\n", behind] {
            std::fs::write(&path, content).unwrap();
            let refused = open(&path).last().await;
            assert!(matches!(refused, Err(AuditError::Foreign { .. })), "{content}: {refused:?}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_full_disk_takes_nothing_and_says_so() {
        let device = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut file = AuditFile::over(Path::new("/dev/full"), RollingFile::over(device), false);
        let appended = file.append(sealed(&mut Chain::default(), 3).await).await;
        assert_eq!(appended.n, 0);
        assert!(appended.failure.is_some_and(|why| why.contains("No space left")));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_file_that_was_moved_away_is_begun_anew_when_it_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let (path, moved) = (folder.path().join("trail.log"), folder.path().join("moved.log"));
        let mut chain = Chain::default();
        let mut file = open(&path);
        file.append(sealed(&mut chain, 2).await).await;
        std::fs::rename(&path, &moved).unwrap();
        file.reopening().ask();
        file.append(sealed(&mut chain, 2).await).await;
        let text = [moved, path].map(|file| std::fs::read_to_string(file).unwrap()).concat();
        let mut verifier = Verifier::default();
        assert!(text.lines().all(|line| verifier.line(line.as_bytes()).is_ok()));
        assert_eq!(text.lines().count(), 4);
    }
}
