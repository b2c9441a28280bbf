//! Files that are followed by others, on a real file system and a clock that goes ahead.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gantry_core::Clock;
use parking_lot::Mutex;
use tempfile::TempDir;

use super::RollingFile;
use crate::config::Rotation;

const UNBOUNDED: Rotation =
    Rotation { max_size: 100, max_files: 1000, max_age: None, total_size: None };
const DAY: Duration = Duration::from_hours(24);

/// Goes ahead of the machine's clock, which the file system has its times from.
#[derive(Debug, Default)]
struct Ahead(Mutex<Duration>);

impl Clock for Ahead {
    fn now(&self) -> SystemTime {
        gantry_core::SystemClock.now() + *self.0.lock()
    }
}

struct Site {
    folder: TempDir,
    clock: Arc<Ahead>,
}

impl Site {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), clock: Arc::default() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("logs/of/gantry/all.log")
    }

    fn open(&self, rotation: Rotation) -> RollingFile {
        RollingFile::open(&self.path(), rotation, Arc::clone(&self.clock) as Arc<dyn Clock>)
            .unwrap()
    }

    fn pass(&self, time: Duration) {
        *self.clock.0.lock() += time;
    }

    /// The numbers of the old files, and everything that was written, the oldest first.
    fn read(&self) -> (Vec<u32>, String) {
        let mut old = super::old_files(&self.path()).unwrap();
        old.sort_by_key(|file| std::cmp::Reverse(file.number));
        let numbers = old.iter().map(|file| file.number).collect();
        let paths = old.iter().map(|file| file.path.clone()).chain([self.path()]);
        (numbers, paths.map(|path| std::fs::read_to_string(path).unwrap()).collect())
    }
}

fn line(number: usize) -> String {
    format!("{number:029}\n")
}

fn write(file: &mut RollingFile, lines: std::ops::Range<usize>) {
    for number in lines {
        file.write(line(number).as_bytes()).unwrap();
    }
    file.flush().unwrap();
}

fn lines(lines: std::ops::Range<usize>) -> String {
    lines.map(line).collect()
}

#[test]
fn a_full_file_is_followed_by_another_and_no_line_is_lost_or_torn() {
    let site = Site::new();
    write(&mut site.open(UNBOUNDED), 0..10);
    assert_eq!(site.read(), (vec![3, 2, 1], lines(0..10)));
    // After a restart it goes on where it was.
    write(&mut site.open(UNBOUNDED), 10..13);
    assert_eq!(site.read(), (vec![4, 3, 2, 1], lines(0..13)));
    let long = "x".repeat(500) + "\n";
    site.open(UNBOUNDED).write(long.as_bytes()).unwrap();
    assert!(site.read().1.ends_with(&long), "a line that is too long for any file is written");
}

#[test]
fn the_oldest_files_go_when_there_are_too_many_or_too_much() {
    let site = Site::new();
    write(&mut site.open(Rotation { max_files: 2, ..UNBOUNDED }), 0..30);
    assert_eq!(site.read(), (vec![2, 1], lines(21..30)));
    std::fs::write(site.path().with_file_name("all.log.old"), "not ours").unwrap();
    std::fs::write(site.path().with_file_name("all.log.07"), "not ours").unwrap();
    drop(site.open(Rotation { max_files: 1, ..UNBOUNDED }));
    assert_eq!(site.read().0, [1], "fewer are kept than before");
    write(&mut site.open(Rotation { total_size: Some(280), ..UNBOUNDED }), 30..60);
    assert_eq!(site.read(), (vec![2, 1], lines(51..60)));
    write(&mut site.open(Rotation { max_files: 0, ..UNBOUNDED }), 60..64);
    assert_eq!(site.read(), (vec![], lines(63..64)));
    for name in ["all.log.old", "all.log.07"] {
        assert!(site.path().with_file_name(name).exists(), "{name} is none of ours");
    }
}

#[test]
fn no_line_becomes_much_older_than_the_limit() {
    let site = Site::new();
    let mut file = site.open(Rotation { max_age: Some(3 * DAY), ..UNBOUNDED });
    write(&mut file, 0..1);
    site.pass(DAY / 2);
    file.look_at_ages().unwrap();
    assert!(site.read().0.is_empty());
    site.pass(DAY);
    write(&mut file, 1..2);
    assert_eq!(site.read(), (vec![1], lines(0..2)));
    site.pass(4 * DAY);
    file.look_at_ages().unwrap();
    assert_eq!(site.read().1, "", "a silent gateway forgets as well");
}

#[test]
fn a_file_that_was_moved_away_is_made_again() {
    let site = Site::new();
    let mut file = site.open(UNBOUNDED);
    write(&mut file, 0..1);
    let moved = site.path().with_file_name("moved");
    std::fs::rename(site.path(), &moved).unwrap();
    write(&mut file, 1..2);
    file.reopen().unwrap();
    write(&mut file, 2..3);
    assert_eq!(std::fs::read_to_string(moved).unwrap(), lines(0..2));
    assert_eq!(site.read().1, lines(2..3));
}

#[cfg(unix)]
#[test]
fn others_may_not_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let site = Site::new();
    write(&mut site.open(UNBOUNDED), 0..9);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    // The mask of the process may take more away, never less.
    assert_eq!(mode(&site.path()) & !0o640, 0);
    assert_eq!(mode(&super::numbered(&site.path(), 1)) & !0o640, 0);
    assert_eq!(mode(site.path().parent().unwrap()) & !0o750, 0);
}

#[test]
fn what_is_no_file_is_refused() {
    let site = Site::new();
    std::fs::create_dir_all(site.path()).unwrap();
    let clock = Arc::clone(&site.clock) as Arc<dyn Clock>;
    assert!(RollingFile::open(&site.path(), UNBOUNDED, clock).is_err());
}
