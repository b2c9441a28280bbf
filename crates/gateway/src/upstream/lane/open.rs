//! Opens a lane: the handshake of a legacy session.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use bytes::Bytes;
use gantry_core::ProviderError;
use gantry_protocol::message::{Body, Kind, notification};
use gantry_protocol::verdict::{self, Verdict};
use gantry_protocol::{Id, Message, Revision, code, message, method};
use gantry_transport::client::Inbound;
use gantry_transport::client::http::{HttpError, HttpUpstream, McpHeaders, PostedKind};
use gantry_transport::client::sse::{self, SendError, SseLink};
use gantry_transport::client::stdio::Pipe;
use http::StatusCode;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::super::flight::{Flights, next_id};
use super::super::offers::Greeting;
use super::super::scope::{LaneKey, Scope};
use super::super::shared::Shared;
use super::exchange::{bad_answer, http_failed, not_an_answer, not_sent, stream_lost, too_large};
use super::level::Levels;
use super::{HttpWire, Lane, LaneEar, Wire};
use crate::tap::Own;

/// Why there is no session.
#[derive(Debug)]
pub(in crate::upstream) enum OpenError {
    /// The refusal of `initialize` says that the server is modern.
    Modern(Verdict),
    /// It refused `initialize` with an HTTP status and, where it gave one, a JSON-RPC code.
    Refused { status: u16, code: Option<i64>, why: String },
    /// Anything else.
    Failed(ProviderError),
}

/// Who the upstream is told is calling.
#[derive(Debug, Clone)]
pub(in crate::upstream) struct Introduction {
    pub(in crate::upstream) capabilities: Bytes,
    pub(in crate::upstream) info: Bytes,
}

impl Introduction {
    /// Gantry itself, declaring no more than the profile.
    pub(in crate::upstream) fn own(key: &LaneKey) -> Self {
        Self {
            capabilities: key.profile.to_capabilities(Revision::LATEST_LEGACY).into(),
            info: crate::implementation(),
        }
    }

    /// Makes the request for a session, which whoever watches sees.
    fn request(&self, shared: &Shared, id: u64) -> (Bytes, Own) {
        let request = message::request(&Id::from(id), method::INITIALIZE, &self.params());
        let watched = shared.deps.tap.own(&shared.spec.name, &request);
        (request, watched)
    }

    fn params(&self) -> Vec<u8> {
        let mut params = Vec::with_capacity(128 + self.capabilities.len() + self.info.len());
        params.extend_from_slice(br#"{"protocolVersion":""#);
        params.extend_from_slice(Revision::LATEST_LEGACY.as_str().as_bytes());
        params.extend_from_slice(br#"","capabilities":"#);
        params.extend_from_slice(&self.capabilities);
        params.extend_from_slice(br#","clientInfo":"#);
        params.extend_from_slice(&self.info);
        params.push(b'}');
        params
    }
}

impl Lane {
    /// Opens a session on a child that was not spoken to in another era.
    pub(in crate::upstream) async fn open_stdio(
        shared: &Arc<Shared>,
        key: LaneKey,
        introduction: &Introduction,
        pipe: Arc<Pipe>,
    ) -> Result<Arc<Self>, OpenError> {
        let id = next_id();
        let (request, watched) = introduction.request(shared, id);
        let answer = pipe.expect(id);
        let lost = |pipe: &Pipe| {
            OpenError::Failed(ProviderError::Unavailable {
                reason: "upstream_lost",
                message: pipe.why().why,
                unsent: true,
            })
        };
        pipe.send(request).await.map_err(|_| lost(&pipe))?;
        let answer = match tokio::time::timeout(shared.spec.timeout, answer).await {
            Ok(Ok(Ok(answer))) => answer,
            Ok(Ok(Err(error))) => {
                pipe.close();
                return Err(OpenError::Failed(too_large(&error)));
            }
            Ok(Err(_)) => {
                pipe.closed().await;
                return Err(lost(&pipe));
            }
            Err(_) => {
                pipe.close();
                return Err(OpenError::Failed(ProviderError::TimedOut {
                    after: shared.spec.timeout,
                }));
            }
        };
        watched.answered(answer.bytes());
        let greeting = read_greeting(&answer, 200)?;
        let turns = turns(&key);
        let lane = Self::new(shared, key, greeting, Wire::Stdio(Arc::clone(&pipe)), turns);
        let ear: Arc<dyn Inbound> = Arc::new(LaneEar(Arc::downgrade(&lane)));
        pipe.attach(ear);
        lane.greet().await?;
        Ok(lane)
    }

    /// Opens a session by the transport that is known for the upstream.
    pub(in crate::upstream) async fn open_at(
        shared: &Arc<Shared>,
        key: LaneKey,
        introduction: &Introduction,
        upstream: Arc<HttpUpstream>,
    ) -> Result<Arc<Self>, OpenError> {
        if shared.by_sse() {
            Self::open_sse(shared, key, introduction, &upstream).await
        } else {
            Self::open_http(shared, key, introduction, upstream).await
        }
    }

    /// Opens a session by HTTP+SSE. Dropped before it returns, it leaves no session.
    pub(in crate::upstream) async fn open_sse(
        shared: &Arc<Shared>,
        key: LaneKey,
        introduction: &Introduction,
        upstream: &HttpUpstream,
    ) -> Result<Arc<Self>, OpenError> {
        let spec = &shared.spec;
        let opened = SseLink::open(&spec.name, upstream, spec.probe_timeout, &shared.tasks).await;
        let (link, guard) = opened.map_err(|error| no_link(&error))?;
        let greeted =
            tokio::time::timeout(spec.timeout, greet_by_sse(shared, &link, introduction)).await;
        let timed_out = || OpenError::Failed(ProviderError::TimedOut { after: spec.timeout });
        let greeting = greeted.unwrap_or_else(|_| Err(timed_out()))?;
        let turns = turns(&key);
        let lane = Self::new(shared, key, greeting, Wire::Sse(Arc::clone(&link)), turns);
        link.attach(Arc::new(LaneEar(Arc::downgrade(&lane))));
        lane.greet().await?;
        guard.disarm();
        Ok(lane)
    }

    /// Opens a session over Streamable HTTP, and its standalone stream.
    pub(in crate::upstream) async fn open_http(
        shared: &Arc<Shared>,
        key: LaneKey,
        introduction: &Introduction,
        upstream: Arc<HttpUpstream>,
    ) -> Result<Arc<Self>, OpenError> {
        let (request, watched) = introduction.request(shared, next_id());
        let limit = Some(shared.spec.timeout);
        let posted = upstream
            .post(request, &McpHeaders::default(), limit)
            .await
            .map_err(|error| OpenError::Failed(http_failed(&error)))?;
        let status = posted.status.as_u16();
        let session = posted.session_id().map(str::to_owned);
        let answer = match posted.kind {
            PostedKind::Json(body) => parse(body, status)?,
            PostedKind::Stream(mut stream) => loop {
                let event = stream.next().await.map_err(|error| {
                    OpenError::Failed(bad_answer(&format!(
                        "the answer to `initialize` broke: {error}"
                    )))
                })?;
                let Some(event) = event else {
                    return Err(OpenError::Failed(bad_answer("`initialize` was not answered")));
                };
                if event.data.is_empty() {
                    continue;
                }
                let message = parse(event.data, status)?;
                if matches!(message.kind(), Kind::Response | Kind::Error) {
                    break message;
                }
            },
            PostedKind::Other { .. } if (400..500).contains(&status) => {
                return Err(refused(posted.status));
            }
            PostedKind::Accepted | PostedKind::Other { .. } => {
                return Err(OpenError::Failed(not_an_answer(posted.status)));
            }
        };
        watched.answered(answer.bytes());
        let greeting = read_greeting(&answer, status)?;
        let version =
            (greeting.revision >= Revision::V2025_06_18).then(|| greeting.revision.as_str());
        let wire = Wire::Http(Box::new(HttpWire { upstream, version, session }));
        let lane = Self::new(shared, key, greeting, wire, None);
        lane.greet().await?;
        lane.listen();
        Ok(lane)
    }

    fn new(
        shared: &Arc<Shared>,
        key: LaneKey,
        greeting: Greeting,
        wire: Wire,
        exclusive: Option<Semaphore>,
    ) -> Arc<Self> {
        Arc::new(Self {
            key,
            greeting,
            shared: Arc::clone(shared),
            wire,
            flights: Flights::default(),
            exclusive,
            callbacks: Mutex::default(),
            elicitations: Mutex::new(HashMap::new()),
            levels: Levels::default(),
            last_used: Mutex::new(Instant::now()),
            last_call: Mutex::new(None),
            changes: AtomicU32::new(0),
            closed: CancellationToken::new(),
            forgotten: CancellationToken::new(),
        })
    }

    async fn greet(self: &Arc<Self>) -> Result<(), OpenError> {
        let initialized = notification(method::INITIALIZED, b"");
        self.deliver(initialized).await.map_err(OpenError::Failed)
    }
}

/// Allows one call at a time where a callback could belong to any of several: neither a pipe nor the
/// one stream of HTTP+SSE says of any where it belongs.
fn turns(key: &LaneKey) -> Option<Semaphore> {
    let is_unclear = !key.profile.asks_nothing() && !matches!(key.scope, Scope::Session(_));
    is_unclear.then(|| Semaphore::new(1))
}

/// Sends `initialize` on a stream that was just opened.
async fn greet_by_sse(
    shared: &Shared,
    link: &SseLink,
    introduction: &Introduction,
) -> Result<Greeting, OpenError> {
    let id = next_id();
    let (request, watched) = introduction.request(shared, id);
    let mut answer = link.expect(id);
    // Some upstreams accept a request only when it is answered.
    let answer = tokio::select! {
        biased;
        answer = &mut answer => answer,
        sent = link.send(request, None) => match sent {
            Ok(()) => answer.await,
            Err(SendError::Refused { status }) if status.is_client_error() => {
                return Err(refused(status));
            }
            Err(error) => return Err(OpenError::Failed(not_sent(&error))),
        },
    };
    match answer {
        Ok(Ok(answer)) => {
            watched.answered(answer.bytes());
            read_greeting(&answer, 200)
        }
        Ok(Err(error)) => Err(OpenError::Failed(too_large(&error))),
        Err(_) => {
            link.closed().await;
            Err(OpenError::Failed(stream_lost(link, true)))
        }
    }
}

fn refused(status: StatusCode) -> OpenError {
    let status = status.as_u16();
    let why = format!("it refused `initialize` with HTTP status {status}");
    OpenError::Refused { status, code: None, why }
}

/// Tells why the stream of HTTP+SSE is of no use.
fn no_link(error: &sse::OpenError) -> OpenError {
    match error {
        sse::OpenError::Stream { source: HttpError::NoStream { answer } } => {
            let status = answer.status;
            if status.is_client_error() || status.is_success() {
                let why = format!("it opened no event stream, its HTTP status is {status}");
                return OpenError::Refused { status: status.as_u16(), code: None, why };
            }
            OpenError::Failed(not_an_answer(status))
        }
        sse::OpenError::Stream { source } => OpenError::Failed(http_failed(source)),
        sse::OpenError::Silent { limit } => {
            OpenError::Failed(ProviderError::TimedOut { after: *limit })
        }
        sse::OpenError::NoEndpoint => {
            OpenError::Refused { status: 200, code: None, why: error.to_string() }
        }
        sse::OpenError::Foreign => OpenError::Failed(bad_answer(&error.to_string())),
    }
}

fn parse(body: Bytes, status: u16) -> Result<Message, OpenError> {
    match Body::parse(body) {
        Ok(Body::One(message)) => Ok(message),
        Ok(Body::Batch(_)) => Err(OpenError::Failed(bad_answer("a batch answered `initialize`"))),
        Err(_) if (400..500).contains(&status) => {
            let why = format!("it refused `initialize` with HTTP status {status}");
            Err(OpenError::Refused { status, code: None, why })
        }
        Err(error) => {
            let text = format!("the answer to `initialize` is no message: {error}");
            Err(OpenError::Failed(bad_answer(&text)))
        }
    }
}

fn read_greeting(answer: &Message, status: u16) -> Result<Greeting, OpenError> {
    if let Some(error) = answer.rpc_error() {
        if error.code == code::UNSUPPORTED_PROTOCOL_VERSION
            && let Some(verdict) = verdict::judge_refused_initialize(answer.bytes())
        {
            return Err(OpenError::Modern(verdict));
        }
        let why = format!("it refused `initialize`: {error}");
        return Err(OpenError::Refused { status, code: Some(error.code), why });
    }
    let result = Bytes::copy_from_slice(answer.result().unwrap_or_default());
    let version = gantry_protocol::Object::read(&result, 0..result.len())
        .ok()
        .and_then(|object| object.string(&result, "protocolVersion").map(Cow::into_owned));
    let revision = version.as_deref().and_then(Revision::parse);
    match revision.filter(|revision| revision.era() == gantry_protocol::Era::Legacy) {
        Some(revision) => Greeting::read(revision, &result).ok_or_else(|| {
            OpenError::Failed(bad_answer("the result of `initialize` is no object"))
        }),
        None => Err(OpenError::Modern(Verdict::Incompatible {
            supported: vec![version.unwrap_or_else(|| "nothing".to_owned())],
        })),
    }
}
