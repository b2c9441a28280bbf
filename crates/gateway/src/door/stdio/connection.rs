//! One connection: its legacy session, if there was a handshake, and the modern requests under way.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use gantry_core::correlation;
use gantry_core::{CallContext, ErrorCode, Principal};
use gantry_protocol::headers::{ClientEra, check_batch, classify_legacy, classify_line};
use gantry_protocol::message::{Body, Kind, failure};
use gantry_protocol::{Id, Message, ParseError, Revision, RpcError, method};
use gantry_transport::server::{LineError, LineReader};
use parking_lot::Mutex;
use tokio::io::AsyncRead;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::super::exchange::Exchange;
use super::super::legacy::{self, Job};
use super::super::reply::{coded, malformed, own_message};
use super::super::sessions::unknown_view;
use super::super::{Origin, listen, modern};
use crate::Gateway;
use crate::causes;
use crate::governance::traffic::Counted;
use crate::hub::{Lifetime, Session, Sink, next_number};
use crate::traces;

/// Requests that one connection may have open.
const MAX_CALLS: usize = 1024;

/// Which eras a connection takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::door) enum Eras {
    /// A pipe of lines.
    Both,
    /// The transport of 2024-11-05.
    Legacy,
}

/// A client at the other end of a pipe.
#[derive(Debug)]
pub(in crate::door) struct Connection {
    gateway: Arc<Gateway>,
    eras: Eras,
    view: Box<str>,
    /// As whom its client came last; another credential of the same principal may grant less.
    principal: ArcSwap<Principal>,
    /// From where it was opened, if there is an address.
    address: Option<IpAddr>,
    /// Where its last request was counted.
    counted: Counted,
    sink: Sink,
    /// Since `initialize`.
    session: Mutex<Option<Arc<Session>>>,
    /// The modern requests under way.
    modern: Arc<Mutex<HashMap<Id, CancellationToken>>>,
    calls: TaskTracker,
    /// Fires when the client says no more.
    ended: CancellationToken,
    /// Fires when the client hears no more.
    closed: CancellationToken,
}

impl Connection {
    pub(in crate::door) fn new(
        gateway: Arc<Gateway>,
        principal: Arc<Principal>,
        view: Box<str>,
        sink: Sink,
        eras: Eras,
    ) -> Self {
        Self {
            gateway,
            eras,
            view,
            principal: ArcSwap::new(principal),
            address: None,
            counted: Counted::default(),
            sink,
            session: Mutex::new(None),
            modern: Arc::default(),
            calls: TaskTracker::new(),
            ended: CancellationToken::new(),
            closed: CancellationToken::new(),
        }
    }

    /// Reads until the input ends or the gateway stops, then waits for the open calls.
    pub(super) async fn run<R: AsyncRead + Unpin>(&self, reader: R) {
        let max_line = self.gateway.registry.snapshot().spec.max_body;
        let mut lines = LineReader::new(reader, max_line);
        let stopping = self.gateway.tasks.stopping().clone();
        loop {
            let line = tokio::select! {
                line = lines.next() => line,
                () = stopping.cancelled() => break,
            };
            match line {
                Ok(Some(line)) if line.iter().all(u8::is_ascii_whitespace) => {}
                Ok(Some(line)) => self.hear(line).await,
                Ok(None) => break,
                Err(error @ LineError::TooLong { .. }) => {
                    let refusal = coded(ErrorCode::BodyTooLarge, error.to_string());
                    self.refuse(None, &refusal.error).await;
                }
                Err(error @ LineError::Io { .. }) => {
                    gantry_core::log::debug!(%error, "The input of a connection broke.");
                    break;
                }
            }
        }
        self.finish_calls().await;
    }

    async fn finish_calls(&self) {
        // Nobody can answer a question any more, and a listen stream has no end of its own.
        if let Some(session) = self.session() {
            session.give_up_questions();
        }
        self.ended.cancel();
        self.calls.close();
        self.calls.wait().await;
    }

    /// Ends what is still open.
    pub(super) async fn close(&self) {
        self.closed.cancel();
        let session = self.session.lock().take();
        if let Some(session) = session {
            self.gateway.end_session(&session).await;
        }
    }

    async fn hear(&self, line: Bytes) {
        match Body::parse(line) {
            Ok(body) => match self.admit(&body) {
                Ok(()) => self.hear_body(body).await,
                Err(refusal) => self.send(refusal).await,
            },
            Err(error) => self.refuse(error.id.as_ref(), &malformed(error.error)).await,
        }
    }

    /// Counts what asks for something against the limits of rates; gives the refusal if one of them
    /// is reached. What came by HTTP was counted before it was read.
    fn admit(&self, body: &Body) -> Result<(), Bytes> {
        let id = match body {
            Body::One(message) if message.kind() == Kind::Request => message.id(),
            Body::One(_) => return Ok(()),
            Body::Batch(_) => None,
        };
        let admitted =
            self.gateway.traffic.admit(&self.principal.load(), self.address, &self.counted);
        admitted.map(drop).map_err(|too_many| failure(id, &too_many.to_error()))
    }

    /// Takes what the client said.
    pub(in crate::door) async fn hear_body(&self, body: Body) {
        match body {
            Body::One(message) => self.hear_one(message).await,
            Body::Batch(elements) => self.hear_batch(elements).await,
        }
    }

    /// Says from where the connection was opened.
    pub(in crate::door) fn at(mut self, address: Option<IpAddr>) -> Self {
        self.address = address;
        self
    }

    /// Tells whether this is the connection of that principal.
    pub(in crate::door) fn is_of(&self, principal: &Principal) -> bool {
        **self.principal.load() == *principal
    }

    /// Notes with which credential its client comes now.
    pub(in crate::door) fn visited(&self, principal: &Arc<Principal>) {
        self.principal.store(Arc::clone(principal));
        if let Some(session) = self.session() {
            session.visited(principal, self.address);
        }
    }

    /// Counts the calls under way.
    pub(in crate::door) fn n_calls(&self) -> usize {
        self.calls.len()
    }

    /// Waits for the open calls and ends the session: the client can say no more.
    pub(in crate::door) async fn wind_up(&self) {
        self.finish_calls().await;
        self.close().await;
    }

    async fn hear_one(&self, message: Message) {
        let initialized = self.session.lock().is_some();
        let served = |_: &str| {
            self.gateway.registry.snapshot().view(&self.view).is_some_and(|view| view.single)
        };
        let era = match self.eras {
            Eras::Both => classify_line(&message, initialized, served),
            Eras::Legacy => classify_legacy(&message, initialized),
        };
        match era {
            Ok(ClientEra::Modern(revision)) => self.serve_modern(revision, message).await,
            Ok(ClientEra::ModernNotification) => {
                if message.method() == method::CANCELLED {
                    self.cancel(&message);
                }
            }
            Ok(ClientEra::Initialize(revision)) => self.initialize(revision, &message).await,
            Ok(ClientEra::Session) => self.serve_legacy(message).await,
            Err(error) => {
                self.refuse(message.id(), &causes::explained(error)).await;
            }
        }
    }

    /// Answers something that is not served.
    async fn refuse(&self, id: Option<&Id>, error: &RpcError) {
        self.gateway.tap.refused("", id, &error.message);
        self.send(failure(id, error)).await;
    }

    async fn hear_batch(&self, elements: Vec<Result<Message, ParseError>>) {
        let session = self.session();
        let revision = session.as_ref().map(|session| session.revision);
        if let Err(refusal) = check_batch(&elements, revision) {
            return self.refuse(None, &refusal.error).await;
        }
        let Some(session) = session else { return };
        let (messages, failures) = legacy::sorted(&self.gateway, &session, elements);
        let count = messages.len() + failures.len();
        if count == 0 {
            return;
        }
        let exchange = Arc::new(Exchange::on_pipe(self.sink.clone(), count, true));
        for failure in failures {
            exchange.finish(Some(failure)).await;
        }
        for message in messages {
            self.start(&session, &exchange, message);
        }
    }

    async fn serve_legacy(&self, message: Message) {
        if message.kind() == Kind::Notification && message.method() == method::CANCELLED {
            // Ids are one namespace on the pipe, whatever the era of the request was.
            self.cancel(&message);
        }
        let session = self.session();
        match (message.kind(), session) {
            (Kind::Request, Some(session)) => {
                if self.is_full() {
                    return self.refuse(message.id(), &overloaded()).await;
                }
                let exchange = Arc::new(Exchange::on_pipe(self.sink.clone(), 1, false));
                self.start(&session, &exchange, message);
            }
            // Before a handshake only `ping` is let through.
            (Kind::Request, None) => {
                if let Some(id) = message.id() {
                    self.send(own_message(id, Ok(Bytes::from_static(b"{}")))).await;
                }
            }
            (_, Some(session)) => legacy::hear(&self.gateway, &session, message),
            (_, None) => {}
        }
    }

    fn start(&self, session: &Arc<Session>, exchange: &Arc<Exchange>, message: Message) {
        let job = Job {
            gateway: Arc::clone(&self.gateway),
            origin: self.origin(),
            session: Arc::clone(session),
            exchange: Arc::clone(exchange),
        };
        let names = job.origin.names();
        let call = correlation::within(Some(names), job.run(message));
        self.gateway.tasks.spawn("legacy-call", self.calls.track_future(call));
    }

    async fn initialize(&self, revision: Revision, message: &Message) {
        let Some(id) = message.id() else { return };
        let (origin, lifetime) = (self.origin(), Lifetime::Connection);
        let _span = traces::begin(&self.gateway, origin.came(), revision, message);
        match self.gateway.open_session(&origin, revision, message, lifetime).await {
            Ok(opened) => {
                let before = self.session.lock().replace(Arc::clone(&opened.session));
                if let Some(before) = before {
                    self.gateway.end_session(&before).await;
                }
                self.send(own_message(id, Ok(opened.result))).await;
                // Only now: nothing may come before the answer to the handshake.
                opened.session.attach(self.sink.clone());
            }
            Err(refusal) => self.send(failure(Some(id), &refusal.error)).await,
        }
    }

    async fn serve_modern(&self, revision: Revision, message: Message) {
        let Some(id) = message.id().cloned() else { return };
        let exchange = Arc::new(Exchange::on_pipe(self.sink.clone(), 1, false));
        if self.is_full() {
            return self.refuse(Some(&id), &overloaded()).await;
        }
        let cancelled = exchange.gone.clone();
        let before = self.modern.lock().insert(id.clone(), cancelled.clone());
        if let Some(before) = before {
            // Two requests of one id could not be told apart: the first stays.
            self.modern.lock().insert(id.clone(), before);
            let text = "a request with this id is still open";
            return self.refuse(Some(&id), &RpcError::invalid_request(text)).await;
        }
        let origin = self.origin();
        let names = origin.names();
        let request = ModernRequest {
            gateway: Arc::clone(&self.gateway),
            origin,
            exchange,
            sink: self.sink.clone(),
            ended: self.ended.clone(),
            revision,
        };
        let (open, closed) = (Arc::clone(&self.modern), self.closed.clone());
        let task = async move {
            tokio::select! {
                biased;
                () = request.run(&id, message) => {}
                () = cancelled.cancelled() => {}
                () = closed.cancelled() => {}
            }
            open.lock().remove(&id);
        };
        let task = correlation::within(Some(names), task);
        self.gateway.tasks.spawn("modern-call", self.calls.track_future(task));
    }

    fn cancel(&self, message: &Message) {
        let Some(id) = message.param("requestId").and_then(Id::read) else { return };
        if let Some(cancelled) = self.modern.lock().get(&id) {
            cancelled.cancel();
        }
    }

    /// Names each message of its own in the logs.
    fn origin(&self) -> Origin {
        Origin {
            view: self.view.clone(),
            principal: self.principal.load_full(),
            address: self.address,
            request_id: Arc::from(format!("stdio-{}", next_number())),
            trace: None,
            by_http: false,
        }
    }

    fn session(&self) -> Option<Arc<Session>> {
        self.session.lock().clone()
    }

    fn is_full(&self) -> bool {
        self.calls.len() >= MAX_CALLS
    }

    async fn send(&self, message: Bytes) {
        self.sink.send(message).await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.ended.cancel();
        self.closed.cancel();
        if let Some(session) = self.session.lock().take() {
            let gateway = Arc::clone(&self.gateway);
            self.gateway.tasks.spawn("end-session", async move {
                gateway.end_session(&session).await;
            });
        }
    }
}

/// One modern request, to be run.
#[derive(Debug)]
struct ModernRequest {
    gateway: Arc<Gateway>,
    origin: Origin,
    exchange: Arc<Exchange>,
    sink: Sink,
    ended: CancellationToken,
    revision: Revision,
}

impl ModernRequest {
    async fn run(&self, id: &Id, message: Message) {
        let Self { gateway, origin, exchange, .. } = self;
        let context = modern::context(gateway, origin, self.revision, &message, exchange);
        if message.method() == method::SUBSCRIPTIONS_LISTEN {
            return self.listen(id, context, &message).await;
        }
        let view = modern::view_of(gateway, origin, &context, message.method()).await;
        let answer = match view {
            None => failure(Some(id), &unknown_view(&origin.view).error),
            Some(view) => match modern::own(gateway, &view, &context, &message) {
                Some(own) => own_message(id, own),
                None => modern::carried(gateway, view, context, message).await.bytes,
            },
        };
        // Whoever cancelled does not want to hear that it worked.
        let answer = Some(answer).filter(|_| !exchange.gone.is_cancelled());
        exchange.finish(answer).await;
    }

    /// Holds a listen stream open until the request is cancelled or the connection ends.
    async fn listen(&self, id: &Id, context: CallContext, message: &Message) {
        let Self { gateway, origin, sink, .. } = self;
        let view = origin.view.clone();
        match listen::open(gateway, view, context, message, sink.clone()).await {
            Ok(open) => {
                tokio::select! {
                    // First, because a gateway that stops ends the connection as well.
                    biased;
                    () = gateway.tasks.stopping().cancelled() => open.conclude(),
                    () = self.ended.cancelled() => {}
                }
            }
            Err(error) => self.exchange.finish(Some(failure(Some(id), &error))).await,
        }
    }
}

fn overloaded() -> RpcError {
    let text = format!("a connection may have {MAX_CALLS} requests open; wait for answers");
    coded(ErrorCode::Overloaded, text).error
}
