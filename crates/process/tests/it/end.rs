//! Nothing is left: after a stop, a drop, the child's own end, the shim's, and the gateway's by SIGKILL.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use gantry_process::{Child, Exit};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::support::{
    MARK, MESS, MESS_SIZE, SHIM, launcher, limits, mark, marked, parent, shell, start,
    wait_for_marked, wait_until_gone,
};

/// Starts the mess and waits until all of it is there.
async fn start_mess(mark: &str) -> Child {
    let child = launcher(mark).start(&shell(MESS), &limits()).await.unwrap();
    wait_for_marked(mark, MESS_SIZE).await;
    child
}

fn kill(pid: u32) {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL).unwrap();
}

#[tokio::test]
async fn a_child_that_obeys_is_stopped_without_a_signal() {
    let mut child = start("while read -r line; do :; done; exit 7").await;
    let started = Instant::now();
    assert_eq!(child.stop().await, Exit::Code(7));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_child_that_does_not_read_gets_sigterm() {
    let mut child = start("exec sleep 60").await;
    assert_eq!(child.stop().await, Exit::Signal(15));
}

#[tokio::test]
async fn a_child_that_ignores_sigterm_gets_sigkill() {
    let mut child = start("trap '' TERM; echo deaf; while :; do sleep 60; done").await;
    assert_eq!(child.stdout.next().await.unwrap().unwrap(), "deaf");
    assert_eq!(child.stop().await, Exit::Signal(9));
}

#[tokio::test]
async fn a_stopped_child_is_ended_within_the_grace_period() {
    let mut child = start("kill -STOP $$").await;
    assert_eq!(child.process.end().await, Exit::Signal(15));
}

#[tokio::test]
async fn a_stop_ends_every_descendant_and_the_shim() {
    let mark = mark();
    let mut child = start_mess(&mark).await;
    let shim = parent(child.pid());
    assert_eq!(child.stop().await, Exit::Signal(15));
    assert_eq!(marked(&mark), []);
    assert!(!std::path::Path::new(&format!("/proc/{shim}")).exists());
}

#[tokio::test]
async fn a_drop_ends_every_descendant_and_the_shim() {
    let mark = mark();
    let child = start_mess(&mark).await;
    let (pid, shim) = (child.pid(), parent(child.pid()));
    let watch = child.process.watch();
    drop(child);
    wait_for_marked(&mark, 0).await;
    wait_until_gone(pid).await;
    wait_until_gone(shim).await;
    assert_eq!(watch.wait().await, Exit::Lost);
}

#[tokio::test]
async fn the_end_of_the_child_ends_what_it_left_behind() {
    let mark = mark();
    let child = start_mess(&mark).await;
    kill(child.pid());
    assert_eq!(child.process.wait().await, Exit::Signal(9));
    child.process.watch().all_ended().await;
    assert_eq!(marked(&mark), []);
}

#[tokio::test]
async fn the_end_of_the_gateway_by_sigkill_ends_everything() {
    let mark = mark();
    let mut gateway = tokio::process::Command::new(SHIM)
        .args(["hold", "sh", "-c", MESS])
        .env(MARK, &mark)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(gateway.stdout.take().unwrap()).lines();
    assert_eq!(output.next_line().await.unwrap().unwrap(), "started");
    wait_for_marked(&mark, MESS_SIZE + 1).await;
    let gateway_pid = gateway.id().unwrap();
    let shim =
        marked(&mark).into_iter().map(parent).find(|pid| parent(*pid) == gateway_pid).unwrap();

    gateway.kill().await.unwrap();
    wait_for_marked(&mark, 0).await;
    wait_until_gone(shim).await;
}

#[tokio::test]
async fn the_end_of_the_shim_by_sigterm_ends_everything() {
    let mark = mark();
    let child = start_mess(&mark).await;
    kill_process(Pid::from_raw(parent(child.pid()).cast_signed()).unwrap(), Signal::TERM).unwrap();
    assert_eq!(child.process.wait().await, Exit::Signal(15));
    child.process.watch().all_ended().await;
    assert_eq!(marked(&mark), []);
}

#[tokio::test]
async fn the_end_of_the_shim_by_sigkill_ends_the_child_and_is_noticed() {
    let child = start("exec sleep 60").await;
    kill(parent(child.pid()));
    assert_eq!(child.process.wait().await, Exit::Lost);
    wait_until_gone(child.pid()).await;
}

#[tokio::test]
async fn processes_that_fork_while_they_are_ended_are_ended() {
    // Bounded, since a shim that fails this test leaves them all behind; the stop comes long before the end.
    let mark = mark();
    let script = r#"
        trap '' TERM
        hop() { for _ in $(seq 300); do (setsid sh -c 'trap "" TERM; sleep 0.01; sleep 60 & sleep 0.02' &); sleep 0.01; done; }
        hop & hop & echo hopping; wait
    "#;
    let mut child = launcher(&mark).start(&shell(script), &limits()).await.unwrap();
    assert_eq!(child.stdout.next().await.unwrap().unwrap(), "hopping");
    child.stop().await;
    assert_eq!(marked(&mark), []);
}

#[tokio::test]
async fn a_stop_that_is_cancelled_can_be_taken_up_again() {
    let mark = mark();
    let mut child = start_mess(&mark).await;
    for _ in 0..3 {
        assert!(tokio::time::timeout(Duration::from_millis(20), child.stop()).await.is_err());
    }
    assert_eq!(child.stop().await, Exit::Signal(15));
    assert_eq!(marked(&mark), []);
}

#[tokio::test]
async fn stdin_is_closed_by_a_stop_while_another_task_holds_the_writer() {
    let Child { stdin, stdout, stderr, mut process } =
        start("while read -r line; do :; done; exit 7").await;
    assert_eq!(process.stop().await, Exit::Code(7));
    drop((stdin, stdout, stderr));
}
