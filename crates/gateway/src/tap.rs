//! Lets an administrator watch the conversation: one event for each message that passes.
//!
//! Two conversations are seen: clients with the gateway, and the gateway with its upstreams. What the
//! gateway asks for itself (greetings, lists, pings) is marked as its own; what it refuses before
//! there is anything to route is one event.
//! Nobody watching costs one load of a number for each message. A watcher who does not read loses
//! events and is told how many; nobody waits for one.
//!
//! [`link`] sees what a running call says to its client, [`own`] what the gateway asks;
//! `gantry_policy::redact` takes secrets out of bodies, and `gantry_policy::audit` out of arguments what
//! the audit trail may not have either.

mod link;
mod own;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use gantry_core::{Clock, Outcome, Principal, ProviderError, correlation};
use gantry_policy::hooks::{SECRET, Secrecy};
use gantry_protocol::message::Kind;
use gantry_protocol::{Id, Message, RpcError, method};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::broadcast;
use tokio::time::Instant;

pub use gantry_policy::audit::Rules;
pub use gantry_policy::redact::{Secrets, is_secret_name};

pub(crate) use link::WatchedOutlet;
pub(crate) use own::Own;

/// Events kept for a watcher who is slower than the conversation.
const KEPT: usize = 1024;

/// Where the conversation is watched.
#[derive(Debug)]
pub struct Tap {
    watchers: AtomicUsize,
    /// How many of them want bodies.
    readers: AtomicUsize,
    events: broadcast::Sender<Arc<Event>>,
    /// What is left out: of arguments by the rules of the audit trail.
    rules: ArcSwap<Rules>,
    clock: Arc<dyn Clock>,
}

/// One message that passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Milliseconds since 1970-01-01 UTC.
    pub time: u64,
    /// Who is at the other end.
    pub side: Side,
    /// Seen from the gateway.
    pub direction: Direction,
    /// What kind of message it is: `request`, `notification`, `answer` or `refusal`.
    pub kind: &'static str,
    /// Whether the gateway asks for itself, and for no client.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub own: bool,
    /// The upstream that it is for or from, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<Arc<str>>,
    /// Whose request it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// Names that request in logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Arc<str>>,
    /// The method, of an answer the one that is answered.
    pub method: String,
    /// The tool, prompt or URI: towards clients by its public name, towards upstreams by its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The JSON-RPC id on the client's side, as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Microseconds from the request to this answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub micros: Option<u64>,
    /// How a request ended: `ok`, `tool_error`, `error`, `input_required`, `timeout`,
    /// `unavailable`, `cancelled`, `refused`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<&'static str>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The message as JSON, secrets taken out and cut; only if somebody wants bodies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Arc<str>>,
}

/// Who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// A client of the gateway.
    Client,
    /// A server behind it.
    Upstream,
}

/// Where a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// To the gateway.
    In,
    /// From the gateway.
    Out,
}

/// Somebody who watches, until this is dropped.
#[derive(Debug)]
pub struct Watcher {
    tap: Arc<Tap>,
    events: broadcast::Receiver<Arc<Event>>,
    wants_bodies: bool,
}

/// What a watcher gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A message.
    Event(Arc<Event>),
    /// As many events were lost, because they were not fetched in time.
    Lost(u64),
}

/// A request whose answer is yet to be seen.
#[derive(Debug)]
pub(crate) struct Pending {
    tap: Arc<Tap>,
    /// The answer, but for its outcome.
    answer: Option<Box<Event>>,
    begun: Instant,
    /// Whether nobody may be shown what the answer says.
    is_secret: bool,
    /// What it means when there is no answer.
    unanswered: &'static str,
}

/// Whose request a message belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whose<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) request_id: &'a Arc<str>,
    /// What of it nobody may be shown.
    pub(crate) secrecy: Secrecy,
}

// === impl Tap ===

impl Tap {
    /// Makes a tap that nobody watches.
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        let (events, _) = broadcast::channel(KEPT);
        Arc::new(Self {
            watchers: AtomicUsize::new(0),
            readers: AtomicUsize::new(0),
            events,
            rules: ArcSwap::from_pointee(Rules::for_showing(&[], Secrets::default())),
            clock,
        })
    }

    /// Begins to watch, from the next message on.
    pub fn watch(self: &Arc<Self>, wants_bodies: bool) -> Watcher {
        let events = self.events.subscribe();
        self.watchers.fetch_add(1, Ordering::Relaxed);
        if wants_bodies {
            self.readers.fetch_add(1, Ordering::Relaxed);
        }
        Watcher { tap: Arc::clone(self), events, wants_bodies }
    }

    /// Takes what no body may show, in the place of what was said before.
    pub fn hide(&self, rules: Rules) {
        self.rules.store(Arc::new(rules));
    }

    /// Tells whether anybody watches. All that a message costs when nobody does.
    pub(crate) fn is_watched(&self) -> bool {
        self.watchers.load(Ordering::Relaxed) != 0
    }

    /// Notes a request of a client; `server` is who will serve it, where that is known.
    pub(crate) fn from_client(
        self: &Arc<Self>,
        whose: Whose<'_>,
        message: &Message,
        server: Option<&Arc<str>>,
    ) -> Option<Pending> {
        let event = || self.event(Side::Client, Direction::In, Some(whose), message);
        let is_secret = whose.secrecy.result;
        self.is_watched()
            .then(|| self.begin(Event { server: server.cloned(), ..event() }, is_secret))
    }

    /// Notes a request to an upstream, where the thing that is asked for is called `local`.
    pub(crate) fn to_upstream(
        self: &Arc<Self>,
        whose: Whose<'_>,
        message: &Message,
        server: &Arc<str>,
        local: &str,
    ) -> Option<Pending> {
        self.is_watched().then(|| {
            let event = self.event(Side::Upstream, Direction::Out, Some(whose), message);
            let name = if local.is_empty() { event.name.clone() } else { Some(local.to_owned()) };
            // The id is of the client's hop; on this one the upstream's link gives another.
            let server = Some(Arc::clone(server));
            self.begin(Event { server, name, id: None, ..event }, whose.secrecy.result)
        })
    }

    /// Notes a message that gets no answer, or whose answer is not looked for.
    pub(crate) fn passed(
        &self,
        side: Side,
        direction: Direction,
        server: Option<&str>,
        message: &Message,
    ) {
        if self.is_watched() {
            let event = self.event(side, direction, None, message);
            self.tell(Event { server: server.map(Arc::from), ..event });
        }
    }

    /// Notes something of a client that was refused before there was anything to route. `method` is
    /// the message's, or how it came where it was not read; `reason` is what the client is told.
    pub fn refused(&self, method: &str, id: Option<&Id>, reason: &str) {
        if !self.is_watched() {
            return;
        }
        let rules = self.rules.load();
        let request_id = correlation::current().map(|names| Arc::clone(&names.request_id));
        self.tell(Event {
            time: self.now(),
            side: Side::Client,
            direction: Direction::Out,
            kind: "refusal",
            own: false,
            server: None,
            principal: None,
            request_id,
            method: rules.without(method),
            name: None,
            id: id.map(ToString::to_string),
            micros: None,
            outcome: Some("refused"),
            reason: Some(rules.without(reason)),
            body: None,
        });
    }

    /// The same for a message of which nobody may be shown more than that it passed.
    pub(crate) fn passed_unseen(
        &self,
        side: Side,
        direction: Direction,
        server: &str,
        message: &Message,
    ) {
        if self.is_watched() {
            let event = self.event(side, direction, None, message);
            let body = self.veiled(message.bytes(), &["params"]);
            self.tell(Event { server: Some(server.into()), body, ..event });
        }
    }

    fn begin(self: &Arc<Self>, request: Event, is_secret: bool) -> Pending {
        let direction = match request.direction {
            Direction::In => Direction::Out,
            Direction::Out => Direction::In,
        };
        let answer = Event { direction, kind: "answer", body: None, ..request.clone() };
        self.tell(request);
        Pending {
            tap: Arc::clone(self),
            answer: Some(Box::new(answer)),
            begun: Instant::now(),
            is_secret,
            unanswered: "cancelled",
        }
    }

    fn event(
        &self,
        side: Side,
        direction: Direction,
        whose: Option<Whose<'_>>,
        message: &Message,
    ) -> Event {
        Event {
            time: self.now(),
            side,
            direction,
            kind: match message.kind() {
                Kind::Request => "request",
                Kind::Notification => "notification",
                Kind::Response | Kind::Error => "answer",
            },
            own: false,
            server: None,
            principal: whose.map(|whose| whose.principal.subject.to_string()),
            request_id: whose.map(|whose| Arc::clone(whose.request_id)),
            method: message.method().to_owned(),
            name: name_of(message).map(|name| self.rules.load().without(&name)),
            id: message.id().map(ToString::to_string),
            micros: None,
            outcome: None,
            reason: None,
            body: match whose {
                Some(whose) if whose.secrecy.arguments => {
                    self.veiled(message.bytes(), &["arguments"])
                }
                _ => self.body(message.bytes()),
            },
        }
    }

    /// Returns a message of which some members, or those of its `params`, must not be shown.
    fn veiled(&self, message: &[u8], members: &[&str]) -> Option<Arc<str>> {
        if self.readers.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut value: Value = serde_json::from_slice(message).unwrap_or(Value::from(SECRET));
        let veil = |holder: Option<&mut Value>| {
            let Some(Value::Object(holder)) = holder else { return };
            for (_, hidden) in holder.iter_mut().filter(|(name, _)| members.contains(&&***name)) {
                *hidden = SECRET.into();
            }
        };
        veil(value.get_mut("params"));
        veil(Some(&mut value));
        Some(self.rules.load().redacted(value.to_string().as_bytes()).into())
    }

    fn body(&self, message: &[u8]) -> Option<Arc<str>> {
        let is_wanted = self.readers.load(Ordering::Relaxed) != 0;
        is_wanted.then(|| self.rules.load().redacted(message).into())
    }

    fn now(&self) -> u64 {
        let since = self.clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn tell(&self, event: Event) {
        // Whoever watched may have gone in this moment.
        let _ = self.events.send(Arc::new(event));
    }
}

/// Returns what a request or notification is about.
fn name_of(message: &Message) -> Option<String> {
    let text = |name: &str| message.param_string(name).map(std::borrow::Cow::into_owned);
    match message.method() {
        method::TOOLS_CALL | method::PROMPTS_GET => text("name"),
        method::RESOURCES_READ
        | method::RESOURCES_SUBSCRIBE
        | method::RESOURCES_UNSUBSCRIBE
        | method::RESOURCES_UPDATED => text("uri"),
        method::LOGGING_SET_LEVEL | method::MESSAGE => text("level"),
        _ => None,
    }
}

// === impl Pending ===

impl Pending {
    /// Notes the answer, a whole message.
    pub(crate) fn answered(mut self, answer: &[u8]) {
        let outcome = Message::parse(bytes::Bytes::copy_from_slice(answer))
            .map_or("error", |message| outcome_of(&message));
        self.end(outcome, Some(answer));
    }

    /// Notes what an upstream made of the request.
    pub(crate) fn ended(mut self, outcome: &Result<Outcome, ProviderError>, label: &'static str) {
        let answer = match outcome {
            Ok(Outcome::Complete(result) | Outcome::NeedsInput(result)) => Some(&result.message),
            Err(ProviderError::Answered { message, .. }) => Some(&**message),
            Err(_) => None,
        };
        self.end(label, answer.map(|message| &message.bytes()[..]));
    }

    /// Notes what a client made of a question.
    pub(crate) fn replied(mut self, answer: &Result<Message, RpcError>) {
        match answer {
            Ok(message) => self.end(outcome_of(message), Some(message.bytes())),
            Err(_) => self.end("unavailable", None),
        }
    }

    fn end(&mut self, outcome: &'static str, body: Option<&[u8]>) {
        let Some(mut answer) = self.answer.take() else { return };
        answer.time = self.tap.now();
        answer.micros = Some(u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX));
        answer.outcome = Some(outcome);
        answer.body = body.and_then(|body| {
            if self.is_secret {
                self.tap.veiled(body, &["result", "error"])
            } else {
                self.tap.body(body)
            }
        });
        self.tap.tell(*answer);
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.end(self.unanswered, None);
    }
}

fn outcome_of(answer: &Message) -> &'static str {
    match answer.kind() {
        Kind::Error => "error",
        _ if answer.result_member("isError") == Some(b"true") => "tool_error",
        _ if answer.result_member("resultType") == Some(br#""input_required""#) => "input_required",
        _ => "ok",
    }
}

// === impl Watcher ===

impl Watcher {
    /// Returns the next message that passes, or how many were lost; `None` when the gateway is
    /// gone.
    ///
    /// Cancel safe.
    pub async fn next(&mut self) -> Option<Seen> {
        match self.events.recv().await {
            Ok(event) => Some(Seen::Event(event)),
            Err(broadcast::error::RecvError::Lagged(lost)) => Some(Seen::Lost(lost)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.tap.watchers.fetch_sub(1, Ordering::Relaxed);
        if self.wants_bodies {
            self.tap.readers.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests;
