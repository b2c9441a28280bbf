//! The lock, the modes of the files, and secrets that are damaged or exposed.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use gantry_core::seal::SealError;

use super::{DataFolder, LockError, SecretError};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[expect(clippy::unnecessary_wraps, reason = "the real one can fail")]
fn token() -> Result<String, SealError> {
    Ok("fresh-token".to_owned())
}

fn never() -> Result<String, SealError> {
    panic!("a token is there already")
}

#[test]
fn the_folder_and_its_files_are_for_their_owner_alone() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a/gantry-data");
    let folder = DataFolder::open(&path).unwrap();
    folder.keys().unwrap();
    folder.admin_token(token).unwrap();
    assert_eq!(mode(&path), 0o700);
    for name in ["lock", "keys", "admin.token"] {
        assert_eq!(mode(&path.join(name)), 0o600, "{name}");
    }
    let names: Vec<_> =
        fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "nothing is left beside: {names:?}");
}

#[test]
fn a_second_process_is_told_who_holds_the_folder() {
    let root = tempfile::tempdir().unwrap();
    let first = DataFolder::open(root.path()).unwrap();
    let Err(LockError::Held { path, holder }) = DataFolder::open(root.path()) else {
        panic!("the folder is held");
    };
    assert_eq!(path, first.path());
    assert_eq!(holder, Some(std::process::id()));
    drop(first);
    DataFolder::open(root.path()).unwrap();
}

#[test]
fn a_child_that_lives_on_does_not_keep_the_lock() {
    let root = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(root.path()).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the test is about what a child inherits")]
    let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    drop(folder);
    let again = DataFolder::open(root.path());
    child.kill().unwrap();
    child.wait().unwrap();
    again.unwrap();
}

#[test]
fn the_lock_file_of_a_dead_process_is_taken_over() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("lock"), "4294967295 and more rubbish").unwrap();
    let _held = DataFolder::open(root.path()).unwrap();
    let pid = fs::read_to_string(root.path().join("lock")).unwrap();
    assert_eq!(pid, format!("{}\n", std::process::id()));
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [file.join("below"), file] {
        let error = DataFolder::open(&path).unwrap_err();
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}

#[test]
fn the_path_is_absolute_whatever_was_given() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("real")).unwrap();
    symlink(root.path().join("real"), root.path().join("link")).unwrap();
    let folder = DataFolder::open(&root.path().join("link")).unwrap();
    assert_eq!(folder.path(), fs::canonicalize(root.path().join("real")).unwrap());
    assert_eq!(folder.database(), folder.path().join("gantry.db"));
}

#[test]
fn secrets_are_made_once() {
    let root = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(root.path()).unwrap();
    assert_eq!(DataFolder::read_admin_token(root.path()).unwrap(), None);
    let keys = folder.keys().unwrap();
    assert_eq!(keys.len(), 32);
    assert_eq!(folder.keys().unwrap(), keys);
    assert_eq!(folder.admin_token(token).unwrap(), "fresh-token");
    assert_eq!(folder.admin_token(never).unwrap(), "fresh-token");
    assert_eq!(DataFolder::read_admin_token(root.path()).unwrap().as_deref(), Some("fresh-token"));
}

#[test]
fn a_secret_that_others_can_read_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(root.path()).unwrap();
    folder.keys().unwrap();
    folder.admin_token(token).unwrap();
    for bits in [0o640, 0o604, 0o620, 0o601] {
        for name in ["keys", "admin.token"] {
            fs::set_permissions(root.path().join(name), Permissions::from_mode(bits)).unwrap();
        }
        let exposed = |error: &SecretError| matches!(error, SecretError::Exposed { mode, .. } if *mode == bits);
        assert!(exposed(&folder.keys().unwrap_err()));
        assert!(exposed(&folder.admin_token(never).unwrap_err()));
        assert!(exposed(&DataFolder::read_admin_token(root.path()).unwrap_err()));
    }
}

#[test]
fn a_damaged_secret_is_refused_and_not_replaced() {
    let root = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(root.path()).unwrap();
    folder.keys().unwrap();
    let keys = root.path().join("keys");
    let short = "00".repeat(31);
    let long = "0".repeat(5000);
    for text in
        ["", "\n", "xyz", &short, "0".repeat(63).as_str(), "a\nb\n", &long, "é".repeat(32).as_str()]
    {
        fs::write(&keys, text).unwrap();
        let error = folder.keys().unwrap_err();
        assert!(matches!(error, SecretError::Damaged { .. }), "{text}: {error}");
        assert_eq!(fs::read_to_string(&keys).unwrap(), text);
    }
    fs::write(&keys, b"\xff\xfe").unwrap();
    assert!(matches!(folder.keys().unwrap_err(), SecretError::Damaged { .. }));
}

#[test]
fn what_a_crash_left_beside_is_no_hindrance() {
    let root = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(root.path()).unwrap();
    fs::write(root.path().join("keys.new"), "half").unwrap();
    assert_eq!(folder.keys().unwrap().len(), 32);
    assert!(!root.path().join("keys.new").exists());
}
