//! The link with a modern upstream: no session, an envelope in every request.
//!
//! Over HTTP nothing is kept: each request is an exchange of its own, and closing its connection
//! cancels it. Over stdio one child serves all calls, told apart by their ids.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use gantry_core::{BoxFuture, CallContext, NoClient, Outcome, ProviderError, RawResult, Request};
use gantry_protocol::capabilities::{Profile, for_modern_request};
use gantry_protocol::message::{Body, Kind};
use gantry_protocol::meta::{self, Envelope, EnvelopeChange, Outgoing, ResultType, TokenChange};
use gantry_protocol::param_headers::ParamHeaders;
use gantry_protocol::tool::Item;
use gantry_protocol::{Era, Id, Message, code, message, method};
use gantry_transport::client::http::{
    EventStream, HttpUpstream, McpHeaders, PostedKind, StreamError,
};
use gantry_transport::client::stdio::Pipe;
use gantry_transport::client::{Inbound, number};
use http::{HeaderName, HeaderValue};
use parking_lot::RwLock;

use super::flight::{Flight, Flights, Patience, next_id};
use super::lane::exchange::{bad_answer, http_failed, not_an_answer, too_large};
use super::offers::{Asker, Greeting, Stale};
use super::shared::Shared;
use crate::census::CallCensus;

/// What deployed legacy servers answer to what has no session, or has one that they do not know.
const NO_SESSION: i64 = -32000;
const SESSION_NOT_FOUND: i64 = -32001;

/// A modern upstream, reached.
#[derive(Debug)]
pub(super) struct ModernLink {
    pub(super) greeting: Greeting,
    /// Whether it speaks legacy revisions as well.
    pub(super) dual: bool,
    pub(super) shared: Arc<Shared>,
    pub(super) wire: ModernWire,
    flights: Flights,
    /// Which arguments of which tool are repeated in headers.
    param_headers: RwLock<HashMap<Box<str>, ParamHeaders>>,
    pub(super) listens: super::listen::Listens,
}

/// What carries the link.
#[derive(Debug)]
pub(super) enum ModernWire {
    Http(Arc<HttpUpstream>),
    Stdio(Arc<Pipe>),
}

/// A client's call.
#[derive(Clone, Copy)]
struct Call<'a> {
    context: &'a CallContext,
    request: &'a Request,
}

/// A request on the wire, and the id under which its answer comes.
#[derive(Clone, Copy)]
struct Exchange<'a> {
    flight: &'a Flight,
    id: Option<&'a Id>,
}

impl ModernLink {
    pub(super) fn new(
        shared: &Arc<Shared>,
        greeting: Greeting,
        dual: bool,
        wire: ModernWire,
    ) -> Arc<Self> {
        let link = Arc::new(Self {
            greeting,
            dual,
            shared: Arc::clone(shared),
            wire,
            flights: Flights::default(),
            param_headers: RwLock::default(),
            listens: super::listen::Listens::default(),
        });
        if let ModernWire::Stdio(pipe) = &link.wire {
            let ear: Arc<dyn Inbound> = Arc::new(Ear(Arc::downgrade(&link)));
            pipe.attach(ear);
        }
        link
    }

    /// Returns how many calls of clients are open on it.
    pub(super) fn n_calls(&self) -> usize {
        self.flights.n_of_clients()
    }

    /// Returns the child that carries the link.
    pub(super) fn pipe(&self) -> Option<&Arc<Pipe>> {
        match &self.wire {
            ModernWire::Stdio(pipe) => Some(pipe),
            ModernWire::Http(_) => None,
        }
    }

    /// Lists the open calls.
    pub(super) fn census(&self) -> Vec<CallCensus> {
        self.flights.census()
    }

    /// Carries out a client's request.
    pub(super) async fn handle(
        &self,
        context: &CallContext,
        request: &Request,
    ) -> Result<Outcome, ProviderError> {
        let answer = self.call(context, request).await;
        // It speaks of this hop: our idea of the tool's headers is old. Nothing ran.
        let answer = match answer {
            Err(error) if is_header_mismatch(&error) => {
                self.relearn().await;
                self.call(context, request).await.map_err(|error| match error {
                    error if is_header_mismatch(&error) => ProviderError::Unavailable {
                        reason: "header_mismatch",
                        message: "it refuses the headers that its own schema asks for".to_owned(),
                        unsent: true,
                    },
                    error => error,
                })
            }
            answer => answer,
        }?;
        match meta::result_type(&answer.message) {
            ResultType::Complete | ResultType::Task => Ok(Outcome::Complete(answer)),
            ResultType::InputRequired => Ok(Outcome::NeedsInput(answer)),
            ResultType::Unknown(kind) => {
                Err(bad_answer(&format!("its result has the unknown `resultType` `{kind}`")))
            }
        }
    }

    async fn call(
        &self,
        context: &CallContext,
        request: &Request,
    ) -> Result<RawResult, ProviderError> {
        // Every POST is an exchange of its own, so the client's id may stay; a pipe is shared.
        let fresh = next_id();
        let id = matches!(self.wire, ModernWire::Stdio(_)).then_some(fresh);
        let flight = Flight {
            id: fresh,
            link: Arc::clone(&context.client),
            session: None,
            of_client: true,
            request_id: Some(Arc::clone(&context.request_id)),
            carrier: false,
            patience: Patience::new(request.timeout.unwrap_or(self.shared.spec.timeout)),
        };
        let bytes = self.outgoing(context, request, id);
        let boarded = self.flights.board(flight);
        let flight = &boarded.flight;
        let exchange = async {
            match &self.wire {
                ModernWire::Http(http) => {
                    self.client_by_http(http, Call { context, request }, flight, bytes).await
                }
                ModernWire::Stdio(pipe) => self.by_pipe(pipe, bytes, flight).await,
            }
        };
        tokio::select! {
            biased;
            answer = exchange => answer,
            after = flight.patience.run_out() => Err(ProviderError::TimedOut { after }),
            () = context.cancelled.cancelled() => Err(ProviderError::Cancelled),
        }
    }

    fn outgoing(&self, context: &CallContext, request: &Request, id: Option<u64>) -> Bytes {
        let token = id.map(|id| id.to_string());
        let mut outgoing = Outgoing::new(&request.message);
        outgoing.id = id.map(Id::from);
        if let Some(token) = &token {
            outgoing.progress_token = TokenChange::Set(token.as_bytes());
        }
        outgoing.name = request.local_name.as_deref().map(|name| ("name", name));
        let span = context.trace.as_ref().map(|span| span.context().to_string());
        outgoing.traceparent = span.as_deref();
        let capabilities;
        if context.caller.era() == Era::Legacy {
            capabilities = for_modern_request(&context.caller.capabilities);
            outgoing.envelope = EnvelopeChange::ToModern(Envelope {
                revision: self.greeting.revision,
                capabilities: &capabilities,
                client_info: context.caller.info.as_deref(),
                log_level: context.caller.log_level.as_deref(),
            });
            return outgoing.to_bytes();
        }
        outgoing.to_bytes()
    }

    /// The headers that repeat arguments. Those that the schema does not know are the client's own
    /// affair: they go on as they came.
    fn param_headers(
        &self,
        context: &CallContext,
        message: &Message,
        tool: &str,
    ) -> Vec<(HeaderName, HeaderValue)> {
        if message.method() != method::TOOLS_CALL {
            return Vec::new();
        }
        let known = self.param_headers.read();
        let derived = known.get(tool);
        let own = derived.map(|derived| derived.values(message.param("arguments")));
        let own = own.into_iter().flatten().map(|(name, value)| (name.to_owned(), value));
        let sent = context.caller.param_headers.iter().flatten();
        let foreign = sent
            .filter(|(name, _)| derived.is_none_or(|derived| !derived.recognises(name)))
            .map(|(name, value)| (name.to_string(), value.to_string()));
        own.chain(foreign)
            .filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)))
            .collect()
    }

    async fn client_by_http(
        &self,
        http: &HttpUpstream,
        call: Call<'_>,
        flight: &Flight,
        bytes: Bytes,
    ) -> Result<RawResult, ProviderError> {
        let Call { context, request } = call;
        let message = &request.message;
        let name = match &request.local_name {
            Some(local) => Some(Cow::Borrowed(&**local)),
            None => method::routed_member(message.method())
                .and_then(|member| message.param_string(member)),
        };
        let routed = method::routed_member(message.method()).is_some();
        let name = name.filter(|_| routed);
        let extra = self.param_headers(context, message, name.as_deref().unwrap_or_default());
        let headers = McpHeaders {
            protocol_version: Some(self.greeting.revision.as_str()),
            method: Some(message.method()),
            name: name.as_deref(),
            extra: &extra,
            ..McpHeaders::default()
        };
        let exchange = Exchange { flight, id: message.id() };
        self.by_http(http, &headers, exchange, bytes).await
    }

    async fn by_http(
        &self,
        http: &HttpUpstream,
        headers: &McpHeaders<'_>,
        exchange: Exchange<'_>,
        bytes: Bytes,
    ) -> Result<RawResult, ProviderError> {
        let posted = http.post(bytes, headers, None).await.map_err(|error| {
            self.shared.suspect.notify_one();
            http_failed(&error)
        })?;
        match posted.kind {
            PostedKind::Json(body) => match Body::parse(body) {
                Ok(Body::One(message)) if is_legacy_refusal(posted.status, &message) => {
                    self.shared.suspect.notify_one();
                    Err(upstream_changed())
                }
                Ok(Body::One(message)) => self.read_answer(message),
                Ok(Body::Batch(_)) => Err(bad_answer("it answered with a batch")),
                Err(error) => Err(bad_answer(&format!("its reply is no message: {error}"))),
            },
            PostedKind::Stream(stream) => self.follow(stream, exchange).await,
            PostedKind::Accepted | PostedKind::Other { .. } => {
                self.shared.suspect.notify_one();
                Err(not_an_answer(posted.status))
            }
        }
    }

    async fn follow(
        &self,
        mut stream: Box<EventStream>,
        Exchange { flight, id }: Exchange<'_>,
    ) -> Result<RawResult, ProviderError> {
        loop {
            let event = match stream.next().await {
                Ok(Some(event)) if event.data.is_empty() => continue,
                Ok(Some(event)) => event,
                Err(error @ StreamError::TooLarge { .. }) => return Err(too_large(&error)),
                broken => {
                    let cause =
                        broken.err().map_or("it ended".to_owned(), |error| error.to_string());
                    return Err(ProviderError::Unavailable {
                        reason: "stream_broken",
                        message: format!("the stream of the answer broke: {cause}"),
                        unsent: false,
                    });
                }
            };
            let Ok(message) = Message::parse(event.data) else {
                gantry_core::log::warn!(upstream = %self.shared.spec.name, "An event is no message.");
                continue;
            };
            match message.kind() {
                Kind::Response | Kind::Error if message.id() == id || message.id().is_none() => {
                    self.shared.finish(stream);
                    return self.read_answer(message);
                }
                Kind::Notification => match message.method() {
                    // It concerns everybody, and everybody is told by us.
                    method::TOOLS_LIST_CHANGED
                    | method::PROMPTS_LIST_CHANGED
                    | method::RESOURCES_LIST_CHANGED => {
                        self.shared.offers.changed(message.method(), Stale::of_all());
                    }
                    method::PROGRESS => {
                        flight.patience.renew();
                        flight.link.notify(&message);
                    }
                    other => {
                        if other == method::MESSAGE {
                            self.shared.deps.outlet.logged(&self.shared.spec.name, &message);
                        }
                        flight.link.notify(&message);
                    }
                },
                // A modern server asks by its results, never by a request.
                _ => {
                    gantry_core::log::debug!(upstream = %self.shared.spec.name, "A message was dropped.");
                }
            }
        }
    }

    async fn by_pipe(
        &self,
        pipe: &Pipe,
        bytes: Bytes,
        flight: &Flight,
    ) -> Result<RawResult, ProviderError> {
        let id = flight.id;
        let answer = pipe.expect(id);
        let mut call = StdioCall { pipe, id, armed: true };
        let lost = |unsent| ProviderError::Unavailable {
            reason: "upstream_lost",
            message: pipe.why().why,
            unsent,
        };
        pipe.send(bytes).await.map_err(|_| lost(true))?;
        let Ok(answer) = answer.await else {
            pipe.closed().await;
            return Err(lost(false));
        };
        call.armed = false;
        self.read_answer(answer.map_err(|error| too_large(&error))?)
    }

    fn read_answer(&self, message: Message) -> Result<RawResult, ProviderError> {
        let revision = self.greeting.revision;
        if message.kind() == Kind::Error {
            return Err(ProviderError::Answered { message: Box::new(message), revision });
        }
        Ok(RawResult { message, revision })
    }

    /// Learns which arguments are repeated in headers. Returns the tools that may be offered: one
    /// whose annotations are invalid must not be (`basic/transports/streamable-http`).
    pub(super) fn learn(&self, tools: Vec<Item>) -> Vec<Item> {
        let mut known = HashMap::new();
        let mut valid = Vec::with_capacity(tools.len());
        for tool in tools {
            match ParamHeaders::of_tool(&tool.raw) {
                Ok(headers) => {
                    if !headers.is_empty() {
                        known.insert(tool.name.clone(), headers);
                    }
                    valid.push(tool);
                }
                Err(error) => gantry_core::log::warn!(
                    upstream = %self.shared.spec.name, tool = %tool.name, %error,
                    "A tool is left out: its `x-mcp-header` annotations are invalid."
                ),
            }
        }
        *self.param_headers.write() = known;
        valid
    }

    /// Reads the lists anew, for clients as well: they build the same headers from them.
    async fn relearn(&self) {
        match super::offers::fetch(self, &self.greeting).await {
            Ok(mut offer) => {
                offer.tools = self.learn(offer.tools);
                self.shared.publish(&Profile::EMPTY, offer).await;
            }
            Err(error) => {
                gantry_core::log::warn!(upstream = %self.shared.spec.name, %error, "Reading lists failed.");
            }
        }
    }

    /// The `params` of a request of our own, around these members.
    pub(super) fn own_params(&self, params: &[u8]) -> Vec<u8> {
        let info = crate::implementation();
        let envelope = Envelope {
            revision: self.greeting.revision,
            capabilities: b"{}",
            client_info: Some(&info),
            log_level: None,
        };
        let meta = envelope.to_meta();
        match gantry_protocol::ObjectEdit::read(params) {
            Some(mut edit) => {
                edit.set("_meta", meta.to_vec());
                edit.finish().to_vec()
            }
            None => [b"{\"_meta\":", &meta[..], b"}"].concat(),
        }
    }

    /// The headers of a request of our own that names nothing.
    pub(super) fn own_headers<'a>(&self, method: &'a str) -> McpHeaders<'a> {
        McpHeaders {
            protocol_version: Some(self.greeting.revision.as_str()),
            method: Some(method),
            ..McpHeaders::default()
        }
    }

    fn hear(&self, message: &Message) {
        if message.kind() != Kind::Notification {
            return;
        }
        if message.meta_raw(meta::SUBSCRIPTION_ID).is_some() {
            self.listens.hear(&self.shared, message);
            return;
        }
        if message.method() == method::MESSAGE {
            self.shared.deps.outlet.logged(&self.shared.spec.name, message);
        }
        let flight = match message.method() {
            method::PROGRESS => {
                let token = message.param("progressToken").and_then(Id::read);
                token.as_ref().and_then(number).and_then(|id| self.flights.get(id))
            }
            // Only the request that asked for a log gets it; with several open it is nobody's.
            method::MESSAGE => self.flights.only(),
            _ => None,
        };
        if let Some(flight) = flight {
            flight.patience.renew();
            flight.link.notify(message);
        }
    }
}

impl Asker for ModernLink {
    fn ask<'a>(
        &'a self,
        method: &'static str,
        params: Vec<u8>,
    ) -> BoxFuture<'a, Result<Bytes, ProviderError>> {
        Box::pin(async move {
            let id = next_id();
            let bytes = message::request(&Id::from(id), method, &self.own_params(&params));
            let flight = Flight {
                id,
                link: Arc::new(NoClient),
                session: None,
                of_client: false,
                request_id: None,
                carrier: false,
                patience: Patience::new(self.shared.spec.timeout),
            };
            let watched = self.shared.deps.tap.own(&self.shared.spec.name, &bytes);
            let exchange = async {
                match &self.wire {
                    ModernWire::Http(http) => {
                        let headers = self.own_headers(method);
                        let id = Id::from(id);
                        let exchange = Exchange { flight: &flight, id: Some(&id) };
                        self.by_http(http, &headers, exchange, bytes).await
                    }
                    ModernWire::Stdio(pipe) => self.by_pipe(pipe, bytes, &flight).await,
                }
            };
            let answer = tokio::select! {
                answer = exchange => answer,
                after = flight.patience.run_out() => Err(ProviderError::TimedOut { after }),
            };
            watched.ended(&answer);
            let answer = answer?;
            Ok(Bytes::copy_from_slice(answer.result()))
        })
    }
}

/// What a pipe speaks to: it must not keep its link alive.
#[derive(Debug)]
struct Ear(std::sync::Weak<ModernLink>);

impl Inbound for Ear {
    fn receive(&self, message: Message) {
        if let Some(link) = self.0.upgrade() {
            link.hear(&message);
        }
    }
}

/// Cancels a call at the child when it ends before its answer.
struct StdioCall<'a> {
    pipe: &'a Pipe,
    id: u64,
    armed: bool,
}

impl Drop for StdioCall<'_> {
    fn drop(&mut self) {
        self.pipe.forget(self.id);
        if self.armed && !self.pipe.is_closed() {
            self.pipe.offer(super::lane::cancelled(self.id, "the client went away"));
        }
    }
}

/// Another server has taken the place of the one whose era was found out.
pub(super) fn upstream_changed() -> ProviderError {
    ProviderError::Unavailable {
        reason: "upstream_changed",
        message: "it does not speak the revision that it spoke before".to_owned(),
        unsent: true,
    }
}

/// Tells whether a refusal is one that legacy servers have for what has no session, and that no
/// modern server makes of the requests that we send. -32022 is one, since the revision was agreed.
fn is_legacy_refusal(status: http::StatusCode, message: &Message) -> bool {
    let Some(error) = message.rpc_error() else { return false };
    error.code == code::UNSUPPORTED_PROTOCOL_VERSION
        || (matches!(status.as_u16(), 400 | 404)
            && matches!(error.code, NO_SESSION | SESSION_NOT_FOUND | code::INVALID_REQUEST))
}

fn is_header_mismatch(error: &ProviderError) -> bool {
    matches!(error, ProviderError::Answered { message, .. }
        if message.rpc_error().is_some_and(|error| error.code == code::HEADER_MISMATCH))
}
