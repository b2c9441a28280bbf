//! The data folder: whether it can be used, has room, and keeps the same time as we do.

use std::path::Path;
use std::time::{Duration, SystemTime};

use gantry_core::{Clock as _, ErrorCode, SystemClock};

use super::{Finding, Subject};

/// Less is soon full.
const LITTLE: u64 = 256 << 20;
/// Less is as good as full.
const FULL: u64 = 8 << 20;
/// A clock may be off by this much without anybody noticing.
const SKEW: Duration = Duration::from_secs(2);

/// It is there or can be made, and its secrets are its owner's alone.
pub(super) fn is_usable(subject: &Subject<'_>) -> Vec<Finding> {
    let folder = &subject.place.data_folder;
    let shown = folder.display();
    if !folder.exists() {
        return vec![Finding::note(format!("`{shown}` is not there yet; the gateway makes it"))];
    }
    if let Err(error) = written_file(folder) {
        return vec![
            Finding::bad(format!("cannot write to `{shown}`: {error}"))
                .with_hint("the gateway's user needs the folder for itself")
                .with_code(Some(ErrorCode::DataFolderUnusable)),
        ];
    }
    let exposed = exposed(folder);
    if exposed.is_empty() {
        return Finding::good(format!("`{shown}` can be used, and by its owner alone"));
    }
    exposed
}

/// Others must not read what is in it.
#[cfg(unix)]
fn exposed(folder: &Path) -> Vec<Finding> {
    use std::os::unix::fs::PermissionsExt as _;

    let wanted = [(folder.to_owned(), 0o700)].into_iter().chain(
        ["keys", "pepper", "admin.token", "gantry.db"].map(|name| (folder.join(name), 0o600)),
    );
    let mut found = Vec::new();
    for (path, wanted) in wanted {
        let Ok(metadata) = std::fs::metadata(&path) else { continue };
        let mode = metadata.permissions().mode() & 0o777;
        if mode & !wanted != 0 {
            let shown = path.display();
            found.push(
                Finding::bad(format!("others have rights on `{shown}` (mode {mode:04o})"))
                    .with_hint(format!("`chmod {wanted:o} {shown}`"))
                    .with_code(Some(ErrorCode::DataFolderUnusable)),
            );
        }
    }
    found
}

#[cfg(not(unix))]
fn exposed(_: &Path) -> Vec<Finding> {
    Vec::new()
}

/// The database can grow.
pub(super) fn has_room(subject: &Subject<'_>) -> Vec<Finding> {
    let existing = subject.place.data_folder.ancestors().find(|folder| folder.exists());
    let found = existing.and_then(|folder| Some((folder, room_at(folder)?)));
    found.map_or_else(Vec::new, |(folder, room)| judged(folder, room))
}

/// Says what so many free bytes mean.
fn judged(folder: &Path, room: u64) -> Vec<Finding> {
    let text = format!("{} MiB are free at `{}`", room >> 20, folder.display());
    match room {
        0..FULL => vec![
            Finding::bad(text)
                .with_hint("make room, or put the data elsewhere by `--data-dir`")
                .with_code(Some(ErrorCode::StorageFailed)),
        ],
        FULL..LITTLE => vec![
            Finding::warning(text)
                .with_hint("make room: sessions, keys and the audit trail are written there"),
        ],
        // The number says nothing then, and would differ from one look to the next.
        _ => Finding::good("there is room for the data"),
    }
}

#[cfg(unix)]
fn room_at(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    found.f_bavail.checked_mul(found.f_frsize)
}

#[cfg(not(unix))]
fn room_at(_: &Path) -> Option<u64> {
    None
}

/// A file that is written now is not from yesterday or tomorrow.
pub(super) fn clock_agrees(subject: &Subject<'_>) -> Vec<Finding> {
    let folder = &subject.place.data_folder;
    if !folder.exists() {
        return Vec::new();
    }
    // That it cannot be written was said already.
    let Ok(written) = written_file(folder) else { return Vec::new() };
    let now = SystemClock.now();
    let skew = now.duration_since(written).unwrap_or_else(|error| error.duration());
    if skew <= SKEW {
        return Finding::good("the clock agrees with that of the data folder");
    }
    vec![
        Finding::warning(format!(
            "the clock and that of the data folder differ by {} s",
            skew.as_secs()
        ))
        .with_hint("sessions and tokens have ages: let the machines keep the same time"),
    ]
}

/// Writes a file and takes it away; returns when the file system says that it was written.
fn written_file(folder: &Path) -> std::io::Result<SystemTime> {
    let path = folder.join(format!(".doctor.{}", std::process::id()));
    let written = std::fs::write(&path, "?").and_then(|()| std::fs::metadata(&path)?.modified());
    // What is left behind is one byte.
    let _ = std::fs::remove_file(&path);
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_is_full_is_bad_and_one_with_little_room_a_warning() {
        let said = |room: u64| format!("{:?}", judged(Path::new("/data"), room));
        let full = said(FULL - 1);
        assert!(full.contains("Bad") && full.contains("7 MiB are free at `/data`"), "{full}");
        assert!(full.contains("--data-dir") && full.contains("StorageFailed"), "{full}");
        let little = said(LITTLE - 1);
        assert!(little.contains("Warning") && little.contains("make room"), "{little}");
        let enough = said(LITTLE);
        assert!(enough.contains("there is room for the data"), "{enough}");
    }
}
