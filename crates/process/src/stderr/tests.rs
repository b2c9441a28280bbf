//! Rates, tails and cut lines, on a paused clock.

use tokio::io::AsyncWriteExt as _;

use super::*;

fn limits() -> Limits {
    Limits {
        stderr_lines_per_second: 2,
        stderr_line_max: 6,
        stderr_tail_lines: 3,
        ..Limits::default()
    }
}

#[tokio::test(start_paused = true)]
async fn lines_above_the_rate_are_counted_and_the_last_ones_kept() {
    let (mut writer, source) = tokio::io::duplex(1024);
    let (drain, mut stderr) = drain(source, &limits());
    let tail = stderr.tail();
    let write = async move {
        writer.write_all(b"one\r\ntwo\nthree\nfour\nfi").await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        writer.write_all(b"ve is cut\n\xffsix").await.unwrap();
    };
    tokio::join!(drain.run(), write);

    let mut handed_on = Vec::new();
    while let Some(line) = stderr.next().await {
        handed_on.push((line.text, line.n_dropped_before));
    }
    let expected = [("one", 0), ("two", 0), ("five i", 2), ("\u{fffd}six", 0)];
    assert_eq!(handed_on, expected.map(|(text, n_dropped)| (text.to_owned(), n_dropped)));
    assert_eq!(tail.lines(), ["four", "five i", "\u{fffd}six"]);
    assert_eq!((tail.n_lines(), tail.n_dropped()), (6, 2));
}

#[tokio::test(start_paused = true)]
async fn nobody_has_to_read() {
    let limits = Limits { stderr_lines_per_second: 1_000_000, ..limits() };
    let flood = b"x\n".repeat(100_000);
    let (drain, stderr) = drain(&flood[..], &limits);
    drain.run().await;
    assert_eq!(stderr.tail().n_lines(), 100_000);
    assert_eq!(stderr.tail().n_dropped(), 100_000 - QUEUE as u64);
}

#[tokio::test(start_paused = true)]
async fn settling_waits_for_the_end_and_not_longer_than_its_limit() {
    let (mut writer, source) = tokio::io::duplex(64);
    let (drain, stderr) = drain(source, &limits());
    let tail = stderr.tail();
    let started = Instant::now();
    tail.settle(Duration::from_secs(5)).await;
    assert_eq!(started.elapsed(), Duration::from_secs(5));

    let write = async move { writer.write_all(b"why").await.unwrap() };
    let ((), (), ()) = tokio::join!(tail.settle(Duration::from_secs(5)), drain.run(), write);
    assert_eq!(started.elapsed(), Duration::from_secs(5));
    assert_eq!(tail.lines(), ["why"]);
}
