//! Programs of the system that a test runs: where they are, the ports and certificates they need,
//! and the files of `deploy` with a test's own addresses in them.

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::support::process::{self, Finished};

/// How long a checking program may take.
const CHECK: std::time::Duration = std::time::Duration::from_secs(30);

/// A program that `cargo xtask setup` installs; servers are often in folders beside the `PATH`.
#[track_caller]
pub(super) fn find(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path);
    let system = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    let found = folders.chain(system).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!("`{name}` is not installed\nhint: `cargo xtask setup` installs what the tests need")
    })
}

/// A port that is free now, for programs that cannot choose one themselves.
pub(super) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback has free ports");
    listener.local_addr().expect("a bound socket has an address")
}

/// A folder for what a program is given.
pub(super) fn folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("gantry-").tempdir();
    folder.expect("a temporary folder can be made")
}

/// Writes a file into a folder and returns its path.
pub(super) fn write(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("a file can be written in one's own folder");
    path
}

/// A file of `deploy`, from the root of the repository.
pub(super) fn shipped(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    root.expect("the crate lies two folders below the root").join("deploy").join(path)
}

/// A shipped file with other words in it.
///
/// # Panics
///
/// If a word to be replaced is not there: the test would then try something else than it says.
#[track_caller]
pub(super) fn adapted(path: &str, words: &[(&str, &str)]) -> String {
    let mut text = std::fs::read_to_string(shipped(path)).expect("a shipped file can be read");
    for (from, to) in words {
        assert!(text.contains(from), "`deploy/{path}` has no `{from}` to be replaced");
        text = text.replace(from, to);
    }
    text
}

/// A certificate for the name in the shipped files, and its key.
pub(super) fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["gantry.example.com".to_owned()]);
    let made = made.expect("a name makes a certificate");
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// Runs a program that checks something, to its end.
pub(super) async fn check(name: &str, arguments: &[&str]) -> Finished {
    let mut command = process::command(find(name));
    command.args(arguments);
    process::run(command, CHECK).await.unwrap_or_else(|reason| panic!("{reason}"))
}
