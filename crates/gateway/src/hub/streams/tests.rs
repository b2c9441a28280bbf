//! What a client that comes again gets, and what the bounds take away.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gantry_protocol::sse::Parser;
use gantry_protocol::{Id, Message, message};
use gantry_transport::server::{EventBody, ReplyBody};
use http_body_util::BodyExt as _;

use super::{EventId, Feed, Reading, Replays, Streams};
use crate::spec::{LegacySpec, ReplayLimits};

const LIMITS: ReplayLimits =
    ReplayLimits { events: 8, bytes: 4096, total: 1 << 20, time: Duration::from_mins(5) };

const READING: Reading = Reading {
    keep_alive: Duration::from_hours(1),
    primer: Some(Duration::from_secs(1)),
    limits: LIMITS,
};

/// What reads a stream, with the ids of what it read.
struct Client {
    body: ReplyBody,
    parser: Parser,
    ids: Vec<EventId>,
}

impl Client {
    fn new(body: EventBody) -> Self {
        let body = body.into_response().into_body();
        Self { body, parser: Parser::new(1 << 20), ids: Vec::new() }
    }

    /// The data of the next event; `None` at the end.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(event) = self.parser.next() {
                let event = event.unwrap();
                self.ids.extend(event.id.as_deref().map(|id| EventId::parse(id).unwrap()));
                if !event.data.is_empty() {
                    return Some(String::from_utf8(event.data.to_vec()).unwrap());
                }
                continue;
            }
            let frame = tokio::time::timeout(Duration::from_secs(5), self.body.frame()).await;
            let data = frame.expect("something comes")?.unwrap().into_data().unwrap();
            self.parser.push(&data);
        }
    }

    async fn rest(&mut self) -> Vec<String> {
        let mut rest = Vec::new();
        while let Some(data) = self.next().await {
            rest.push(data);
        }
        rest
    }

    fn last(&self) -> EventId {
        *self.ids.last().unwrap()
    }
}

fn streams() -> (Arc<Replays>, Arc<Streams>) {
    let replays = Replays::new(LIMITS.total);
    let streams = Streams::new(&replays, LIMITS);
    (replays, streams)
}

fn call(streams: &Arc<Streams>) -> (Feed, Client) {
    let (feed, body) = streams.begin(READING, &[]);
    (feed, Client::new(body))
}

fn again(streams: &Arc<Streams>, after: EventId) -> (Client, bool) {
    let resumed = streams.resume(after, READING).unwrap();
    (Client::new(resumed.body), resumed.is_complete)
}

fn answer(id: u64, size: usize) -> Bytes {
    message::response(&Id::from(id), format!(r#"{{"text":"{}"}}"#, "x".repeat(size)).as_bytes())
}

#[tokio::test]
async fn a_cut_stream_goes_on_where_it_was_cut() {
    let (_, streams) = streams();
    let (feed, mut client) = call(&streams);
    assert!(feed.offer(b"1"));
    assert!(feed.offer(b"2"));
    assert_eq!(client.next().await.as_deref(), Some("1"));
    let last = client.last();
    drop(client);
    // While nobody reads.
    assert!(feed.offer(b"3"));
    let (mut client, is_complete) = again(&streams, last);
    assert!(is_complete);
    assert!(feed.offer(b"4"));
    for expected in ["2", "3", "4"] {
        assert_eq!(client.next().await.as_deref(), Some(expected));
    }
    // Cut once more; the answer comes meanwhile.
    let last = client.last();
    drop(client);
    assert!(feed.send(&answer(1, 1)).await);
    drop(feed);
    let (mut client, is_complete) = again(&streams, last);
    assert!(is_complete);
    assert_eq!(client.rest().await.len(), 1);
    // Again from the start: everything once more, as long as it is kept.
    let (mut client, _) = again(&streams, EventId { number: 0, ..last });
    assert_eq!(client.rest().await.len(), 5);
}

#[tokio::test]
async fn the_primer_is_where_nothing_has_come_yet() {
    let (_, streams) = streams();
    let (feed, body) = streams.begin(READING, &[Bytes::from_static(b"first")]);
    let mut client = Client::new(body);
    assert_eq!(client.next().await.as_deref(), Some("first"));
    assert_eq!(client.ids.iter().map(|id| id.number).collect::<Vec<_>>(), [0, 1]);
    let (mut client, _) = again(&streams, client.ids[0]);
    assert_eq!(client.next().await.as_deref(), Some("first"));
    drop(feed);
}

#[tokio::test]
async fn events_of_others_are_not_to_be_had() {
    let (replays, own) = streams();
    let (feed, mut client) = call(&own);
    assert!(feed.offer(b"1"));
    client.next().await;
    let last = client.last();
    let stranger = Streams::new(&replays, LIMITS);
    assert!(stranger.resume(last, READING).is_none());
    let other_kind = EventId { kind: super::StreamKind::Standalone, ..last };
    let never = EventId { number: last.number + 1, ..last };
    let elsewhere = EventId { stream: last.stream ^ 1, ..last };
    for id in [other_kind, never, elsewhere] {
        assert!(own.resume(id, READING).is_none(), "{id:?}");
    }
    assert_eq!(EventId::parse(&last.text()), Some(last));
    for text in [
        "",
        "c",
        "é",
        "c-1",
        "x0123456789abcdef-1",
        "c0123456789abcdef-",
        "c12-1",
        "c0123456789abcdef-1x",
        "c0123456789abcdef-+1",
        "c0123456789abcdeg-1",
        "c+123456789abcdef-1",
        "c0123456789abcdef-99999999999999999999",
    ] {
        assert_eq!(EventId::parse(text), None, "{text}");
    }
}

#[tokio::test]
async fn progress_goes_before_answers_and_the_gap_is_told() {
    let (_, streams) = streams();
    let (feed, client) = call(&streams);
    drop(client);
    assert!(feed.send(&answer(1, 1)).await);
    for number in 0..20 {
        assert!(feed.offer(format!("{number}").as_bytes()));
    }
    assert!(feed.send(&answer(2, 1)).await);
    let number = feed.number;
    drop(feed);
    let id = EventId { kind: super::StreamKind::Call, stream: number, number: 0 };
    let (mut client, is_complete) = again(&streams, id);
    assert!(!is_complete);
    let rest = client.rest().await;
    assert_eq!(rest.len(), LIMITS.events);
    assert!(rest[0].contains(r#""id":1"#) && rest[7].contains(r#""id":2"#), "{rest:?}");
    assert_eq!(rest[6], "19");
    // From after the gap nothing is missing.
    let (_, is_complete) = again(&streams, client.ids[1]);
    assert!(is_complete);
}

#[tokio::test]
async fn an_answer_that_is_too_large_to_keep_becomes_an_error() {
    let (_, streams) = streams();
    let (feed, mut client) = call(&streams);
    let large = answer(7, 2 * LIMITS.bytes);
    assert!(feed.send(&large).await);
    // Who reads gets it.
    assert_eq!(client.next().await.unwrap().as_bytes(), &large[..]);
    let primer = client.ids[0];
    drop(feed);
    let (mut client, is_complete) = again(&streams, primer);
    assert!(is_complete, "it is told of instead");
    let rest = client.rest().await;
    let error = Message::parse(rest[0].clone().into()).unwrap();
    assert_eq!(error.id(), Some(&Id::from(7_u64)));
    assert!(rest[0].contains("E0311"), "{rest:?}");
}

#[tokio::test(start_paused = true)]
async fn a_finished_stream_is_kept_for_its_time() {
    let (replays, streams) = streams();
    let (feed, mut client) = call(&streams);
    assert!(feed.send(&answer(1, 1)).await);
    drop(feed);
    assert_eq!(client.rest().await.len(), 1);
    let primer = client.ids[0];
    assert!(replays.bytes() > 0);
    tokio::time::advance(LIMITS.time.checked_sub(Duration::from_secs(1)).unwrap()).await;
    replays.sweep();
    assert_eq!(again(&streams, primer).0.rest().await.len(), 1);
    tokio::time::advance(Duration::from_secs(2)).await;
    replays.sweep();
    assert!(streams.resume(primer, READING).is_none());
    assert_eq!(replays.bytes(), 0);
}

#[tokio::test]
async fn what_all_sessions_keep_together_is_bounded() {
    let replays = Replays::new(16 * 1024);
    let all: Vec<_> = (0..16).map(|_| Streams::new(&replays, LIMITS)).collect();
    for streams in &all {
        let (feed, _client) = call(streams);
        assert!(feed.send(&answer(1, 2000)).await);
    }
    assert!(replays.bytes() <= 16 * 1024, "{}", replays.bytes());
    assert!(replays.bytes() > 8 * 1024, "no more than needed goes: {}", replays.bytes());
    drop(all);
    assert_eq!(replays.bytes(), 0);
}

#[tokio::test]
async fn an_open_stream_gives_up_what_others_need() {
    let replays = Replays::new(8 * 1024);
    let (one, two) = (Streams::new(&replays, LIMITS), Streams::new(&replays, LIMITS));
    let ((first, _one), (second, _two)) = (call(&one), call(&two));
    for _ in 0..10 {
        assert!(first.offer(&[b'x'; 1000]) && second.offer(&[b'y'; 1000]));
    }
    assert!(replays.bytes() <= 8 * 1024, "{}", replays.bytes());
    one.clear();
    two.clear();
    assert_eq!(replays.bytes(), 0);
}

#[tokio::test]
async fn a_slow_reader_is_waited_for_and_one_that_leaves_is_not() {
    let (_, streams) = streams();
    let limits = ReplayLimits { events: 1000, ..LIMITS };
    let (feed, body) = streams.begin(Reading { limits, ..READING }, &[]);
    // The primer and 63 more fill the queue.
    for number in 1..64 {
        assert!(feed.offer(format!("{number}").as_bytes()));
    }
    assert!(!feed.offer(b"lost"), "what may be lost does not wait");
    let mut client = Client::new(body);
    let (sent, ()) = tokio::join!(feed.send(b"64"), async {
        tokio::task::yield_now().await;
        for number in 1..=64 {
            assert_eq!(client.next().await, Some(number.to_string()));
        }
    });
    assert!(sent);
    for number in 65..129 {
        assert!(feed.offer(format!("{number}").as_bytes()));
    }
    let last = client.last();
    let (sent, ()) = tokio::join!(feed.send(b"129"), async {
        tokio::task::yield_now().await;
        drop(client);
    });
    assert!(sent, "it is kept");
    let (mut client, is_complete) = again(&streams, last);
    assert!(is_complete);
    for number in 65..=129 {
        assert_eq!(client.next().await, Some(number.to_string()));
    }
    drop(feed);
}

#[tokio::test]
async fn a_standalone_stream_goes_on_for_the_next_reader() {
    let (_, streams) = streams();
    assert_eq!(streams.tell(b"x", None), None, "there is none yet");
    let body = streams.standalone(READING, &[Bytes::from_static(b"kept")]);
    let mut client = Client::new(body);
    assert_eq!(client.next().await.as_deref(), Some("kept"));
    let last = client.last();
    drop(client);
    assert_eq!(streams.tell(b"changed", None), Some(true));
    assert_eq!(streams.tell(b"changed", None), Some(true), "kept once");
    assert_eq!(streams.tell(b"asked", Some("q")), Some(true));
    assert!(streams.holds_question("q"));
    assert!(streams.withdraw("q"));
    assert!(!streams.withdraw("q"));
    let mut client = Client::new(streams.standalone(READING, &[]));
    assert_eq!(client.next().await.as_deref(), Some("changed"));
    // A newer reader takes the place of the older, wherever it goes on.
    let (mut newer, is_complete) = again(&streams, last);
    assert!(is_complete);
    assert_eq!(newer.next().await.as_deref(), Some("changed"));
    assert_eq!(client.next().await, None);
    assert_eq!(streams.tell(b"more", None), Some(true));
    assert_eq!(newer.next().await.as_deref(), Some("more"));
    streams.say_farewell(Duration::from_millis(1500));
    assert_eq!(newer.next().await, None);
    assert_eq!(newer.parser.retry(), Some(1500));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_nobody_comes_back_to_is_abandoned() {
    let (_, streams) = streams();
    let (feed, client) = call(&streams);
    let number = feed.number;
    let wait =
        |seconds| tokio::time::timeout(Duration::from_secs(seconds), streams.abandoned(number));
    assert!(wait(3600).await.is_err(), "somebody reads");
    drop(client);
    assert!(wait(299).await.is_err());
    assert!(wait(2).await.is_ok());
    let id = EventId { kind: super::StreamKind::Call, stream: number, number: 0 };
    let (client, _) = again(&streams, id);
    assert!(wait(3600).await.is_err(), "somebody came back");
    drop((client, feed));
    assert!(wait(1).await.is_ok(), "it is over");
}

#[test]
fn the_limits_have_sensible_defaults() {
    let replay = LegacySpec::default().replay;
    assert!(replay.bytes < replay.total && replay.events >= 256);
}
