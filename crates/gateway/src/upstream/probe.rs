//! Finds out which era an upstream speaks, and makes the first link with it.
//!
//! What each answer means is in [`gantry_protocol::verdict`]; here is who sends what next. What is
//! remembered of it is in [`verdicts`].

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use gantry_core::{ErrorCode, ProviderError};
use gantry_protocol::meta::Envelope;
use gantry_protocol::verdict::{
    ProbeAnswer, StdioAnswer, StdioVerdict, Undecided, Verdict, judge_probe, judge_stdio_probe,
    speaks_modern_without_discover,
};
use gantry_protocol::{Id, Revision, code, message, method};
use gantry_transport::client::http::{HttpError, HttpUpstream, McpHeaders, PostedKind};
use gantry_transport::client::stdio::Pipe;
use tokio::time::Instant;

use super::flight::next_id;
use super::lane::Lane;
use super::lane::open::{Introduction, OpenError};
use super::modern::{ModernLink, ModernWire};
use super::offers::Greeting;
use super::scope::LaneKey;
use super::shared::Shared;
use super::state::State;
use super::verdicts::{self, Known};
use crate::causes;
use crate::spec::{EraMode, TransportMode};

/// Pause between two looks at a modern upstream that answers like a legacy one.
const SECOND_LOOK: Duration = Duration::from_secs(5);
/// Probes per attempt: the first, one at another revision, one repetition, a second look, and
/// redirects.
const MAX_PROBES: usize = 6;

/// The first link with an upstream.
#[derive(Debug, Clone)]
pub(super) enum Link {
    Legacy(Arc<Lane>),
    Modern(Arc<ModernLink>),
}

/// Connects, and finds the era out where it is not known.
pub(super) async fn connect(shared: &Arc<Shared>) -> Result<Link, State> {
    verdicts::identify(shared).await;
    let known = verdicts::recall(shared).await;
    let known_legacy = is_legacy_by_config(shared) || known == Known::Legacy;
    let link = match shared.command() {
        Some(_) => connect_stdio(shared, known_legacy).await,
        None => connect_http(shared, known_legacy).await,
    }?;
    verdicts::remember(shared, &link).await;
    Ok(link)
}

/// HTTP+SSE ended with the legacy era.
fn is_legacy_by_config(shared: &Shared) -> bool {
    shared.spec.era == EraMode::Legacy || shared.spec.transport == TransportMode::Sse
}

fn says_legacy(verdict: &Verdict) -> bool {
    use Verdict::{Ambiguous404, Legacy, TryInitializeThenGet};
    matches!(verdict, Legacy | Ambiguous404 | TryInitializeThenGet)
}

/// Waits for the time of a second look; `false` if the first one was long enough ago. One odd
/// answer of a modern upstream may be a restart in progress; two are evidence.
async fn must_look_again(shared: &Shared) -> bool {
    let since = *shared.learned.legacy_since.lock().get_or_insert_with(Instant::now);
    if since.elapsed() >= SECOND_LOOK {
        return false;
    }
    tokio::time::sleep_until(since + SECOND_LOOK).await;
    true
}

/// Tells whether a legacy upstream speaks a modern revision now: then it was upgraded, and what was
/// known of it is forgotten.
pub(super) async fn was_upgraded(shared: &Shared) -> bool {
    let Ok(upstream) = shared.endpoint() else { return false };
    if is_legacy_by_config(shared) {
        return false;
    }
    let probe = probe_http(shared, &upstream, Revision::LATEST_MODERN, false).await;
    let verdict = judge_probe(&probe.answer);
    let modern = matches!(verdict, Verdict::Modern { .. } | Verdict::ProbeAgain(_));
    if modern {
        verdicts::doubt_legacy(shared).await;
    } else if says_legacy(&verdict) {
        verdicts::confirm_legacy(shared).await;
    }
    modern
}

// === stdio ===

async fn connect_stdio(shared: &Arc<Shared>, known_legacy: bool) -> Result<Link, State> {
    let pipe = start(shared).await?;
    if known_legacy {
        return match legacy_on(shared, Arc::clone(&pipe)).await {
            Ok(lane) => Ok(Link::Legacy(lane)),
            // It was upgraded: what it spoke before is no guide any more.
            Err(error) if is_doubtful(&error) && shared.spec.era != EraMode::Legacy => {
                pipe.close();
                probe_child(shared, start(shared).await?).await
            }
            Err(error) => Err(with_complaint(open_failed(error), &pipe)),
        };
    }
    probe_child(shared, pipe).await
}

/// Adds what a child printed that is no message to the reason why it is of no use.
fn with_complaint(state: State, pipe: &Pipe) -> State {
    match (state, pipe.complaint()) {
        (State::Unreachable { code, why }, Some(complaint)) if !why.contains(&complaint) => {
            State::Unreachable { code, why: format!("{why}; {complaint}") }
        }
        (state, _) => state,
    }
}

async fn probe_child(shared: &Arc<Shared>, pipe: Arc<Pipe>) -> Result<Link, State> {
    let mut revision = Revision::LATEST_MODERN;
    let mut repeated = false;
    loop {
        let answer = ask_child(shared, &pipe, revision).await;
        match judge_stdio_probe(repeated, &answer) {
            StdioVerdict::SameChild(Verdict::Modern { revision, dual, discover }) => {
                let greeting = Greeting::read(revision, &discover)
                    .ok_or_else(|| not_mcp("its answer to `server/discover` is no object"))?;
                let wire = ModernWire::Stdio(pipe);
                return Ok(Link::Modern(ModernLink::new(shared, greeting, dual, wire)));
            }
            StdioVerdict::SameChild(Verdict::ProbeAgain(other)) if !repeated => {
                revision = other;
                repeated = true;
            }
            StdioVerdict::SameChild(Verdict::RepeatOnce) if !repeated => repeated = true,
            StdioVerdict::SameChild(Verdict::Incompatible { supported }) => {
                pipe.close();
                return Err(State::VersionMismatch { supported: supported.join(", ") });
            }
            StdioVerdict::SameChild(Verdict::UpstreamFault { reason }) => {
                pipe.close();
                return Err(not_mcp(reason));
            }
            _ if shared.spec.era == EraMode::Modern => {
                pipe.close();
                return Err(other_era());
            }
            StdioVerdict::SameChild(_) => match legacy_on(shared, Arc::clone(&pipe)).await {
                Ok(lane) => return Ok(Link::Legacy(lane)),
                // The probe came too early: it is modern after all.
                Err(OpenError::Modern(Verdict::ProbeAgain(other))) if !repeated => {
                    revision = other;
                    repeated = true;
                }
                Err(error) => {
                    pipe.close();
                    return Err(with_complaint(open_failed(error), &pipe));
                }
            },
            // A late answer to the probe could leave the old child in the other era.
            StdioVerdict::FreshChild => {
                pipe.close();
                pipe.closed().await;
                let fresh = start(shared).await?;
                return match legacy_on(shared, Arc::clone(&fresh)).await {
                    Ok(lane) => Ok(Link::Legacy(lane)),
                    Err(error) => Err(with_complaint(open_failed(error), &fresh)),
                };
            }
        }
    }
}

async fn ask_child(shared: &Shared, pipe: &Pipe, revision: Revision) -> StdioAnswer {
    let id = next_id();
    let answer = pipe.expect(id);
    let (request, _) = discover_request(id, revision);
    let watched = shared.deps.tap.own(&shared.spec.name, &request);
    if pipe.send(request).await.is_err() {
        return StdioAnswer::Exited;
    }
    match tokio::time::timeout(shared.spec.probe_timeout, answer).await {
        Ok(Ok(Ok(message))) => {
            watched.answered(message.bytes());
            StdioAnswer::Line(message.bytes().clone())
        }
        // Whatever it said, it will not say it again.
        Ok(Ok(Err(_))) | Err(_) => StdioAnswer::Silent,
        Ok(Err(_)) => StdioAnswer::Exited,
    }
}

async fn legacy_on(shared: &Arc<Shared>, pipe: Arc<Pipe>) -> Result<Arc<Lane>, OpenError> {
    let key = LaneKey::shared();
    let introduction = Introduction::own(&key);
    Lane::open_stdio(shared, key, &introduction, pipe).await
}

/// Starts the child of a stdio upstream.
pub(super) async fn start(shared: &Shared) -> Result<Arc<Pipe>, State> {
    let Some((spec, limits)) = shared.command() else {
        return Err(failed(ErrorCode::Internal, "it has no command"));
    };
    let labels = crate::metrics::ServerLabels { server: shared.spec.name.as_str().into() };
    shared.deps.metrics.upstream_starts.get_or_create(&labels).inc();
    Pipe::start(&shared.spec.name, &shared.deps.launcher, &spec, &limits, &shared.tasks)
        .await
        .map_err(|error| failed(ErrorCode::ProgramNotFound, &gantry_core::chain(&error)))
}

// === Streamable HTTP ===

async fn connect_http(shared: &Arc<Shared>, known_legacy: bool) -> Result<Link, State> {
    let upstream = shared.endpoint().map_err(|why| State::NotMcp { why })?;
    if known_legacy {
        match legacy_at(shared, Arc::clone(&upstream)).await {
            Ok(lane) => return Ok(Link::Legacy(lane)),
            Err(error) if is_doubtful(&error) && !is_legacy_by_config(shared) => {}
            Err(error) => return Err(open_failed(error)),
        }
    }
    let mut upstream = upstream;
    let mut revision = Revision::LATEST_MODERN;
    let mut repeated = false;
    for _ in 0..MAX_PROBES {
        let probe = probe_http(shared, &upstream, revision, repeated).await;
        let verdict = judge_probe(&probe.answer);
        if says_legacy(&verdict) && verdicts::recall(shared).await == Known::Modern {
            if verdict == Verdict::Ambiguous404 && lists_as_modern(shared, &upstream).await {
                return Ok(without_discover(shared, upstream));
            }
            if must_look_again(shared).await {
                continue;
            }
        }
        match verdict {
            Verdict::Modern { revision, dual, discover } => {
                *shared.learned.legacy_since.lock() = None;
                shared.learned.by_sse.store(false, Ordering::Relaxed);
                let greeting = Greeting::read(revision, &discover)
                    .ok_or_else(|| not_mcp("its answer to `server/discover` is no object"))?;
                let wire = ModernWire::Http(upstream);
                return Ok(Link::Modern(ModernLink::new(shared, greeting, dual, wire)));
            }
            Verdict::ProbeAgain(other) => {
                revision = other;
                repeated = true;
            }
            Verdict::RepeatOnce => repeated = true,
            Verdict::Incompatible { supported } => {
                return Err(State::VersionMismatch { supported: supported.join(", ") });
            }
            Verdict::UpstreamFault { reason } => return Err(not_mcp(reason)),
            Verdict::Follow => match probe.location.and_then(|to| upstream.at(&to)) {
                Some(next) => upstream = Arc::new(next),
                None => return Err(not_mcp("its redirect leads nowhere")),
            },
            Verdict::Redirected => {
                return Err(State::Redirected { to: probe.location.unwrap_or_default() });
            }
            Verdict::Undecided(why) => return Err(undecided(why, probe.failure)),
            _ if shared.spec.era == EraMode::Modern => {
                return Err(other_era());
            }
            verdict @ (Verdict::Legacy | Verdict::Ambiguous404 | Verdict::TryInitializeThenGet) => {
                return fall_back(shared, upstream, &verdict).await;
            }
        }
    }
    Err(not_mcp("its answers to `server/discover` contradict each other"))
}

/// Tries the legacy handshake, and what is left to try after it.
async fn fall_back(
    shared: &Arc<Shared>,
    upstream: Arc<HttpUpstream>,
    verdict: &Verdict,
) -> Result<Link, State> {
    // What was known of its transport is as old as what was known of its era.
    shared.learned.by_sse.store(false, Ordering::Relaxed);
    let error = match legacy_at(shared, Arc::clone(&upstream)).await {
        Ok(lane) => return Ok(Link::Legacy(lane)),
        Err(error) => error,
    };
    match (&error, verdict) {
        (OpenError::Modern(Verdict::Incompatible { supported }), _) => {
            Err(State::VersionMismatch { supported: supported.join(", ") })
        }
        // The probe was lost or came too early: it is modern after all.
        (OpenError::Modern(Verdict::ProbeAgain(revision)), _) => {
            let probe = probe_http(shared, &upstream, *revision, true).await;
            match judge_probe(&probe.answer) {
                Verdict::Modern { revision, dual, discover } => {
                    let greeting = Greeting::read(revision, &discover)
                        .ok_or_else(|| not_mcp("its answer to `server/discover` is no object"))?;
                    let wire = ModernWire::Http(upstream);
                    Ok(Link::Modern(ModernLink::new(shared, greeting, dual, wire)))
                }
                _ => Err(open_failed(error)),
            }
        }
        (OpenError::Refused { status: 404, code: Some(code::METHOD_NOT_FOUND), .. }, _)
            if *verdict == Verdict::Ambiguous404 && lists_as_modern(shared, &upstream).await =>
        {
            Ok(without_discover(shared, upstream))
        }
        (OpenError::Refused { why, .. }, Verdict::TryInitializeThenGet) => {
            Err(State::NotMcp { why: format!("{why}; is the path right?") })
        }
        _ => Err(open_failed(error)),
    }
}

/// Makes a link with an upstream that lacks its mandatory discover, so that what it offers must be
/// tried out.
fn without_discover(shared: &Arc<Shared>, upstream: Arc<HttpUpstream>) -> Link {
    let greeting = Greeting {
        revision: Revision::LATEST_MODERN,
        capabilities: Bytes::from_static(br#"{"tools":{},"resources":{},"prompts":{}}"#),
        server_info: None,
        instructions: None,
    };
    Link::Modern(ModernLink::new(shared, greeting, false, ModernWire::Http(upstream)))
}

struct Probe {
    answer: ProbeAnswer,
    location: Option<String>,
    /// Why there was no answer at all.
    failure: Option<State>,
}

async fn probe_http(
    shared: &Shared,
    upstream: &HttpUpstream,
    revision: Revision,
    repeated: bool,
) -> Probe {
    let (request, method) = discover_request(next_id(), revision);
    let asked = ask_http(shared, upstream, revision, request, method).await;
    let (status, body, location, failure) = match asked {
        Ok((status, body, location)) => (Some(status), body, location, None),
        Err(error) => (None, None, None, Some(unanswered(&error))),
    };
    let redirects_home = location.as_deref().is_some_and(|to| upstream.at(to).is_some());
    Probe { answer: ProbeAnswer { repeated, status, body, redirects_home }, location, failure }
}

fn unanswered(error: &HttpError) -> State {
    let code = if error.is_timeout() {
        ErrorCode::UpstreamProbeTimeout
    } else if error.is_too_large() {
        ErrorCode::UpstreamMessageTooLarge
    } else {
        ErrorCode::UpstreamUnreachable
    };
    failed(code, &gantry_core::chain(error))
}

async fn lists_as_modern(shared: &Shared, upstream: &HttpUpstream) -> bool {
    let revision = Revision::LATEST_MODERN;
    let request = message::request(&Id::from(next_id()), method::TOOLS_LIST, &enveloped(revision));
    let asked = ask_http(shared, upstream, revision, request, method::TOOLS_LIST).await;
    matches!(asked, Ok((_, Some(body), _)) if speaks_modern_without_discover(&body))
}

async fn ask_http(
    shared: &Shared,
    upstream: &HttpUpstream,
    revision: Revision,
    request: Bytes,
    method: &'static str,
) -> Result<(u16, Option<Bytes>, Option<String>), HttpError> {
    let headers = McpHeaders {
        protocol_version: Some(revision.as_str()),
        method: Some(method),
        ..McpHeaders::default()
    };
    let watched = shared.deps.tap.own(&shared.spec.name, &request);
    let posted = upstream.post(request, &headers, Some(shared.spec.probe_timeout)).await?;
    let location = posted.location().map(str::to_owned);
    let status = posted.status.as_u16();
    let body = match posted.kind {
        PostedKind::Json(body) | PostedKind::Other { body, .. } => Some(body),
        PostedKind::Accepted => None,
        PostedKind::Stream(mut stream) => {
            let first = async {
                loop {
                    match stream.next().await {
                        Ok(Some(event)) if event.data.is_empty() => {}
                        Ok(Some(event)) => return Some(event.data),
                        _ => return None,
                    }
                }
            };
            tokio::time::timeout(shared.spec.probe_timeout, first).await.ok().flatten()
        }
    };
    if let Some(body) = &body {
        watched.answered(body);
    }
    Ok((status, body, location))
}

/// Opens the shared lane, by HTTP+SSE if Streamable HTTP is refused.
async fn legacy_at(
    shared: &Arc<Shared>,
    upstream: Arc<HttpUpstream>,
) -> Result<Arc<Lane>, OpenError> {
    let key = LaneKey::shared();
    let introduction = Introduction::own(&key);
    let opened = Lane::open_at(shared, key.clone(), &introduction, Arc::clone(&upstream)).await;
    let refusal = match opened {
        Err(refusal) if may_be_sse(shared, &refusal) => refusal,
        opened => return opened,
    };
    match Lane::open_sse(shared, key, &introduction, &upstream).await {
        Ok(lane) => {
            shared.learned.by_sse.store(true, Ordering::Relaxed);
            Ok(lane)
        }
        // No stream at all, or one of another kind: what counts is why it was tried.
        Err(OpenError::Refused { code: None, .. }) => Err(refusal),
        Err(error) => Err(error),
    }
}

/// Tells whether a handshake by Streamable HTTP was refused as a server of HTTP+SSE does, which
/// takes nothing but GET at that address.
fn may_be_sse(shared: &Shared, refusal: &OpenError) -> bool {
    let by_status =
        |status: u16| (400..500).contains(&status) && !matches!(status, 401 | 403 | 407 | 429);
    shared.spec.transport == TransportMode::Auto
        && !shared.by_sse()
        && matches!(refusal, OpenError::Refused { status, code: None, .. } if by_status(*status))
}

// === both ===

fn discover_request(id: u64, revision: Revision) -> (Bytes, &'static str) {
    let method = method::SERVER_DISCOVER;
    (message::request(&Id::from(id), method, &enveloped(revision)), method)
}

fn enveloped(revision: Revision) -> Vec<u8> {
    let info = crate::implementation();
    let envelope =
        Envelope { revision, capabilities: b"{}", client_info: Some(&info), log_level: None };
    [b"{\"_meta\":", &envelope.to_meta()[..], b"}"].concat()
}

fn failed(code: ErrorCode, why: &str) -> State {
    State::Unreachable { code, why: why.to_owned() }
}

/// What it answers makes no sense, but may a moment later: it is tried again.
fn not_mcp(why: &str) -> State {
    failed(ErrorCode::UpstreamNotMcp, why)
}

fn other_era() -> State {
    let why = "it does not speak a modern revision, and `era` demands one";
    failed(ErrorCode::UpstreamVersionMismatch, why)
}

/// Tells whether the failed handshake of an upstream that was legacy may mean that it is no longer.
fn is_doubtful(error: &OpenError) -> bool {
    match error {
        OpenError::Modern(_) => true,
        OpenError::Refused { status, .. } => !matches!(status, 401 | 403 | 407 | 429),
        OpenError::Failed(_) => false,
    }
}

/// A look at a modern upstream that behaved oddly.
pub(super) enum Look {
    /// It is what it was.
    Same,
    /// It answers as a legacy upstream does.
    Legacy(String),
    /// It does not answer, or with what says nothing about its era.
    Lost(String),
}

/// Looks whether an HTTP upstream still is modern; twice, if it seems not to be.
pub(super) async fn look(shared: &Shared, upstream: &HttpUpstream, revision: Revision) -> Look {
    loop {
        let look = look_once(shared, upstream, revision).await;
        match &look {
            Look::Legacy(_) if must_look_again(shared).await => {}
            Look::Same => {
                *shared.learned.legacy_since.lock() = None;
                return look;
            }
            _ => return look,
        }
    }
}

async fn look_once(shared: &Shared, upstream: &HttpUpstream, revision: Revision) -> Look {
    let probe = probe_http(shared, upstream, revision, false).await;
    match judge_probe(&probe.answer) {
        Verdict::Modern { .. } => Look::Same,
        // By its errors it still is modern; what it minds is not its era.
        Verdict::RepeatOnce => Look::Same,
        Verdict::Ambiguous404 if lists_as_modern(shared, upstream).await => Look::Same,
        Verdict::Legacy | Verdict::Ambiguous404 | Verdict::TryInitializeThenGet => {
            Look::Legacy("it does not speak a modern revision any more".to_owned())
        }
        Verdict::Undecided(why) => Look::Lost(undecided(why, probe.failure).to_string()),
        Verdict::ProbeAgain(_) | Verdict::Incompatible { .. } | Verdict::UpstreamFault { .. } => {
            Look::Lost("it does not speak the same revision any more".to_owned())
        }
        Verdict::Follow | Verdict::Redirected => Look::Lost("it answers from elsewhere".to_owned()),
    }
}

/// Tells the state that a failed handshake leaves.
pub(super) fn open_failed(error: OpenError) -> State {
    match error {
        OpenError::Modern(Verdict::Incompatible { supported }) => {
            State::VersionMismatch { supported: supported.join(", ") }
        }
        OpenError::Modern(_) => not_mcp("it refuses the legacy handshake as a modern server does"),
        OpenError::Refused { status: 401 | 403, why, .. } => State::Unauthorized { why },
        OpenError::Refused { why, .. } => State::NotMcp { why },
        OpenError::Failed(ProviderError::Unavailable {
            reason: "upstream_unauthorized" | "upstream_forbidden",
            message,
            ..
        }) => State::Unauthorized { why: message },
        OpenError::Failed(error) => {
            let code = match &error {
                ProviderError::TimedOut { .. } => ErrorCode::UpstreamProbeTimeout,
                error => causes::of(error).unwrap_or(ErrorCode::UpstreamUnreachable),
            };
            failed(code, &error.to_string())
        }
    }
}

fn undecided(undecided: Undecided, failure: Option<State>) -> State {
    match undecided {
        Undecided::Unauthorised => State::Unauthorized {
            why: "it wants credentials: set `headers.Authorization`".to_owned(),
        },
        Undecided::Unavailable => {
            failed(ErrorCode::UpstreamUnreachable, "it answers that it is overloaded or broken")
        }
        Undecided::Unreachable => {
            failure.unwrap_or_else(|| failed(ErrorCode::UpstreamUnreachable, "no answer"))
        }
    }
}
