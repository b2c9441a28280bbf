//! A message of a legacy client within its session, whatever carried it.
//!
//! A request runs as a task of its own: a lost connection is no cancellation in this era.

use std::sync::Arc;

use bytes::Bytes;
use gantry_core::CallContext;
use gantry_core::correlation;
use gantry_protocol::headers::{check_batch, check_session_revision};
use gantry_protocol::message::{Body, Kind};
use gantry_protocol::{Id, Message, ParseError, RpcError, method};
use gantry_transport::names;
use gantry_transport::server::ReplyBody;
use http::Response;
use tokio_util::sync::CancellationToken;

use super::exchange::{Exchange, Settled, array};
use super::http::Arrival;
use super::link::{CallLink, Client, token_of};
use super::sessions::unknown_view;
use super::{HEAD_WAIT, Origin, lists, reply};
use crate::Gateway;
use crate::causes;
use crate::hub::{Level, Session, Sink, Streams, Unsubscribed};
use crate::tap::Whose;
use crate::traces;

/// Serves what came by POST for a session.
pub(super) async fn post(
    gateway: &Arc<Gateway>,
    arrival: Arrival,
    session: Arc<Session>,
    body: Body,
) -> Response<ReplyBody> {
    let version = arrival.header(names::PROTOCOL_VERSION);
    let checked = check_session_revision(version.as_deref(), session.revision);
    match body {
        Body::One(message) => {
            if let Err(refusal) = checked {
                let id = message.id().filter(|_| message.kind() == Kind::Request);
                return gateway.refuse(id, &refusal);
            }
            if message.kind() == Kind::Request {
                return requests(gateway, &arrival, &session, vec![message], None).await;
            }
            hear(gateway, &session, message);
            reply::accepted()
        }
        Body::Batch(elements) => {
            let checked = checked.and_then(|()| check_batch(&elements, Some(session.revision)));
            if let Err(refusal) = checked {
                return gateway.refuse(None, &refusal);
            }
            let (messages, failures) = sorted(gateway, &session, elements);
            if messages.is_empty() && failures.is_empty() {
                return reply::accepted();
            }
            requests(gateway, &arrival, &session, messages, Some(failures)).await
        }
    }
}

/// Hears the notifications and answers of a batch at once; returns its requests, and what is to
/// be said of the elements that are none of these.
pub(super) fn sorted(
    gateway: &Arc<Gateway>,
    session: &Arc<Session>,
    elements: Vec<Result<Message, ParseError>>,
) -> (Vec<Message>, Vec<Bytes>) {
    let (mut messages, mut failures) = (Vec::new(), Vec::new());
    for element in elements {
        match element {
            Ok(message) if message.kind() == Kind::Request => messages.push(message),
            Ok(message) => hear(gateway, session, message),
            Err(error) => {
                failures.push(causes::failure(error.id.as_ref(), &reply::malformed(error.error)));
            }
        }
    }
    (messages, failures)
}

/// Takes a notification, or the answer to a question.
pub(super) fn hear(gateway: &Arc<Gateway>, session: &Arc<Session>, message: Message) {
    match (message.kind(), message.method()) {
        (Kind::Response | Kind::Error, _) => {
            let id = message.id().cloned();
            if !session.answer(message) {
                gantry_core::log::debug!(?id, "An answer to no open question was ignored.");
            }
        }
        (_, method::INITIALIZED) => {}
        (_, method::CANCELLED) => {
            if let Some(id) = message.param("requestId").and_then(Id::read) {
                session.cancel(&id);
            }
        }
        _ => crate::dispatch::client_notification(gateway, session.id, &message),
    }
}

/// Serves requests that came in one body; `batch` holds what is to be answered besides.
async fn requests(
    gateway: &Arc<Gateway>,
    arrival: &Arrival,
    session: &Arc<Session>,
    messages: Vec<Message>,
    batch: Option<Vec<Bytes>>,
) -> Response<ReplyBody> {
    let is_batch = batch.is_some();
    let failures = batch.unwrap_or_default();
    let gone = CancellationToken::new();
    let count = messages.len() + failures.len();
    let exchange = Arc::new(Exchange::new(count, arrival.accepts.events, gone.clone()));
    let guard = gone.drop_guard();
    for failure in failures {
        exchange.finish(Some(failure)).await;
    }
    for message in messages {
        let job = Job {
            gateway: Arc::clone(gateway),
            origin: arrival.origin.clone(),
            session: Arc::clone(session),
            exchange: Arc::clone(&exchange),
        };
        if is_quick(message.method()) {
            // Behind a pointer: the future of a call is large, and most requests are spawned.
            Box::pin(job.run(message)).await;
        } else {
            let names = correlation::current();
            gateway.tasks.spawn("legacy-call", correlation::within(names, job.run(message)));
        }
    }
    if arrival.accepts.events {
        tokio::select! {
            biased;
            () = exchange.ready() => {}
            () = tokio::time::sleep(HEAD_WAIT) => {}
        }
    } else {
        exchange.ready().await;
    }
    let mut body = None;
    let reading = arrival.reading(session.revision);
    let settled = exchange.settle(arrival.accepts.json, |first| {
        let replays = &gateway.hub.replays;
        // A session that has just ended has no streams; this one is then nobody's but the reader's.
        let streams = session.streams(replays, reading.limits);
        let streams = streams.unwrap_or_else(|| Streams::new(replays, reading.limits));
        let (feed, events) = streams.begin(reading, first);
        body = Some(events);
        Sink::feed(feed)
    });
    match (settled, body) {
        (Settled::Answers(answers), _) => match answers.as_slice() {
            // Every request was cancelled: there is nothing to say.
            [] => reply::accepted(),
            [answer] if !is_batch => reply::answer(arrival.accepts, 200, answer.clone()),
            answers => reply::answer(arrival.accepts, 200, array(answers)),
        },
        (Settled::Stream, Some(body)) => {
            // A client that goes away now may come again for the rest.
            guard.disarm();
            body.holding(gateway.count_stream()).into_response()
        }
        (Settled::Stream, None) => reply::accepted(),
    }
}

/// Tells whether a request is answered by the gateway itself, at once.
fn is_quick(name: &str) -> bool {
    matches!(name, method::PING | method::LOGGING_SET_LEVEL) || lists::section_of(name).is_some()
}

/// One request of a session, to be run.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) gateway: Arc<Gateway>,
    pub(super) origin: Origin,
    pub(super) session: Arc<Session>,
    pub(super) exchange: Arc<Exchange>,
}

impl Job {
    /// Carries the request out and gives its answer to the exchange; none if it is cancelled.
    pub(super) async fn run(self, message: Message) {
        let Some(id) = message.id().cloned() else { return };
        let Some(slot) = self.session.open_call(id.clone()) else {
            let error = Session::too_many_calls();
            return self.exchange.finish(Some(causes::failure(Some(&id), &error))).await;
        };
        let cancelled = slot.cancelled.clone();
        let over = cancelled.child_token();
        let context = self.context(&message, cancelled.clone(), over.clone());
        let answer = tokio::select! {
            biased;
            answer = self.answer(&context, &id, message) => Some(answer),
            () = cancelled.cancelled() => None,
        };
        over.cancel();
        drop(slot);
        let answer = match answer {
            answer if !cancelled.is_cancelled() => answer,
            // Whatever it says now, it says because it was cancelled.
            _ if self.session.is_ending() => Some(causes::failure(Some(&id), &reply::ending())),
            // Whoever cancelled does not want to hear that it worked.
            _ => None,
        };
        self.exchange.finish(answer).await;
    }

    fn context(
        &self,
        message: &Message,
        cancelled: CancellationToken,
        over: CancellationToken,
    ) -> CallContext {
        let link = CallLink {
            exchange: Arc::clone(&self.exchange),
            token: token_of(message),
            client: Client::Legacy {
                session: Arc::clone(&self.session),
                traffic: Arc::clone(&self.gateway.traffic),
            },
            over,
            metrics: Arc::clone(&self.gateway.metrics),
        };
        CallContext {
            request_id: Arc::clone(&self.origin.request_id),
            principal: Arc::clone(&self.origin.principal),
            address: self.origin.address,
            caller: self.session.caller(),
            client: Arc::new(link),
            trace: traces::begin(&self.gateway, self.origin.came(), self.session.revision, message),
            cancelled,
        }
    }

    async fn answer(&self, context: &CallContext, id: &Id, message: Message) -> Bytes {
        let name = message.method();
        let is_carried = !is_quick(name)
            && !matches!(name, method::RESOURCES_SUBSCRIBE | method::RESOURCES_UNSUBSCRIBE);
        if is_carried {
            // Watched where its provider is known.
            return self.carried(context, message).await;
        }
        let watched = self.gateway.tap.from_client(Whose::of(context), &message, None);
        let own = self.own(context, &message).await;
        if let Err(error) = &own {
            traces::refused(context, error);
        }
        let answer = reply::own_message(id, own);
        if let Some(watched) = watched {
            watched.answered(&answer);
        }
        answer
    }

    /// Carries out what a provider answers.
    async fn carried(&self, context: &CallContext, message: Message) -> Bytes {
        let Some(id) = message.id().cloned() else { return Bytes::new() };
        let registry = &self.gateway.registry;
        let Some(view) = registry.view_for(&self.session.view, context, false).await else {
            let error = unknown_view(&self.session.view).error;
            traces::refused(context, &error);
            return reply::own_message(&id, Err(error));
        };
        crate::dispatch::carry(&self.gateway, &view, context, message).await.bytes
    }

    /// Makes the result of what the gateway answers itself.
    async fn own(&self, context: &CallContext, message: &Message) -> Result<Bytes, RpcError> {
        match message.method() {
            method::PING => Ok(Bytes::from_static(b"{}")),
            method::LOGGING_SET_LEVEL => self.set_level(context, message),
            method::RESOURCES_SUBSCRIBE => self.subscribe(context, message).await,
            method::RESOURCES_UNSUBSCRIBE => self.unsubscribe(message).await,
            name => {
                let registry = &self.gateway.registry;
                let view = registry.view_for(&self.session.view, context, true).await;
                match (view, lists::section_of(name)) {
                    (Some(view), Some(section)) => {
                        lists::answer(&self.gateway, &view, context, section, message)
                    }
                    _ => Err(unknown_view(&self.session.view).error),
                }
            }
        }
    }

    fn set_level(&self, context: &CallContext, message: &Message) -> Result<Bytes, RpcError> {
        let name = message.param_string("level").unwrap_or_default();
        let level = Level::parse(&name)
            .ok_or_else(|| RpcError::invalid_params(format!("unknown log level: `{name}`")))?;
        self.session.set_level(&name, level);
        self.gateway.keeper.note(&self.session);
        let (gateway, context, name) =
            (Arc::clone(&self.gateway), context.clone(), name.into_owned());
        // Upstreams are told beside the answer, which does not depend on theirs.
        self.gateway.tasks.spawn_until_stop("set-level", async move {
            crate::dispatch::set_level(&gateway, &context, &name).await;
        });
        Ok(Bytes::from_static(b"{}"))
    }

    async fn subscribe(&self, context: &CallContext, message: &Message) -> Result<Bytes, RpcError> {
        let uri = uri_of(message)?;
        self.gateway.subscribe_session(&self.session, context, &uri).await?;
        self.gateway.keeper.note(&self.session);
        Ok(Bytes::from_static(b"{}"))
    }

    async fn unsubscribe(&self, message: &Message) -> Result<Bytes, RpcError> {
        let uri = uri_of(message)?;
        if let Unsubscribed::Last(subscription) = self.session.unsubscribe(&uri) {
            self.gateway.hub.unwatch_session(self.session.id, &subscription, &uri);
            crate::dispatch::unsubscribe(&self.gateway, &subscription, &uri).await;
        }
        self.gateway.keeper.note(&self.session);
        Ok(Bytes::from_static(b"{}"))
    }
}

fn uri_of(message: &Message) -> Result<String, RpcError> {
    let uri = message.param_string("uri").map(std::borrow::Cow::into_owned);
    uri.ok_or_else(|| RpcError::invalid_params("`params.uri` must be a string"))
}
