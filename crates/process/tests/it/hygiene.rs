//! What a child sees of the process that started it: nothing.

use std::fs;

use bytes::Bytes;
use gantry_process::{Child, Exit, raise_open_files};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{command, launcher, limits, mark, parent, start};

/// Starts `cat` and waits until it answers: before, the loader opens and closes files of its own.
async fn start_cat() -> Child {
    let mut child = launcher(&mark()).start(&command("cat", &[]), &limits()).await.unwrap();
    child.stdin.send(Bytes::from_static(b"ready")).await.unwrap();
    assert_eq!(child.stdout.next().await.unwrap().unwrap(), "ready");
    child
}

fn descriptors(pid: u32) -> Vec<u32> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let mut descriptors: Vec<u32> = entries
        .map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap())
        .collect();
    descriptors.sort_unstable();
    descriptors
}

fn status(pid: u32, field: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(":\t").map(str::to_owned))
        .unwrap()
}

#[tokio::test]
async fn a_child_has_its_three_pipes_and_no_other_descriptor() {
    // As if the gateway had inherited it: without close-on-exec.
    let leaked = rustix::fs::open("/dev/zero", OFlags::RDONLY, Mode::empty()).unwrap();
    let (child, other) = (start_cat().await, start_cat().await);
    for pid in [child.pid(), other.pid()] {
        assert_eq!(descriptors(pid), [0, 1, 2]);
        for descriptor in 0..3 {
            let target = fs::read_link(format!("/proc/{pid}/fd/{descriptor}")).unwrap();
            assert!(target.to_str().unwrap().starts_with("pipe:"), "{target:?}");
        }
    }
    drop(leaked);
}

#[tokio::test]
async fn a_child_keeps_the_limit_of_open_files_that_the_gateway_was_started_with() {
    let before = getrlimit(Resource::Nofile);
    let low = Rlimit { current: Some(200), maximum: before.maximum };
    setrlimit(Resource::Nofile, low).unwrap();
    assert_eq!(raise_open_files(), before.maximum);
    assert_eq!(getrlimit(Resource::Nofile).current, before.maximum);
    assert_eq!(raise_open_files(), None, "it is raised already");
    let ask = command("sh", &["-c", "ulimit -Sn; ulimit -Hn"]);
    let mut child = launcher(&mark()).start(&ask, &limits()).await.unwrap();
    assert_eq!(child.stdout.next().await.unwrap().unwrap(), "200");
    let hard = child.stdout.next().await.unwrap().unwrap();
    assert_eq!(hard, before.maximum.unwrap().to_string());
}

#[tokio::test]
async fn the_shim_holds_no_pipe_of_its_child() {
    let child = start_cat().await;
    let shim = parent(child.pid());
    let pipes = |pid: u32| -> Vec<_> {
        let links = descriptors(pid)
            .into_iter()
            .map(|fd| fs::read_link(format!("/proc/{pid}/fd/{fd}")).unwrap());
        links.filter(|link| link.to_str().unwrap().starts_with("pipe:")).collect()
    };
    assert_eq!(pipes(child.pid()).len(), 3);
    let shared: Vec<_> =
        pipes(shim).into_iter().filter(|pipe| pipes(child.pid()).contains(pipe)).collect();
    assert_eq!(shared, Vec::<std::path::PathBuf>::new());
    assert_eq!(fs::read_link(format!("/proc/{shim}/cwd")).unwrap(), std::path::Path::new("/"));
    assert_eq!(status(shim, "Threads"), "1");
}

#[tokio::test]
async fn a_child_closes_its_stdout_and_the_gateway_sees_it_at_once() {
    let mut child = start("exec >&-; read -r line; exit 5").await;
    assert!(child.stdout.next().await.unwrap().is_none());
    assert_eq!(child.process.watch().now(), None);
    drop(child.stdin);
    assert_eq!(child.process.wait().await, Exit::Code(5));
}

#[tokio::test]
async fn a_child_starts_with_default_signals_in_a_group_and_session_apart_from_ours() {
    let child = start_cat().await;
    assert_eq!(status(child.pid(), "SigBlk"), "0000000000000000");
    // Signals 32 and 33 belong to the C library, which ignores them in what it spawns, and lets nobody change that.
    let ignored = u64::from_str_radix(&status(child.pid(), "SigIgn"), 16).unwrap();
    assert_eq!(ignored & !(0b11 << 31), 0);
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.pid())).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    let (group, session, terminal) = (fields[2], fields[3], fields[4]);
    assert_eq!(group, child.pid().to_string());
    assert_eq!(session, parent(child.pid()).to_string());
    assert_eq!(terminal, "0");
}
