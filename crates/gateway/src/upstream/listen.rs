//! The listen stream towards a modern upstream: one for all clients, with the union of what they
//! want to hear.
//!
//! A changed filter opens a new stream, waits for its acknowledgement and only then lets go of the
//! old one, so that nothing is missed in between. After a gap every subscribed thing is announced
//! as changed once, because it may have.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use gantry_core::ProviderError;
use gantry_protocol::message::{Kind, notification};
use gantry_protocol::{Id, Message, code, message, meta, method};
use gantry_transport::client::http::{EventStream, PostedKind};
use gantry_transport::client::number;
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::{Notify, mpsc, watch};

use super::flight::next_id;
use super::lane::cancelled;
use super::modern::{ModernLink, ModernWire};
use super::offers::Stale;
use super::shared::Shared;

/// How long an upstream may take to acknowledge.
const ACK_LIMIT: Duration = Duration::from_secs(10);
/// How long an old stream is heard beside the one that takes its place: what was sent on it before
/// the new one began may still be on its way.
const OVERLAP: Duration = Duration::from_millis(50);
/// First pause before a broken stream is opened again; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Notifications of one stdio stream that may wait to be sorted.
const QUEUE: usize = 256;

type Uris = BTreeSet<Box<str>>;

/// What is listened to on one link.
#[derive(Debug)]
pub(super) struct Listens {
    wanted: Mutex<HashMap<Box<str>, usize>>,
    poke: Notify,
    settled: watch::Sender<Settled>,
    /// Streams over a pipe, by the id of their request.
    by_id: Mutex<HashMap<u64, mpsc::Sender<Message>>>,
}

impl Default for Listens {
    fn default() -> Self {
        Self {
            wanted: Mutex::default(),
            poke: Notify::new(),
            settled: watch::Sender::new(Settled::NotYet),
            by_id: Mutex::default(),
        }
    }
}

/// What the upstream said to the filter it was last asked for.
#[derive(Debug, Clone)]
enum Settled {
    /// Nothing yet.
    NotYet,
    /// It honours some of what was asked for.
    Asked { uris: Arc<Uris>, honoured: Arc<Uris> },
    /// It announces nothing, ever.
    Never,
}

/// A URI that somebody waits to be told of.
struct Wanted<'a> {
    listens: &'a Listens,
    uri: &'a str,
    kept: bool,
}

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.listens.unsubscribe(self.uri);
        }
    }
}

/// An acknowledged stream.
struct Subscription<'a> {
    link: &'a ModernLink,
    id: u64,
    source: Source,
    uris: Uris,
    /// Whether the upstream ended it, so that there is nothing to take back.
    over: bool,
}

enum Source {
    Http(Box<EventStream>),
    Pipe(mpsc::Receiver<Message>),
}

/// Why there is no stream.
enum ListenError {
    /// The upstream does not know the method: it never announces anything.
    Unsupported,
    Failed(String),
}

impl Listens {
    /// Gives a notification of a pipe to its stream.
    pub(super) fn hear(&self, shared: &Shared, notification: &Message) {
        let id = notification.meta_raw(meta::SUBSCRIPTION_ID).and_then(Id::read);
        let Some(id) = id.as_ref().and_then(number) else { return };
        let stream = self.by_id.lock().get(&id).cloned();
        if let Some(stream) = stream
            && stream.try_send(notification.clone()).is_err()
        {
            shared.deps.metrics.dropped.inc();
        }
    }

    /// Adds a URI to what is listened to; returns once the upstream honours it.
    pub(super) async fn subscribe(&self, uri: &str) -> Result<(), ProviderError> {
        let mut settled = self.settled.subscribe();
        *self.wanted.lock().entry(uri.into()).or_insert(0) += 1;
        // Dropped before it is honoured, it is wanted no more.
        let mut wanted = Wanted { listens: self, uri, kept: false };
        self.poke.notify_one();
        let answered = settled.wait_for(|settled| match settled {
            Settled::NotYet => false,
            Settled::Asked { uris, .. } => uris.contains(uri),
            Settled::Never => true,
        });
        let answered = tokio::time::timeout(ACK_LIMIT, answered).await;
        let honoured = answered.is_ok_and(|seen| {
            seen.is_ok_and(|settled| {
                matches!(&*settled, Settled::Asked { honoured, .. } if honoured.contains(uri))
            })
        });
        if honoured {
            wanted.kept = true;
            return Ok(());
        }
        let error = gantry_protocol::RpcError::invalid_params(format!(
            "the server does not announce changes of `{uri}`"
        ));
        Err(ProviderError::Refused(error))
    }

    /// Takes one subscription back.
    pub(super) fn unsubscribe(&self, uri: &str) {
        let mut wanted = self.wanted.lock();
        let Some(count) = wanted.get_mut(uri) else { return };
        *count -= 1;
        if *count == 0 {
            wanted.remove(uri);
            self.poke.notify_one();
        }
    }

    fn uris(&self) -> Uris {
        self.wanted.lock().keys().cloned().collect()
    }
}

/// Keeps a stream open as long as the link lives. Returns when the upstream has no such thing.
pub(super) async fn keep_listening(link: &ModernLink) {
    let mut pause = FIRST_PAUSE;
    let mut gap = false;
    loop {
        match open(link, link.listens.uris()).await {
            Ok(subscription) => {
                pause = FIRST_PAUSE;
                if gap {
                    announce_everything(link, &subscription.uris);
                }
                follow(link, subscription).await;
                gap = true;
            }
            Err(ListenError::Unsupported) => {
                link.listens.settled.send_replace(Settled::Never);
                return;
            }
            Err(ListenError::Failed(why)) => {
                gantry_core::log::debug!(upstream = %link.shared.spec.name, why, "Listening failed.");
                link.shared.suspect.notify_one();
                gap = true;
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Sorts what comes, and renews the stream when the filter changed. Returns when it broke.
async fn follow<'a>(link: &'a ModernLink, mut subscription: Subscription<'a>) {
    loop {
        tokio::select! {
            message = subscription.next() => match message {
                Some(message) => sort(link, &message),
                None => return,
            },
            () = link.listens.poke.notified() => {
                let uris = link.listens.uris();
                if uris == subscription.uris {
                    continue;
                }
                let Some(renewed) = renew(link, &mut subscription, uris).await else { return };
                subscription = renewed;
            }
        }
    }
}

/// Opens a stream with another filter while the old one is still heard; `None` when either failed,
/// so that something may have been missed.
async fn renew<'a>(
    link: &'a ModernLink,
    old: &mut Subscription<'a>,
    uris: Uris,
) -> Option<Subscription<'a>> {
    let mut opening = std::pin::pin!(open(link, uris));
    let mut renewed = loop {
        tokio::select! {
            biased;
            opened = &mut opening => break opened.ok()?,
            message = old.next() => sort(link, &message?),
        }
    };
    // What changes now is announced on both streams, and once is enough.
    let mut heard: Vec<Message> = Vec::new();
    let mut hear = |message: Message| {
        let alike = |other: &Message| {
            other.method() == message.method() && other.param("uri") == message.param("uri")
        };
        if heard.iter().any(alike) {
            return;
        }
        if heard.len() < QUEUE { heard.push(message) } else { sort(link, &message) }
    };
    let mut over = std::pin::pin!(tokio::time::sleep(OVERLAP));
    loop {
        tokio::select! {
            biased;
            message = old.next() => match message {
                Some(message) => hear(message),
                None => break,
            },
            message = renewed.next() => match message {
                Some(message) => hear(message),
                None => break,
            },
            () = &mut over => break,
        }
    }
    for message in &heard {
        sort(link, message);
    }
    Some(renewed)
}

fn sort(link: &ModernLink, message: &Message) {
    match message.method() {
        method::TOOLS_LIST_CHANGED
        | method::PROMPTS_LIST_CHANGED
        | method::RESOURCES_LIST_CHANGED => {
            link.shared.offers.changed(message.method(), Stale::of_all());
        }
        method::RESOURCES_UPDATED => {
            link.shared.deps.outlet.resource_updated(&link.shared.spec.name, None, message);
        }
        _ => {}
    }
}

fn announce_everything(link: &ModernLink, uris: &Uris) {
    for list in
        [method::TOOLS_LIST_CHANGED, method::PROMPTS_LIST_CHANGED, method::RESOURCES_LIST_CHANGED]
    {
        link.shared.offers.changed(list, Stale::of_all());
    }
    for uri in uris {
        let params = json!({ "uri": uri }).to_string();
        let bytes = notification(method::RESOURCES_UPDATED, params.as_bytes());
        if let Ok(message) = Message::parse(bytes) {
            link.shared.deps.outlet.resource_updated(&link.shared.spec.name, None, &message);
        }
    }
}

async fn open(link: &ModernLink, uris: Uris) -> Result<Subscription<'_>, ListenError> {
    let id = next_id();
    let filter = json!({ "notifications": {
        "toolsListChanged": true,
        "promptsListChanged": true,
        "resourcesListChanged": true,
        "resourceSubscriptions": uris,
    }});
    let params = link.own_params(filter.to_string().as_bytes());
    let request = message::request(&Id::from(id), method::SUBSCRIPTIONS_LISTEN, &params);
    let watched = link.shared.deps.tap.own(&link.shared.spec.name, &request);
    let source = match &link.wire {
        ModernWire::Http(http) => {
            let headers = link.own_headers(method::SUBSCRIPTIONS_LISTEN);
            let posted = http
                .post(request, &headers, Some(ACK_LIMIT))
                .await
                .map_err(|error| ListenError::Failed(gantry_core::chain(&error)))?;
            match posted.kind {
                PostedKind::Stream(stream) => Source::Http(stream),
                PostedKind::Json(body) => return Err(refused(&body)),
                PostedKind::Accepted | PostedKind::Other { .. } => {
                    let why = format!("HTTP status {}", posted.status);
                    return Err(match posted.status.as_u16() {
                        400..=499 => ListenError::Unsupported,
                        _ => ListenError::Failed(why),
                    });
                }
            }
        }
        ModernWire::Stdio(pipe) => {
            let (sender, receiver) = mpsc::channel(QUEUE);
            link.listens.by_id.lock().insert(id, sender.clone());
            let answer = pipe.expect(id);
            pipe.send(request).await.map_err(|error| ListenError::Failed(error.why))?;
            // The answer of a listen is its end, or its refusal.
            link.shared.tasks.spawn("listen-end", async move {
                if let Ok(Ok(end)) = answer.await {
                    let _ = sender.send(end).await;
                }
            });
            Source::Pipe(receiver)
        }
    };
    let mut subscription = Subscription { link, id, source, uris, over: false };
    let first = tokio::time::timeout(ACK_LIMIT, subscription.next_any()).await;
    match first {
        Ok(Some(first)) if first.method() == method::SUBSCRIPTIONS_ACKNOWLEDGED => {
            watched.answered(first.bytes());
            link.listens.settled.send_replace(Settled::Asked {
                uris: Arc::new(subscription.uris.clone()),
                honoured: Arc::new(acknowledged(&first)),
            });
            Ok(subscription)
        }
        Ok(Some(first)) if first.kind() == Kind::Error => Err(refused(first.bytes())),
        Ok(_) => Err(ListenError::Failed("it did not acknowledge".to_owned())),
        Err(_) => Err(ListenError::Failed("no acknowledgement in time".to_owned())),
    }
}

fn acknowledged(message: &Message) -> Uris {
    let filter: Option<serde_json::Value> =
        message.param("notifications").and_then(|raw| serde_json::from_slice(raw).ok());
    let uris = filter.as_ref().and_then(|filter| filter.get("resourceSubscriptions"));
    let uris = uris.and_then(serde_json::Value::as_array).into_iter().flatten();
    uris.filter_map(|uri| uri.as_str().map(Box::from)).collect()
}

fn refused(body: &bytes::Bytes) -> ListenError {
    let error = Message::parse(body.clone()).ok().and_then(|message| message.rpc_error());
    match error {
        Some(error) if error.code == code::METHOD_NOT_FOUND => ListenError::Unsupported,
        Some(error) => ListenError::Failed(error.to_string()),
        None => ListenError::Failed("its answer is no message".to_owned()),
    }
}

impl Subscription<'_> {
    /// The next notification; `None` when the stream is over.
    async fn next(&mut self) -> Option<Message> {
        let message = self.next_any().await?;
        (message.kind() == Kind::Notification).then_some(message)
    }

    async fn next_any(&mut self) -> Option<Message> {
        match &mut self.source {
            Source::Pipe(receiver) => {
                let message = receiver.recv().await;
                self.over |= message
                    .as_ref()
                    .is_some_and(|message| matches!(message.kind(), Kind::Response | Kind::Error));
                message
            }
            Source::Http(stream) => loop {
                let event = stream.next().await.ok()??;
                if event.data.is_empty() {
                    continue;
                }
                if let Ok(message) = Message::parse(event.data) {
                    return Some(message);
                }
            },
        }
    }
}

impl Drop for Subscription<'_> {
    fn drop(&mut self) {
        self.link.listens.by_id.lock().remove(&self.id);
        if let ModernWire::Stdio(pipe) = &self.link.wire
            && !self.over
            && !pipe.is_closed()
        {
            pipe.forget(self.id);
            pipe.offer(cancelled(self.id, "another subscription takes its place"));
        }
    }
}
