//! Tells when files have changed, by looking at them: whatever changes one (an editor that renames,
//! a symbolic link that is swapped two folders above, a network file system), the next look sees it.
//!
//! A look is one `stat`. The content is read only when that differs, or when the file was changed
//! so recently that a second change would not show. The content of a folder is its names.

use std::fs::Metadata;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::time::MissedTickBehavior;

/// How often the file is looked at.
pub(super) const INTERVAL: Duration = Duration::from_millis(500);
/// A change is believed once the file has been the same for this long: whoever writes it in place
/// has it empty for a moment.
const SETTLE: Duration = Duration::from_millis(100);
/// Looks at a file that does not come to rest, before it is taken as it is.
const PATIENCE: usize = 50;
/// Two changes within this time may bear the same time stamp.
const STAMP: Duration = Duration::from_secs(2);
/// More than a configuration may have.
const MOST_BYTES: u64 = 16 << 20;
/// More than a folder of files with servers may have.
const MOST_NAMES: usize = 4096;

/// What happened to the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// One has another content than before; one that is not the main one may have come or gone.
    Content,
    /// The main one was there and is not any more.
    Gone,
}

/// Looks at a main file and at others.
#[derive(Debug)]
pub(super) struct Watch {
    main: PathBuf,
    seen: Vec<(PathBuf, Look)>,
}

/// What a look has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Look {
    Absent,
    /// There, and not to be read.
    Unreadable,
    Present {
        stamp: Stamp,
        digest: u64,
    },
}

/// What `stat` tells of a file, as far as it changes with the content.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    identity: (u64, u64),
}

impl Watch {
    /// Begins with the file as it is now, and no others.
    pub(super) fn new(main: PathBuf) -> Self {
        let seen = look(&main, None);
        Self { seen: vec![(main.clone(), seen)], main }
    }

    /// Looks at these besides the main file from now on.
    pub(super) fn follow(&mut self, others: &[PathBuf]) {
        self.seen.retain(|(file, _)| *file == self.main || others.contains(file));
        for file in others {
            if !self.seen.iter().any(|(seen, _)| seen == file) {
                self.seen.push((file.clone(), look(file, None)));
            }
        }
    }

    pub(super) fn file(&self) -> &Path {
        &self.main
    }

    /// Waits for the next change.
    pub(super) async fn changed(&mut self) -> Change {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Some(change) = self.look_again().await {
                return change;
            }
        }
    }

    /// Looks whether the files are others than at the last look, and waits until they are at rest.
    pub(super) async fn look_again(&mut self) -> Option<Change> {
        let mut now = self.look();
        if same_content(&now, &self.seen) {
            self.seen = now;
            return None;
        }
        for _ in 0..PATIENCE {
            tokio::time::sleep(SETTLE).await;
            let next = self.look();
            let has_settled = same_content(&next, &now);
            now = next;
            if has_settled {
                break;
            }
        }
        let before = std::mem::replace(&mut self.seen, now);
        if same_content(&self.seen, &before) {
            return None;
        }
        // The main file is the first.
        let is_gone = |files: &[(PathBuf, Look)]| files[0].1 == Look::Absent;
        let has_gone = is_gone(&self.seen) && !is_gone(&before);
        Some(if has_gone { Change::Gone } else { Change::Content })
    }

    fn look(&self) -> Vec<(PathBuf, Look)> {
        let again = |(file, seen): &(PathBuf, Look)| (file.clone(), look(file, Some(seen)));
        self.seen.iter().map(again).collect()
    }
}

/// Tells whether all files are as they were; both name the same files.
fn same_content(files: &[(PathBuf, Look)], others: &[(PathBuf, Look)]) -> bool {
    files.iter().zip(others).all(|((_, look), (_, other))| look.same_content(other))
}

impl Look {
    fn same_content(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Present { digest: own, .. }, Self::Present { digest, .. }) => own == digest,
            _ => self == other,
        }
    }
}

/// Looks at a file; what was `seen` of it before spares reading it.
fn look(file: &Path, seen: Option<&Look>) -> Look {
    let metadata = match std::fs::metadata(file) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Look::Absent,
        Err(_) => return Look::Unreadable,
    };
    let stamp = stamp(&metadata);
    if let Some(Look::Present { stamp: before, digest }) = seen
        && *before == stamp
        && !is_recent(&stamp)
    {
        return Look::Present { stamp, digest: *digest };
    }
    let digest = if metadata.is_dir() { digest_of_names(file) } else { digest(file) };
    match digest {
        Ok(digest) => Look::Present { stamp, digest },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Look::Absent,
        Err(_) => Look::Unreadable,
    }
}

fn digest(file: &Path) -> std::io::Result<u64> {
    let mut bytes = Vec::new();
    std::fs::File::open(file)?.take(MOST_BYTES).read_to_end(&mut bytes)?;
    // Against accidents, not against forgery: who may write the file may write it properly.
    let mut hasher = DefaultHasher::new();
    hasher.write(&bytes);
    Ok(hasher.finish())
}

fn digest_of_names(folder: &Path) -> std::io::Result<u64> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)?.take(MOST_NAMES) {
        names.push(entry?.file_name());
    }
    names.sort();
    let mut hasher = DefaultHasher::new();
    names.hash(&mut hasher);
    Ok(hasher.finish())
}

fn stamp(metadata: &Metadata) -> Stamp {
    #[cfg(unix)]
    let identity = {
        use std::os::unix::fs::MetadataExt as _;
        (metadata.dev(), metadata.ino())
    };
    #[cfg(not(unix))]
    let identity = (0, 0);
    Stamp { length: metadata.len(), modified: metadata.modified().ok(), identity }
}

/// The file system's clock against itself: only the distance to now matters.
fn is_recent(stamp: &Stamp) -> bool {
    let age = stamp.modified.and_then(|modified| modified.elapsed().ok());
    age.is_none_or(|age| age < STAMP)
}

#[cfg(test)]
mod tests;
