//! Commands with a mark, and a look at what runs.

use std::{
    ffi::OsString,
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use gantry_process::{Child, CommandSpec, Launcher, Limits};

/// The shim to start children with.
pub(crate) const SHIM: &str = env!("CARGO_BIN_EXE_gantry-shim");

/// Leaves processes in the background in every manner: plain, in a session of its own, forked twice into one, and
/// there deaf to SIGTERM with children as deaf. [`MESS_SIZE`] of them, with the shell itself.
pub(crate) const MESS: &str = r#"
    sleep 60 &
    setsid sleep 60 &
    (setsid sh -c 'trap "" TERM; sleep 60 & (setsid sleep 60 &); while :; do sleep 60; done' &)
    while read -r line; do echo "$line"; done
    exec sleep 60
"#;
pub(crate) const MESS_SIZE: usize = 7;

/// How long anything may take before a test gives up; never waited for in full.
const PATIENCE: Duration = Duration::from_secs(20);

/// The name is inherited by children, since it begins with `LC_`.
pub(crate) const MARK: &str = "LC_MARK";

/// A mark that no other test has.
pub(crate) fn mark() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn launcher(mark: &str) -> Launcher {
    let path = std::env::vars_os().filter(|(name, _)| name == "PATH");
    Launcher::with_shim(SHIM, path.chain([(MARK.into(), mark.into())]))
}

pub(crate) fn limits() -> Limits {
    Limits { stop_grace: Duration::from_millis(300), ..Limits::default() }
}

pub(crate) fn command(program: &str, args: &[&str]) -> CommandSpec {
    let args = args.iter().map(OsString::from).collect();
    CommandSpec { program: program.into(), args, ..CommandSpec::default() }
}

pub(crate) fn shell(script: &str) -> CommandSpec {
    command("sh", &["-c", script])
}

/// Starts a script with default limits and no special mark.
pub(crate) async fn start(script: &str) -> Child {
    launcher(&mark()).start(&shell(script), &limits()).await.unwrap()
}

/// An empty folder for one test.
pub(crate) fn folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(mark());
    fs::create_dir_all(&folder).unwrap();
    folder.canonicalize().unwrap()
}

/// The processes that carry `mark`. Zombies have no environment and are not found.
pub(crate) fn marked(mark: &str) -> Vec<u32> {
    let entry = format!("{MARK}={mark}");
    let pids = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == entry.as_bytes())
    })
    .collect()
}

pub(crate) async fn wait_for_marked(mark: &str, count: usize) {
    eventually(
        || marked(mark).len() == count,
        || format!("{count} processes, not {:?}", marked(mark)),
    )
    .await;
}

/// Waits until no process has `argument` among its arguments. Zombies have none.
pub(crate) async fn wait_until_unnamed(argument: &str) {
    let has_it = |entry: fs::DirEntry| {
        let arguments = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        arguments.split(|byte| *byte == 0).any(|other| other == argument.as_bytes())
    };
    let found = || fs::read_dir("/proc").unwrap().flatten().any(has_it);
    eventually(|| !found(), || format!("the end of all processes with `{argument}`")).await;
}

/// The parent of `pid`: of a child, its shim.
pub(crate) fn parent(pid: u32) -> u32 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok()).unwrap()
}

/// Waits until `pid` is no more, not even as a zombie.
pub(crate) async fn wait_until_gone(pid: u32) {
    let path = PathBuf::from(format!("/proc/{pid}"));
    eventually(|| !path.exists(), || fs::read_to_string(path.join("stat")).unwrap_or_default())
        .await;
}

/// Looks again and again: the kernel tells nobody of the end of a stranger's child.
async fn eventually(is_so: impl Fn() -> bool, what: impl Fn() -> String) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "still waiting for {}", what());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
