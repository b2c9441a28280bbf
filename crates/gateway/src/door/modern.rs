//! A request of a modern client, whatever carried it: stateless, answered where it stands.
//!
//! On the hot path nothing is spawned and nothing is queued: a call that says nothing before its
//! result is awaited in the request's own future, so that a lost connection drops it, which
//! cancels it.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use gantry_core::{CallContext, Caller};
use gantry_protocol::capabilities::Profile;
use gantry_protocol::headers::PARAM_PREFIX;
use gantry_protocol::{Id, Message, Revision, RpcError, meta, method};
use gantry_transport::server::ReplyBody;
use http::{HeaderMap, Response};
use tokio_util::sync::CancellationToken;

use super::exchange::{Exchange, Settled};
use super::greeting::discover_result;
use super::http::Arrival;
use super::link::{CallLink, Client, token_of};
use super::sessions::unknown_view;
use super::{HEAD_WAIT, Origin, listen, lists, reply};
use crate::Gateway;
use crate::causes;
use crate::dispatch::{self, Reply};
use crate::hub::{Level, Sink};
use crate::snapshot::View;
use crate::tap::Whose;
use crate::traces;

/// Serves a modern request that came by POST and was checked.
pub(super) async fn post(
    gateway: &Arc<Gateway>,
    arrival: Arrival,
    revision: Revision,
    message: Message,
) -> Response<ReplyBody> {
    let Some(id) = message.id().cloned() else { return reply::accepted() };
    let gone = CancellationToken::new();
    let exchange = Arc::new(Exchange::new(1, arrival.accepts.events, gone));
    let mut context = context(gateway, &arrival.origin, revision, &message, &exchange);
    if message.method() == method::TOOLS_CALL
        && let Some(caller) = Arc::get_mut(&mut context.caller)
    {
        caller.param_headers = Some(param_headers(&arrival.headers));
    }
    if message.method() == method::SUBSCRIPTIONS_LISTEN {
        return Box::pin(listen::post(gateway, &arrival, context, &message)).await;
    }
    let Some(view) = view_of(gateway, &arrival.origin, &context, message.method()).await else {
        return gateway.refuse(Some(&id), &unknown_view(&arrival.origin.view));
    };
    if let Some(own) = own(gateway, &view, &context, &message) {
        if let Err(error) = &own {
            traces::refused(&context, error);
        }
        return reply::own(arrival.accepts, &id, own);
    }
    let carried = Box::pin(carried(gateway, view, context, message));
    call(gateway, &arrival, exchange, id, carried).await
}

/// Returns the view that a request is answered from. Whoever asks what there is waits for servers
/// that were never heard; a call does not.
pub(super) async fn view_of(
    gateway: &Gateway,
    origin: &Origin,
    context: &CallContext,
    name: &str,
) -> Option<Arc<View>> {
    let wait = name == method::SERVER_DISCOVER || lists::section_of(name).is_some();
    gateway.registry.view_for(&origin.view, context, wait).await
}

/// Makes the context of a modern request.
pub(super) fn context(
    gateway: &Gateway,
    origin: &Origin,
    revision: Revision,
    message: &Message,
    exchange: &Arc<Exchange>,
) -> CallContext {
    let share = |raw: &[u8]| message.bytes().slice_ref(raw);
    let claim = meta::read_claim(message);
    let capabilities = claim.as_ref().and_then(|claim| claim.capabilities).unwrap_or(b"{}");
    let level = claim.as_ref().and_then(|claim| claim.log_level.as_deref());
    let caller = Caller {
        revision,
        capabilities: match capabilities {
            b"{}" => Bytes::from_static(b"{}"),
            raw => share(raw),
        },
        profile: match capabilities {
            b"{}" => Profile::EMPTY,
            raw => Profile::read(raw),
        },
        info: claim.as_ref().and_then(|claim| claim.client_info).map(share),
        log_level: level.map(Box::from),
        session: None,
        param_headers: None,
    };
    let link = CallLink {
        exchange: Arc::clone(exchange),
        token: token_of(message),
        client: Client::Modern { level: level.and_then(Level::parse) },
        over: exchange.gone.clone(),
        metrics: Arc::clone(&gateway.metrics),
    };
    CallContext {
        request_id: Arc::clone(&origin.request_id),
        principal: Arc::clone(&origin.principal),
        address: origin.address,
        caller: Arc::new(caller),
        client: Arc::new(link),
        trace: traces::begin(gateway, origin.came(), revision, message),
        cancelled: exchange.gone.clone(),
    }
}

/// Takes the headers that repeat arguments of a tool; one that is no text has no valid value.
fn param_headers(headers: &HeaderMap) -> Vec<(Box<str>, Box<str>)> {
    let sent = headers.iter().filter(|(name, _)| name.as_str().starts_with(PARAM_PREFIX));
    sent.map(|(name, value)| {
        (Box::from(name.as_str()), Box::from(String::from_utf8_lossy(value.as_bytes())))
    })
    .collect()
}

/// Returns the raw result of a request that the gateway answers by itself.
pub(super) fn own(
    gateway: &Gateway,
    view: &View,
    context: &CallContext,
    message: &Message,
) -> Option<Result<Bytes, RpcError>> {
    let section = match message.method() {
        method::SERVER_DISCOVER => None,
        name => Some(lists::section_of(name)?),
    };
    let watched = gateway.tap.from_client(Whose::of(context), message, None);
    let answer = match section {
        Some(section) => lists::answer(gateway, view, context, section, message),
        None => Ok(discover_result(view)),
    };
    if let (Some(watched), Some(id)) = (watched, message.id()) {
        watched.answered(&reply::own_message(id, answer.clone()));
    }
    Some(answer)
}

/// The call as a future that owns what it needs.
pub(super) fn carried(
    gateway: &Arc<Gateway>,
    view: Arc<View>,
    context: CallContext,
    message: Message,
) -> impl Future<Output = Reply> + Send + 'static {
    let gateway = Arc::clone(gateway);
    async move { dispatch::carry(&gateway, &view, &context, message).await }
}

/// Awaits a call: its result becomes a plain answer, unless something is said before it or it
/// takes long.
async fn call(
    gateway: &Arc<Gateway>,
    arrival: &Arrival,
    exchange: Arc<Exchange>,
    id: Id,
    mut call: Pin<Box<impl Future<Output = Reply> + Send + 'static>>,
) -> Response<ReplyBody> {
    if !arrival.accepts.events {
        return reply::carried(arrival.accepts, call.await);
    }
    let first = tokio::select! {
        biased;
        reply = &mut call => Some(reply),
        () = exchange.ready() => None,
        () = tokio::time::sleep(HEAD_WAIT) => None,
    };
    if let Some(reply) = first {
        if !exchange.spoke() {
            return reply::carried(arrival.accepts, reply);
        }
        exchange.finish(Some(reply.bytes)).await;
        return stream(gateway, arrival, &exchange);
    }
    let response = stream(gateway, arrival, &exchange);
    let stopping = gateway.tasks.stopping().clone();
    gateway.tasks.spawn("modern-call", async move {
        tokio::select! {
            biased;
            reply = call => exchange.finish(Some(reply.bytes)).await,
            () = exchange.gone.cancelled() => {}
            () = stopping.cancelled() => {
                exchange.finish(Some(causes::failure(Some(&id), &reply::ending()))).await;
            }
        }
    });
    response
}

/// Turns an exchange into a stream, whose end is the end of the call.
fn stream(gateway: &Gateway, arrival: &Arrival, exchange: &Exchange) -> Response<ReplyBody> {
    let (sink, body) = Sink::events(arrival.keep_alive);
    let settled = exchange.settle(false, |first| {
        sink.begin(first);
        sink
    });
    debug_assert!(matches!(settled, Settled::Stream), "an exchange is settled once");
    let guard = exchange.gone.clone().drop_guard();
    body.holding((guard, gateway.count_stream())).into_response()
}
