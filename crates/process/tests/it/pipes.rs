//! Lines in, lines out, and floods.

use std::{fs, time::Duration};

use bytes::Bytes;
use gantry_process::{Child, Exit, Limits, LineError, WriteError};

use crate::support::{command, launcher, limits, mark, shell, start};

#[tokio::test]
async fn lines_go_to_the_child_and_come_back() {
    let mut child = launcher(&mark()).start(&command("cat", &[]), &limits()).await.unwrap();
    let large = "x".repeat(3_000_000);
    for line in ["{}", "", "ü", &large] {
        let (sent, answer) =
            tokio::join!(child.stdin.send(Bytes::from(line.to_owned())), child.stdout.next());
        sent.unwrap();
        assert!(answer.unwrap().unwrap() == line);
    }
    drop(child.stdin);
    assert!(child.stdout.next().await.unwrap().is_none());
    assert_eq!(child.process.wait().await, Exit::Code(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_pipe_can_be_served_by_a_task_of_its_own() {
    let Child { mut stdin, mut stdout, mut stderr, mut process } =
        start("while read -r line; do echo $line; echo seen $line >&2; done").await;
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { while stderr.next().await.is_some() {} });
    tasks.spawn(async move {
        for number in 0..1_000 {
            assert_eq!(stdout.next().await.unwrap().unwrap(), number.to_string());
        }
    });
    for number in 0..1_000 {
        stdin.send(Bytes::from(number.to_string())).await.unwrap();
    }
    tasks.spawn(async move { assert_eq!(process.stop().await, Exit::Code(0)) });
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

#[tokio::test]
async fn a_line_that_is_too_long_is_skipped_and_invalid_utf_8_passes() {
    let limits = Limits { max_line: 1_000, ..limits() };
    let script = r"echo one; head -c 5000000 /dev/zero; printf '\n\377\376\r\nlast'";
    let mut child = launcher(&mark()).start(&shell(script), &limits).await.unwrap();
    assert_eq!(child.stdout.next().await.unwrap().unwrap(), "one");
    let error = child.stdout.next().await.unwrap_err();
    assert!(
        matches!(error, LineError::TooLong { limit: 1_000, length: 5_000_000, .. }),
        "{error:?}"
    );
    assert_eq!(child.stdout.next().await.unwrap().unwrap(), &b"\xff\xfe"[..]);
    assert_eq!(child.stdout.next().await.unwrap().unwrap(), "last");
    assert!(child.stdout.next().await.unwrap().is_none());
}

#[tokio::test]
async fn what_a_child_wrote_before_it_ended_can_still_be_read() {
    let mut child = start("echo last words; echo the reason >&2; exit 1").await;
    assert_eq!(child.wait().await, Exit::Code(1));
    child.process.watch().all_ended().await;
    assert_eq!(child.stdout.next().await.unwrap().unwrap(), "last words");
    let tail = child.stderr.tail();
    tail.settle(Duration::from_secs(10)).await;
    assert_eq!(tail.lines(), ["the reason"]);
    assert_eq!(child.stderr.next().await.unwrap().text, "the reason");
}

#[tokio::test]
async fn writing_to_a_child_that_has_ended_says_closed() {
    let mut child = start("exit 0").await;
    child.process.watch().all_ended().await;
    assert!(matches!(child.stdin.send(Bytes::from_static(b"x")).await, Err(WriteError::Closed)));
}

#[tokio::test]
async fn a_flood_on_stderr_neither_blocks_the_child_nor_grows_memory() {
    let before = resident();
    let line = "0123456789".repeat(20);
    let script = format!(
        "yes {line} | head -c 50000000 >&2; head -c 50000000 /dev/zero >&2; echo >&2; echo end >&2; echo done"
    );
    let mut child = start(&script).await;
    assert_eq!(child.stdout.next().await.unwrap().unwrap(), "done");
    let tail = child.stderr.tail();
    tail.settle(Duration::from_secs(10)).await;
    let lines = tail.lines();
    assert_eq!(lines.len(), 64);
    assert_eq!(lines.last().unwrap(), "end");
    assert!(tail.n_lines() > 240_000 && tail.n_dropped() > 240_000);
    assert!(lines.iter().all(|line| line.len() <= 4 * 1024));
    assert!(resident() < before + 40_000_000, "{before} -> {}", resident());
}

/// The memory of this process, in bytes.
fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}
