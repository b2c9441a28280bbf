//! Who hears what outside of calls.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gantry_core::session::{SessionId, SessionRecord};
use gantry_core::{Delivery, Principal};
use gantry_protocol::{Message, Revision, message, method};
use prometheus_client::registry::Registry;
use tokio::sync::mpsc;

use super::{Hub, Lifetime, Outlet as _, Session, Sink, covers};
use crate::dispatch::Subscription;
use crate::metrics::Metrics;
use crate::upstream::Held;

fn hub() -> Arc<Hub> {
    Hub::new(Arc::new(Metrics::new(&mut Registry::default())))
}

fn session(hub: &Hub, id: u8) -> (Arc<Session>, SessionId) {
    let record = SessionRecord {
        revision: Revision::V2025_11_25,
        principal: Principal::anonymous(),
        capabilities: Bytes::from_static(b"{}"),
        client_info: Bytes::from_static(b"{}"),
        view: "".into(),
        log_level: None,
        subscriptions: Vec::new(),
        lists: [0; 3],
        seen_at: 0,
    };
    let session = hub.add_session(Session::new([id; 16], &record, Lifetime::Kept)).unwrap();
    (session, [id; 16])
}

fn attached(session: &Session) -> mpsc::Receiver<Bytes> {
    let (sink, pipe) = Sink::pipe(16);
    session.attach(sink);
    pipe
}

fn parsed(bytes: Bytes) -> Message {
    Message::parse(bytes).unwrap()
}

fn updated(uri: &str) -> Message {
    let params = format!(r#"{{"uri":"{uri}"}}"#);
    parsed(message::notification(method::RESOURCES_UPDATED, params.as_bytes()))
}

fn subscription(upstream: &str) -> Subscription {
    Subscription { upstream: upstream.into(), held: Held::Listen }
}

#[test]
fn a_subscription_covers_what_is_below_it() {
    for (subscribed, changed, expected) in [
        ("file:///a", "file:///a", true),
        ("file:///a", "file:///a/b", true),
        ("file:///a/", "file:///a/b", true),
        ("file:///a", "file:///a#part", true),
        ("file:///a", "file:///ab", false),
        ("file:///a/b", "file:///a", false),
    ] {
        assert_eq!(covers(subscribed, changed), expected, "{subscribed} {changed}");
    }
}

#[tokio::test]
async fn an_update_reaches_who_subscribed_and_nobody_else() {
    let hub = hub();
    let ((one, one_id), (two, _)) = (session(&hub, 1), session(&hub, 2));
    let (mut first, mut second) = (attached(&one), attached(&two));
    hub.watch_session(one_id, &subscription("up"), "a://x");
    hub.watch_session(one_id, &subscription("up"), "a://x/y");
    hub.resource_updated("other", None, &updated("a://x"));
    hub.resource_updated("up", None, &updated("a://x/y"));
    assert_eq!(first.recv().await.as_ref(), Some(updated("a://x/y").bytes()));
    assert!(first.try_recv().is_err());
    assert!(second.try_recv().is_err());
    hub.unwatch_session(one_id, &subscription("up"), "a://x/y");
    hub.unwatch_session(one_id, &subscription("up"), "a://x");
    hub.resource_updated("up", None, &updated("a://x/y"));
    assert!(first.try_recv().is_err());
}

#[derive(Debug)]
struct Numbered(u64);

impl gantry_core::Announced for Numbered {
    fn number(&self) -> u64 {
        self.0
    }
}

fn own(number: u64) -> Subscription {
    Subscription { upstream: "own".into(), held: Held::Own(Arc::new(Numbered(number))) }
}

#[tokio::test]
async fn what_the_process_announces_reaches_the_holder_of_that_subscription() {
    let hub = hub();
    let ((one, one_id), (two, two_id)) = (session(&hub, 1), session(&hub, 2));
    let (mut first, mut second) = (attached(&one), attached(&two));
    hub.watch_session(one_id, &own(7), "a://x");
    hub.watch_session(two_id, &own(8), "a://x");
    assert_eq!(hub.tell_subscriber(7, &updated("a://x")), Delivery::Sent);
    assert_eq!(first.recv().await.as_ref(), Some(updated("a://x").bytes()));
    assert!(second.try_recv().is_err());
    hub.unwatch_session(one_id, &own(7), "a://x");
    assert_eq!(hub.tell_subscriber(7, &updated("a://x")), Delivery::Dropped);
    assert!(first.try_recv().is_err());
}

#[tokio::test]
async fn changes_that_nobody_reads_are_one_and_signs_of_life_are_lost() {
    let hub = hub();
    let (session, id) = session(&hub, 1);
    hub.watch_session(id, &own(7), "a://x");
    let detailed = br#"{"uri":"a://x","_meta":{"change_type":"created"}}"#;
    let detailed = parsed(message::notification(method::RESOURCES_UPDATED, detailed));
    for _ in 0..200 {
        assert_eq!(hub.tell_subscriber(7, &detailed), Delivery::Merged);
    }
    let beat = parsed(message::notification("notifications/beat", b"{}"));
    assert_eq!(hub.tell_subscriber(7, &beat), Delivery::Dropped);
    let mut pipe = attached(&session);
    assert_eq!(pipe.recv().await.as_ref(), Some(updated("a://x").bytes()));
    assert!(pipe.try_recv().is_err());
}

#[tokio::test]
async fn changes_are_kept_once_until_a_stream_opens() {
    let hub = hub();
    let (session, id) = session(&hub, 1);
    let changed = parsed(message::notification(method::TOOLS_LIST_CHANGED, b""));
    let log = parsed(message::notification(method::MESSAGE, br#"{"level":"info","data":1}"#));
    for notification in [&changed, &log, &changed] {
        hub.to_session(id, notification);
    }
    let mut pipe = attached(&session);
    assert_eq!(pipe.recv().await.as_ref(), Some(changed.bytes()));
    assert!(pipe.try_recv().is_err());
}

#[tokio::test]
async fn logs_below_the_level_of_the_session_are_not_heard() {
    let hub = hub();
    let (session, id) = session(&hub, 1);
    let mut pipe = attached(&session);
    session.set_level("warning", super::Level::parse("warning").unwrap());
    for level in ["info", "error"] {
        let params = format!(r#"{{"level":"{level}","data":1}}"#);
        hub.to_session(id, &parsed(message::notification(method::MESSAGE, params.as_bytes())));
    }
    assert!(String::from_utf8_lossy(&pipe.recv().await.unwrap()).contains("error"));
    assert!(pipe.try_recv().is_err());
}

fn listen(hub: &Hub, view: &str) -> (u64, mpsc::Receiver<Bytes>) {
    let (sink, pipe) = Sink::pipe(16);
    let caller = gantry_core::Caller {
        revision: Revision::LATEST_LEGACY,
        capabilities: Bytes::from_static(b"{}"),
        profile: gantry_protocol::capabilities::Profile::EMPTY,
        info: None,
        log_level: None,
        session: None,
        param_headers: None,
    };
    let context = gantry_core::CallContext {
        request_id: "".into(),
        principal: Arc::new(Principal::anonymous()),
        address: None,
        caller: Arc::new(caller),
        client: Arc::new(gantry_core::NoClient),
        trace: None,
        cancelled: tokio_util::sync::CancellationToken::new(),
    };
    let listen = super::Listen::new(super::ListenParts {
        id: gantry_protocol::Id::from(1),
        view: view.into(),
        context,
        filter: super::ListenFilter::default(),
        subscriptions: Vec::new().into(),
        sink,
        lists: [0; 3],
    });
    let number = listen.number;
    assert!(hub.add_listen(listen));
    (number, pipe)
}

#[tokio::test]
async fn what_a_server_logs_is_heard_by_operators_who_listen_to_it_alone() {
    let hub = hub();
    let ((number, mut operator), (_, mut client)) = (listen(&hub, "up"), listen(&hub, "up"));
    let (other_number, mut other) = listen(&hub, "other");
    hub.hear_log(number);
    hub.hear_log(number);
    hub.hear_log(other_number);
    let log = parsed(message::notification(method::MESSAGE, br#"{"level":"info","data":"x"}"#));
    hub.logged("up", &log);
    let acknowledged = |bytes: Option<Bytes>| parsed(bytes.unwrap()).method().to_owned();
    for pipe in [&mut operator, &mut client, &mut other] {
        assert_eq!(acknowledged(pipe.recv().await), method::SUBSCRIPTIONS_ACKNOWLEDGED);
    }
    assert_eq!(acknowledged(operator.recv().await), method::MESSAGE);
    assert!(client.try_recv().is_err() && other.try_recv().is_err());
    hub.remove_listen(number);
    hub.remove_listen(other_number);
    hub.hear_log(number);
    hub.logged("up", &log);
    assert!(operator.try_recv().is_err());
    assert_eq!(hub.log_hearers.load(std::sync::atomic::Ordering::Relaxed), 0);
}

fn question() -> Message {
    let id = gantry_protocol::Id::from(7);
    parsed(message::request(&id, method::ROOTS_LIST, b"{}"))
}

#[tokio::test]
async fn a_question_waits_for_a_stream_and_is_answered_by_its_own_id() {
    let hub = hub();
    let ((session, id), (stranger, _)) = (session(&hub, 1), session(&hub, 2));
    let question = question();
    let client = async {
        tokio::task::yield_now().await;
        let mut pipe = attached(&session);
        let asked = parsed(pipe.recv().await.unwrap());
        assert_ne!(asked.id(), question.id());
        let answer = message::response(asked.id().unwrap(), br#"{"roots":[]}"#);
        assert!(!stranger.answer(parsed(answer.clone())));
        assert!(session.answer(parsed(answer.clone())));
        assert!(!session.answer(parsed(answer)));
    };
    let (answer, ()) = tokio::join!(hub.ask_session(id, &question), client);
    assert_eq!(answer.unwrap().result(), Some(&br#"{"roots":[]}"#[..]));
}

#[tokio::test(start_paused = true)]
async fn a_question_nobody_waits_for_is_taken_back() {
    let hub = hub();
    let (session, id) = session(&hub, 1);
    let mut pipe = attached(&session);
    let question = question();
    let asking = hub.ask_session(id, &question);
    assert!(tokio::time::timeout(Duration::from_secs(1), asking).await.is_err());
    let asked = parsed(pipe.recv().await.unwrap());
    let taken_back = parsed(pipe.recv().await.unwrap());
    assert_eq!(taken_back.method(), method::CANCELLED);
    assert_eq!(taken_back.param("requestId").unwrap(), asked.id().unwrap().to_raw());
}

#[tokio::test(start_paused = true)]
async fn a_question_that_finds_no_stream_fails_and_is_not_sent_later() {
    let hub = hub();
    let (session, id) = session(&hub, 1);
    let question = question();
    assert!(hub.ask_session(id, &question).await.is_err());
    let mut pipe = attached(&session);
    assert!(pipe.try_recv().is_err());
}

#[tokio::test]
async fn a_newer_stream_takes_the_place_of_the_older() {
    let hub = hub();
    let (session, id) = session(&hub, 1);
    let (mut old, mut new) = (attached(&session), attached(&session));
    hub.to_session(id, &parsed(message::notification(method::PROMPTS_LIST_CHANGED, b"")));
    assert!(old.recv().await.is_none());
    assert!(new.recv().await.is_some());
}

#[tokio::test]
async fn an_ended_session_is_heard_of_no_more() {
    let hub = hub();
    let (session, id) = session(&hub, 1);
    let mut pipe = attached(&session);
    let slot = session.open_call(gantry_protocol::Id::from(1)).unwrap();
    hub.begin(100);
    assert!(hub.was_lost(id, 99));
    hub.remove_session(&session);
    assert!(slot.cancelled.is_cancelled());
    assert!(pipe.recv().await.is_none());
    assert!(session.open_call(gantry_protocol::Id::from(2)).is_none());
    assert!(hub.session(id).is_none());
    assert!(!hub.was_lost(id, 99));
}

#[test]
fn a_uri_subscribed_twice_is_unsubscribed_twice() {
    let hub = hub();
    let (session, _) = session(&hub, 1);
    assert!(session.subscribed("a://x", subscription("up")).is_none());
    assert!(session.subscribe_again("a://x"));
    assert!(matches!(session.unsubscribe("a://x"), super::Unsubscribed::Nothing));
    assert!(matches!(session.unsubscribe("a://x"), super::Unsubscribed::Last(_)));
    assert!(matches!(session.unsubscribe("a://x"), super::Unsubscribed::Nothing));
}

#[test]
fn an_idle_session_is_small() {
    // Its own size; what hangs on it is the caller, of a few hundred bytes.
    assert!(size_of::<Session>() <= 512, "{}", size_of::<Session>());
    let caller = size_of::<gantry_core::Caller>();
    assert!(caller <= 256, "{caller}");
    assert!(size_of::<SessionRecord>() <= 256, "{}", size_of::<SessionRecord>());
}
