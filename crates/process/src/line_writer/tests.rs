//! Whole lines through narrow, slow and closed streams.

use tokio::io::{AsyncReadExt as _, DuplexStream, duplex};

use super::*;

async fn read_to_end(mut stream: DuplexStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn queued_and_sent_lines_arrive_in_order() {
    let (near, far) = duplex(3);
    let mut writer = LineWriter::new(near);
    let write = async move {
        for number in 0..100 {
            writer.enqueue(Bytes::from(format!("line {number}"))).unwrap();
        }
        writer.send(Bytes::new()).await.unwrap();
        writer.send(Bytes::from_static(b"last")).await.unwrap();
    };
    let ((), text) = tokio::join!(write, read_to_end(far));
    let mut lines = text.lines();
    for number in 0..100 {
        assert_eq!(lines.next().unwrap(), format!("line {number}"));
    }
    assert_eq!(lines.collect::<Vec<_>>(), ["", "last"]);
}

#[tokio::test]
async fn a_cancelled_send_is_completed_by_the_next_one() {
    let (near, far) = duplex(4);
    let mut writer = LineWriter::new(near);
    tokio::select! {
        biased;
        sent = writer.send(Bytes::from_static(b"0123456789")) => panic!("nobody reads: {sent:?}"),
        () = tokio::task::yield_now() => {}
    }
    let write = async move { writer.send(Bytes::from_static(b"next")).await };
    let (written, text) = tokio::join!(write, read_to_end(far));
    written.unwrap();
    assert_eq!(text, "0123456789\nnext\n");
}

#[tokio::test]
async fn closing_wakes_a_writer_that_waits_and_ends_the_stream() {
    let (near, mut far) = duplex(1);
    let mut writer = LineWriter::new(near);
    let closer = writer.closer();
    let close = async move {
        tokio::task::yield_now().await;
        closer.close();
    };
    let (written, ()) = tokio::join!(writer.send(Bytes::from_static(b"long")), close);
    assert!(matches!(written, Err(WriteError::Closed)));
    let mut rest = Vec::new();
    assert_eq!(far.read_to_end(&mut rest).await.unwrap(), 1);
    assert!(matches!(writer.enqueue(Bytes::new()), Err(WriteError::Closed)));
}

#[tokio::test]
async fn a_line_feed_inside_a_line_is_refused() {
    let (near, far) = duplex(64);
    let mut writer = LineWriter::new(near);
    let refused = writer.send(Bytes::from_static(b"{\n}")).await;
    assert!(matches!(refused, Err(WriteError::LineFeed { position: 1 })));
    writer.send(Bytes::from_static(b"{}")).await.unwrap();
    drop(writer);
    assert_eq!(read_to_end(far).await, "{}\n");
}

#[tokio::test]
async fn a_stream_whose_reader_is_gone_is_closed() {
    let (near, far) = duplex(64);
    drop(far);
    assert!(matches!(
        LineWriter::new(near).send(Bytes::from_static(b"x")).await,
        Err(WriteError::Closed)
    ));
}
