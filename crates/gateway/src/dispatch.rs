//! A request on its way to its provider and its answer on the way back.
//!
//! [`carry`] routes on one view, [`call_stack`] decides what may run and how long, and [`reply`]
//! says the outcome in the caller's own era. Nothing here knows HTTP streams or sessions: see
//! [`door`](crate::door).

mod call_stack;
mod reply;

use std::sync::Arc;

use bytes::Bytes;
use gantry_core::session::SessionId;
use gantry_core::{CallContext, ErrorCode, Request};
use gantry_protocol::{Message, Object, RpcError, json, method};

use crate::Gateway;
use crate::causes;
use crate::governance::audit::Call;
use crate::governance::traffic::Waiting;
use crate::governance::{access, audit};
use crate::snapshot::{Section, Target, View};
use crate::tap::{Direction, Side, Whose};
use crate::traces;
use crate::upstream::Held;
use crate::upstream::scope::LaneKey;

/// An answer, ready for the caller.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The whole message, under the client's id.
    pub bytes: Bytes,
    /// The HTTP status for modern clients; legacy ones always get 200.
    pub status: u16,
    /// When to come again, if there is no room now; for the head of an answer by HTTP.
    pub waiting: Option<Box<Waiting>>,
}

/// A resource that a client is told of.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// The server that announces it.
    pub upstream: Box<str>,
    /// Where it is held there.
    pub held: Held,
}

impl Subscription {
    /// Returns the lane that it is heard on; `None` for the listen stream of a modern upstream, and
    /// for what this process announces itself.
    pub fn lane(&self) -> Option<&LaneKey> {
        match &self.held {
            Held::Lane(key) => Some(key),
            Held::Listen | Held::Own(_) => None,
        }
    }

    /// Returns its number, if this process announces the resource itself.
    pub(crate) fn own(&self) -> Option<u64> {
        match &self.held {
            Held::Own(announced) => Some(announced.number()),
            Held::Listen | Held::Lane(_) => None,
        }
    }
}

impl Reply {
    fn error(message: &Message, status: u16, error: &RpcError) -> Self {
        Self::new(causes::failure(message.id(), error), status)
    }

    /// Makes a reply that tells nothing but its message.
    pub(crate) fn new(bytes: Bytes, status: u16) -> Self {
        Self { bytes, status, waiting: None }
    }
}

/// Carries out a request that providers answer: `tools/call`, `prompts/get`, `resources/read`,
/// `completion/complete`. Everything else is an unknown method, except in a view of one server,
/// where extension methods go to it.
pub async fn carry(
    gateway: &Gateway,
    view: &View,
    context: &CallContext,
    message: Message,
) -> Reply {
    let later;
    let mut view = view;
    let mut routed = route(view, &message);
    if routed.as_ref().is_err_and(|refusal| refusal.may_come) {
        later = look_again(gateway, view, context).await;
        if let Some(later) = &later {
            view = later;
            routed = route(view, &message);
        }
    }
    let server = routed.as_ref().ok().map(|target| &target.server.name);
    let secrecy = routed.as_ref().map(Target::secrecy).unwrap_or_default();
    let whose = Whose::of(context).with(secrecy);
    let watched = gateway.tap.from_client(whose, &message, server);
    let reply = match routed {
        Ok(target) => {
            traces::routed(context, &target, &message);
            carry_to(gateway, view, &target, context, message).await
        }
        Err(refusal) => {
            traces::refused(context, &refusal.error);
            let error = audit::refused(gateway, context, (&message, secrecy), refusal.error).await;
            Reply::error(&message, refusal.status, &error)
        }
    };
    if let Some(watched) = watched {
        watched.answered(&reply.bytes);
    }
    reply
}

/// Carries a request out whose provider is found.
async fn carry_to(
    gateway: &Gateway,
    view: &View,
    target: &Target<'_>,
    context: &CallContext,
    message: Message,
) -> Reply {
    if let Err(error) = check_param_headers(view, context, &message) {
        traces::refused(context, &error);
        let sent = (&message, target.secrecy());
        let error = audit::refused(gateway, context, sent, causes::explained(error)).await;
        return Reply::error(&message, 400, &error);
    }
    let renamed = match method::routed_member(message.method()) {
        Some("name") => !message.param_is("name", &target.local),
        Some(_) => false,
        None => message.method() == method::COMPLETION_COMPLETE && completes_prompt(&message),
    };
    let local_name = renamed.then(|| Arc::clone(&target.local));
    let request = Request { local_name, message, timeout: None };
    let message = request.message.clone();
    let call = Call { target, context, message: &message };
    let outcome = call_stack::run(gateway, call, request).await;
    reply::of(context, target, &message, outcome)
}

struct Refusal {
    status: u16,
    error: RpcError,
    /// Whether a server that was never heard could know what is asked for.
    may_come: bool,
}

impl From<RpcError> for Refusal {
    fn from(error: RpcError) -> Self {
        Self { status: 200, error, may_come: true }
    }
}

/// Waits for what was never heard, like the first list does: a client that knows a tool from an
/// earlier process, or from another replica, must not be told that there is none. `None` if there
/// is nothing to wait for.
async fn look_again(gateway: &Gateway, view: &View, context: &CallContext) -> Option<Arc<View>> {
    let later = Box::pin(gateway.registry.view_for(&view.name, context, true)).await?;
    (!std::ptr::eq(&raw const *later, view)).then_some(later)
}

/// Checks that the headers of a modern call repeat the arguments as the tool's schema asks
/// (2026-07-28 `basic/transports/streamable-http`, Custom Headers from Tool Parameters).
fn check_param_headers(
    view: &View,
    context: &CallContext,
    message: &Message,
) -> Result<(), RpcError> {
    // Only calls over HTTP have any.
    let Some(sent) = &context.caller.param_headers else { return Ok(()) };
    if !view.has_param_headers() {
        return Ok(());
    }
    let name = message.param_string("name").unwrap_or_default();
    let Some(known) = view.param_headers(&name) else { return Ok(()) };
    known.check(message.param("arguments"), |header| {
        let mut values = sent.iter().filter(|(name, _)| **name == *header);
        let (_, value) = values.next()?;
        // Of two values it is not clear which one was meant.
        values.next().is_none().then_some(&**value)
    })
}

/// Finds the provider of a request.
fn route<'a>(view: &'a View, message: &Message) -> Result<Target<'a>, Refusal> {
    let missing =
        |what: &str| RpcError::invalid_params(format!("`params.{what}` must be a string"));
    match message.method() {
        method::TOOLS_CALL => {
            let name = message.param_string("name").ok_or_else(|| missing("name"))?;
            view.resolve(Section::Tools, &name).ok_or_else(|| unknown_tool(&name).into())
        }
        method::PROMPTS_GET => {
            let name = message.param_string("name").ok_or_else(|| missing("name"))?;
            view.resolve(Section::Prompts, &name).ok_or_else(|| unknown("prompt", &name).into())
        }
        method::RESOURCES_READ => {
            let uri = message.param_string("uri").ok_or_else(|| missing("uri"))?;
            Ok(view.resolve_uri(&uri)?)
        }
        method::COMPLETION_COMPLETE => Ok(route_completion(view, message)?),
        other => {
            let mut members = view.members();
            if let (true, Some(server), None) = (view.single, members.next(), members.next())
                && other.contains('/')
                && !method::is_legacy_request(other)
                && !method::is_modern_request(other)
                && let Some(target) = view.target_of_server(server)
            {
                return Ok(target);
            }
            // 404 is for modern clients alone; to a legacy one it would mean a lost session.
            let error = RpcError::method_not_found(other);
            Err(Refusal { status: 404, error, may_come: false })
        }
    }
}

/// Tells whether a completion names a prompt: resources are named by their URI, which is the same
/// everywhere.
fn completes_prompt(message: &Message) -> bool {
    message.param("ref").is_some_and(|raw| {
        Object::read(raw, 0..raw.len())
            .is_ok_and(|reference| reference.string(raw, "type").as_deref() == Some("ref/prompt"))
    })
}

fn route_completion<'a>(view: &'a View, message: &Message) -> Result<Target<'a>, RpcError> {
    let raw = message
        .param("ref")
        .ok_or_else(|| RpcError::invalid_params("`params.ref` must be an object"))?;
    let reference = Object::read(raw, 0..raw.len())
        .map_err(|_| RpcError::invalid_params("`params.ref` must be an object"))?;
    let text = |name: &str| reference.raw(raw, name).and_then(json::string);
    match text("type").as_deref() {
        Some("ref/prompt") => {
            let name = text("name")
                .ok_or_else(|| RpcError::invalid_params("`params.ref.name` must be a string"))?;
            view.resolve(Section::Prompts, &name).ok_or_else(|| unknown("prompt", &name))
        }
        Some("ref/resource") => {
            let uri = text("uri")
                .ok_or_else(|| RpcError::invalid_params("`params.ref.uri` must be a string"))?;
            match view.resolve(Section::Templates, &uri) {
                Some(target) => Ok(target),
                None => view.resolve_uri(&uri),
            }
        }
        _ => Err(RpcError::invalid_params(
            "`params.ref.type` must be `ref/prompt` or `ref/resource`",
        )),
    }
}

/// A tool that is hidden is answered in the same words as one that does not exist.
fn unknown(kind: &str, name: &str) -> RpcError {
    RpcError::invalid_params(format!("unknown {kind}: `{name}`"))
        .with_data(serde_json::json!({ "name": name }))
}

fn unknown_tool(name: &str) -> RpcError {
    causes::with_code(unknown("tool", name), ErrorCode::UnknownTool)
}

/// Subscribes a client to a resource.
pub async fn subscribe(
    gateway: &Gateway,
    view: &View,
    context: &CallContext,
    uri: &str,
) -> Result<Subscription, RpcError> {
    let later;
    let target = match view.resolve_uri(uri) {
        Ok(target) => target,
        Err(error) => {
            later = look_again(gateway, view, context).await.ok_or(error)?;
            later.resolve_uri(uri)?
        }
    };
    access::may_subscribe(gateway, &target, context)?;
    let refused =
        || RpcError::invalid_params(format!("the server does not announce changes of `{uri}`"));
    let Some(upstream) = &target.server.upstream else {
        let announced = target.server.provider.announce(context, uri).ok_or_else(refused)?;
        let upstream = (&*target.server.name).into();
        return Ok(Subscription { upstream, held: Held::Own(announced) });
    };
    match upstream.subscribe(context, uri).await {
        Ok(held) => Ok(Subscription { upstream: (&*target.server.name).into(), held }),
        Err(gantry_core::ProviderError::Refused(error)) => Err(error),
        Err(gantry_core::ProviderError::Answered { message, .. }) => {
            Err(message.rpc_error().unwrap_or_else(refused))
        }
        Err(error) => Err(RpcError::internal("upstream_failed", error.to_string())),
    }
}

/// Takes a subscription back.
pub async fn unsubscribe(gateway: &Gateway, subscription: &Subscription, uri: &str) {
    let upstreams = gateway.registry.upstreams();
    let named = upstreams.iter().find(|upstream| *upstream.spec().name == *subscription.upstream);
    if let Some(upstream) = named {
        upstream.unsubscribe(&subscription.held, uri).await;
    }
}

/// Makes upstreams log at least as verbosely as this session wants.
pub async fn set_level(gateway: &Gateway, context: &CallContext, level: &str) {
    for upstream in gateway.registry.upstreams() {
        upstream.set_level(context, level).await;
    }
}

/// A session ended: so do the lanes that were its own.
pub fn session_ended(gateway: &Gateway, session: SessionId) {
    for upstream in gateway.registry.upstreams() {
        upstream.session_ended(session);
    }
}

/// Passes a client's notification on to the lanes that are its own, in the background.
pub fn client_notification(gateway: &Gateway, session: SessionId, message: &Message) {
    gateway.tap.passed(Side::Client, Direction::In, None, message);
    let upstreams = gateway.registry.upstreams();
    let bytes = message.bytes().clone();
    gateway.tasks.spawn("client-notification", async move {
        for upstream in upstreams {
            upstream.client_notification(session, &bytes).await;
        }
    });
}
