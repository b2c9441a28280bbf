//! What an exchange becomes, by the order in which things happen to it.

use std::time::Duration;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::{Exchange, Settled};
use crate::hub::Sink;

fn quiet(requests: usize, streams: bool) -> Exchange {
    Exchange::new(requests, streams, CancellationToken::new())
}

/// A stream that begins with what it is given.
fn into(sink: Sink) -> impl FnOnce(&[Bytes]) -> Sink {
    |first| {
        sink.begin(first);
        sink
    }
}

fn text(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

#[tokio::test]
async fn an_answer_that_comes_first_stays_plain() {
    let exchange = quiet(1, true);
    exchange.finish(Some(text("{}"))).await;
    exchange.ready().await;
    let settled = exchange.settle(true, |_| unreachable!("no stream is needed"));
    assert!(matches!(settled, Settled::Answers(answers) if answers == [text("{}")]));
    assert!(!exchange.say(text("late")));
}

#[tokio::test]
async fn what_is_said_first_makes_a_stream_that_ends_with_the_answer() {
    let exchange = quiet(1, true);
    assert!(exchange.say(text("1")));
    exchange.ready().await;
    let (sink, mut pipe) = Sink::pipe(8);
    assert!(matches!(exchange.settle(true, into(sink)), Settled::Stream));
    assert!(exchange.say(text("2")));
    exchange.finish(Some(text("3"))).await;
    assert!(!exchange.say(text("4")));
    for expected in ["1", "2", "3"] {
        assert_eq!(pipe.recv().await, Some(text(expected)));
    }
    assert_eq!(pipe.recv().await, None);
}

#[tokio::test]
async fn a_client_without_streams_gets_the_answer_alone() {
    let exchange = quiet(1, false);
    assert!(!exchange.say(text("1")));
    assert!(!exchange.insist(text("2")).await);
    exchange.finish(Some(text("{}"))).await;
    let settled = exchange.settle(true, |_| unreachable!("no stream is needed"));
    assert!(matches!(settled, Settled::Answers(answers) if answers.len() == 1));
}

#[tokio::test]
async fn a_client_that_takes_only_streams_gets_one() {
    let exchange = quiet(1, true);
    exchange.finish(Some(text("{}"))).await;
    let (sink, mut pipe) = Sink::pipe(8);
    assert!(matches!(exchange.settle(false, into(sink)), Settled::Stream));
    assert_eq!(pipe.recv().await, Some(text("{}")));
    assert_eq!(pipe.recv().await, None);
}

#[tokio::test]
async fn a_cancelled_request_leaves_nothing_to_say() {
    let exchange = quiet(2, true);
    exchange.finish(None).await;
    exchange.finish(None).await;
    exchange.ready().await;
    let settled = exchange.settle(false, |_| unreachable!("no stream is needed"));
    assert!(matches!(settled, Settled::Answers(answers) if answers.is_empty()));
}

#[tokio::test]
async fn a_batch_on_a_pipe_is_answered_as_one_array() {
    let (sink, mut pipe) = Sink::pipe(8);
    let exchange = Exchange::on_pipe(sink, 3, true);
    exchange.finish(Some(text("1"))).await;
    assert!(exchange.say(text("said")));
    exchange.finish(None).await;
    exchange.finish(Some(text("2"))).await;
    assert_eq!(pipe.recv().await, Some(text("said")));
    assert_eq!(pipe.recv().await, Some(text("[1,2]")));
    assert_eq!(pipe.recv().await, None);
}

#[tokio::test]
async fn what_must_arrive_waits_for_room_and_notices_that_the_reader_is_gone() {
    let (sink, mut pipe) = Sink::pipe(1);
    let exchange = Exchange::on_pipe(sink, 1, false);
    assert!(exchange.say(text("1")));
    assert!(!exchange.say(text("dropped")));
    let both = async {
        let sent = exchange.insist(text("2")).await;
        assert!(sent);
    };
    let reading = async {
        assert_eq!(pipe.recv().await, Some(text("1")));
        assert_eq!(pipe.recv().await, Some(text("2")));
    };
    tokio::join!(both, reading);
    drop(pipe);
    assert!(!exchange.insist(text("3")).await);
}

#[tokio::test(start_paused = true)]
async fn an_exchange_is_ready_only_when_something_happened() {
    let exchange = quiet(1, true);
    let waited = tokio::time::timeout(Duration::from_mins(1), exchange.ready()).await;
    assert!(waited.is_err());
    let (ready, ()) =
        tokio::join!(tokio::time::timeout(Duration::from_mins(1), exchange.ready()), async {
            tokio::task::yield_now().await;
            exchange.say(text("1"));
        });
    assert!(ready.is_ok());
}
