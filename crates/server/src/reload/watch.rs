//! Tells when a file has changed, by looking at it: whatever changes it (an editor that renames, a
//! symbolic link that is swapped two folders above, a network file system), the next look sees it.
//!
//! A look is one `stat`. The content is read only when that differs, or when the file was changed
//! so recently that a second change would not show.

use std::fs::Metadata;
use std::hash::{DefaultHasher, Hasher as _};
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

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It is there, with another content than before.
    Content,
    /// It was there and is not any more.
    Gone,
}

/// Looks at one file.
#[derive(Debug)]
pub(super) struct Watch {
    file: PathBuf,
    seen: Look,
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
    /// Begins with the file as it is now.
    pub(super) fn new(file: PathBuf) -> Self {
        let seen = look(&file, None);
        Self { file, seen }
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
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

    /// Looks whether the file is another one than at the last look, and waits until it is at rest.
    pub(super) async fn look_again(&mut self) -> Option<Change> {
        let mut now = look(&self.file, Some(&self.seen));
        if now.same_content(&self.seen) {
            self.seen = now;
            return None;
        }
        for _ in 0..PATIENCE {
            tokio::time::sleep(SETTLE).await;
            let next = look(&self.file, Some(&now));
            let has_settled = next.same_content(&now);
            now = next;
            if has_settled {
                break;
            }
        }
        let before = std::mem::replace(&mut self.seen, now);
        if self.seen.same_content(&before) {
            return None;
        }
        Some(if self.seen == Look::Absent { Change::Gone } else { Change::Content })
    }
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
    match digest(file) {
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
