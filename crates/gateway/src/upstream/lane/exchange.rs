//! One request and its answer, over either wire.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gantry_core::{ProviderError, RawResult};
use gantry_protocol::Message;
use gantry_protocol::message::{Body, Kind};
use gantry_transport::client::http::{EventStream, HttpError, PostedKind, StreamError};
use gantry_transport::client::number;
use gantry_transport::client::sse::{SendError, SseLink};
use gantry_transport::client::stdio::{Pipe, PipeClosed};
use http::StatusCode;
use tokio_util::sync::CancellationToken;

use super::super::flight::{Boarded, Flight};
use super::{HttpWire, Lane, LaneError, Wire, cancelled};

/// Tries to resume one answer without any event in between.
const MAX_RESUMES: usize = 5;
/// Pause before a stream is resumed, unless the upstream named another.
const RESUME_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause that an upstream may ask for.
const MAX_RESUME_PAUSE: Duration = Duration::from_secs(30);

/// Where a stream that broke off is taken up again.
struct Resumption {
    /// The last event that was numbered.
    resume_from: Option<String>,
    pause: Duration,
    /// Tries since the last event.
    tries: usize,
}

/// Tells the upstream that an answer is not wanted any more, unless it came.
struct Withdrawal<'a> {
    lane: &'a Arc<Lane>,
    id: u64,
    reason: &'static str,
    armed: bool,
}

impl Lane {
    /// Sends a request and waits for its answer, as long as its patience lasts.
    ///
    /// Cancel safe: dropped, the upstream is told that the call is cancelled.
    pub(super) async fn exchange(
        self: &Arc<Self>,
        flight: Flight,
        bytes: Bytes,
        taken_back: &CancellationToken,
    ) -> Result<RawResult, LaneError> {
        let boarded = self.flights.board(flight);
        let id = boarded.flight.id;
        let mut withdrawal =
            Withdrawal { lane: self, id, reason: "the client went away", armed: true };
        let answer = async {
            match &self.wire {
                Wire::Stdio(pipe) => self.by_pipe(pipe, id, bytes).await,
                Wire::Sse(link) => self.by_sse(link, id, bytes).await,
                Wire::Http(http) => self.by_http(http, &boarded, bytes).await,
            }
        };
        let outcome = tokio::select! {
            biased;
            answer = answer => { withdrawal.armed = false; answer }
            after = boarded.flight.patience.run_out() => {
                withdrawal.reason = "no answer in time";
                Err(LaneError::Failed(ProviderError::TimedOut { after }))
            }
            () = taken_back.cancelled() => {
                withdrawal.reason = "cancelled by the client";
                Err(LaneError::Failed(ProviderError::Cancelled))
            }
        };
        drop(withdrawal);
        outcome
    }

    /// Sends what expects no answer.
    pub(super) async fn deliver(&self, bytes: Bytes) -> Result<(), ProviderError> {
        match &self.wire {
            Wire::Stdio(pipe) => pipe.send(bytes).await.map_err(|error| pipe_lost(error, true)),
            Wire::Sse(link) => {
                let limit = Some(self.shared.spec.timeout);
                link.send(bytes, limit).await.map_err(|error| not_sent(&error))
            }
            Wire::Http(http) => {
                let limit = Some(self.shared.spec.timeout);
                http.upstream
                    .post(bytes, &http.headers(), limit)
                    .await
                    .map_err(|error| http_failed(&error))?;
                Ok(())
            }
        }
    }

    async fn by_pipe(&self, pipe: &Pipe, id: u64, bytes: Bytes) -> Result<RawResult, LaneError> {
        let answer = pipe.expect(id);
        let forget = Forget { wire: &self.wire, id };
        pipe.send(bytes).await.map_err(|error| LaneError::Failed(pipe_lost(error, true)))?;
        let answer = match answer.await {
            Ok(Ok(message)) => self.read_answer(message),
            Ok(Err(error)) => Err(LaneError::Failed(too_large(&error))),
            Err(_) => {
                pipe.closed().await;
                Err(LaneError::Failed(pipe_lost(pipe.why(), false)))
            }
        };
        drop(forget);
        answer
    }

    async fn by_sse(&self, link: &SseLink, id: u64, bytes: Bytes) -> Result<RawResult, LaneError> {
        let mut answer = link.expect(id);
        let _forget = Forget { wire: &self.wire, id };
        if link.is_closed() {
            return Err(LaneError::Failed(stream_lost(link, true)));
        }
        // Some upstreams accept a request only when it is answered.
        let answer = tokio::select! {
            biased;
            answer = &mut answer => answer,
            sent = link.send(bytes, None) => match sent {
                Ok(()) => answer.await,
                Err(SendError::Refused { status: StatusCode::NOT_FOUND | StatusCode::GONE }) => {
                    self.forgotten();
                    return Err(LaneError::SessionGone);
                }
                Err(error) => return Err(LaneError::Failed(not_sent(&error))),
            },
        };
        match answer {
            Ok(Ok(message)) => self.read_answer(message),
            Ok(Err(error)) => Err(LaneError::Failed(too_large(&error))),
            Err(_) => {
                link.closed().await;
                Err(LaneError::Failed(stream_lost(link, false)))
            }
        }
    }

    async fn by_http(
        self: &Arc<Self>,
        http: &HttpWire,
        boarded: &Boarded<'_>,
        bytes: Bytes,
    ) -> Result<RawResult, LaneError> {
        let posted = http
            .upstream
            .post(bytes, &http.headers(), None)
            .await
            .map_err(|error| LaneError::Failed(http_failed(&error)))?;
        if posted.status == 404 && http.session.is_some() {
            self.forgotten();
            return Err(LaneError::SessionGone);
        }
        if posted.status == 400 {
            // What a server refuses that is not legacy any more.
            self.shared.doubted.notify_one();
        }
        match posted.kind {
            PostedKind::Json(body) => self.read_body(boarded, body, posted.status.as_u16()),
            PostedKind::Stream(stream) => self.follow(http, boarded, stream).await,
            PostedKind::Accepted | PostedKind::Other { .. } => {
                Err(LaneError::Failed(not_an_answer(posted.status)))
            }
        }
    }

    fn read_body(
        self: &Arc<Self>,
        boarded: &Boarded<'_>,
        body: Bytes,
        status: u16,
    ) -> Result<RawResult, LaneError> {
        match Body::parse(body) {
            Ok(body) => self.take(boarded, body).unwrap_or_else(|| {
                Err(LaneError::Failed(bad_answer("its reply does not answer the request")))
            }),
            Err(error) => {
                let text = format!("its reply (status {status}) is no message: {error}");
                Err(LaneError::Failed(bad_answer(&text)))
            }
        }
    }

    /// Reads a stream until the answer comes; resumes it where it breaks off, if the upstream
    /// numbers its events.
    async fn follow(
        self: &Arc<Self>,
        http: &HttpWire,
        boarded: &Boarded<'_>,
        mut stream: Box<EventStream>,
    ) -> Result<RawResult, LaneError> {
        let mut resumption = Resumption { resume_from: None, pause: RESUME_PAUSE, tries: 0 };
        loop {
            let broken = loop {
                match stream.next().await {
                    Ok(Some(event)) => {
                        resumption.tries = 0;
                        if event.data.is_empty() {
                            continue;
                        }
                        let Ok(body) = Body::parse(event.data) else {
                            gantry_core::log::warn!(upstream = %self.shared.spec.name, "An event is no message.");
                            continue;
                        };
                        if let Some(answer) = self.take(boarded, body) {
                            self.shared.finish(stream);
                            return answer;
                        }
                    }
                    Ok(None) => break None,
                    Err(error @ StreamError::TooLarge { .. }) => {
                        return Err(LaneError::Failed(too_large(&error)));
                    }
                    Err(error) => break Some(error),
                }
            };
            if let Some(id) = stream.last_event_id() {
                resumption.resume_from = Some(id.to_owned());
            }
            if let Some(asked) = stream.retry() {
                resumption.pause = asked.min(MAX_RESUME_PAUSE);
            }
            let cause = broken.map_or("it ended".to_owned(), |error| error.to_string());
            stream = self.resume(http, &mut resumption, cause).await?;
        }
    }

    /// Takes the stream of an answer up again where it broke off, with a pause before each try.
    async fn resume(
        &self,
        http: &HttpWire,
        resumption: &mut Resumption,
        mut cause: String,
    ) -> Result<Box<EventStream>, LaneError> {
        loop {
            resumption.tries += 1;
            let Some(from) =
                resumption.resume_from.as_deref().filter(|_| resumption.tries <= MAX_RESUMES)
            else {
                return Err(LaneError::Failed(stream_broken(&cause)));
            };
            tokio::time::sleep(resumption.pause).await;
            match http.upstream.open_stream(&http.headers(), Some(from), None).await {
                Ok(stream) => return Ok(stream),
                // It does not resume streams, or does not know the session or the event any more.
                Err(HttpError::NoStream { answer }) if is_final(answer.status) => {
                    if answer.status == StatusCode::NOT_FOUND && http.session.is_some() {
                        self.shared.suspect.notify_one();
                    }
                    let status = answer.status;
                    cause = format!("{cause}, and resuming it was refused with status {status}");
                    return Err(LaneError::Failed(stream_broken(&cause)));
                }
                Err(error) => cause = gantry_core::chain(&error),
            }
        }
    }

    /// Sorts what came on the stream of a call; returns the answer when it is among it.
    fn take(
        self: &Arc<Self>,
        boarded: &Boarded<'_>,
        body: Body,
    ) -> Option<Result<RawResult, LaneError>> {
        let messages = match body {
            Body::One(message) => vec![message],
            Body::Batch(messages) => messages.into_iter().filter_map(Result::ok).collect(),
        };
        let mut answer = None;
        for message in messages {
            match message.kind() {
                Kind::Response | Kind::Error => {
                    let ours = message.id().and_then(number) == Some(boarded.flight.id);
                    // An error without an id can only speak of the one request of this exchange.
                    if ours || message.id().is_none() {
                        answer = Some(self.read_answer(message));
                    }
                }
                Kind::Request | Kind::Notification => self.hear(Some(&boarded.flight), message),
            }
        }
        answer
    }

    fn read_answer(&self, message: Message) -> Result<RawResult, LaneError> {
        let revision = self.revision();
        if message.kind() == Kind::Error {
            let message = Box::new(message);
            return Err(LaneError::Failed(ProviderError::Answered { message, revision }));
        }
        Ok(RawResult { message, revision })
    }
}

impl Drop for Withdrawal<'_> {
    fn drop(&mut self) {
        if !self.armed || self.lane.is_over() {
            return;
        }
        let message = cancelled(self.id, self.reason);
        if let Wire::Stdio(pipe) = &self.lane.wire
            && pipe.offer(message.clone())
        {
            return;
        }
        let lane = Arc::clone(self.lane);
        self.lane.shared.deps.tasks.spawn("cancel", async move { lane.tell(message).await });
    }
}

/// Stops waiting for an answer when the call ends first.
struct Forget<'a> {
    wire: &'a Wire,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        match self.wire {
            Wire::Stdio(pipe) => pipe.forget(self.id),
            Wire::Sse(link) => link.forget(self.id),
            Wire::Http(_) => {}
        }
    }
}

fn pipe_lost(error: PipeClosed, unsent: bool) -> ProviderError {
    ProviderError::Unavailable { reason: "upstream_lost", message: error.why, unsent }
}

/// Tells whether a refusal is no matter of time.
fn is_final(status: StatusCode) -> bool {
    status.is_client_error() && !matches!(status.as_u16(), 408 | 425 | 429)
}

fn stream_broken(cause: &str) -> ProviderError {
    ProviderError::Unavailable {
        reason: "stream_broken",
        message: format!("the stream of the answer broke: {cause}"),
        unsent: false,
    }
}

pub(super) fn stream_lost(link: &SseLink, unsent: bool) -> ProviderError {
    ProviderError::Unavailable { reason: "upstream_lost", message: link.why(), unsent }
}

pub(super) fn not_sent(error: &SendError) -> ProviderError {
    match error {
        SendError::Http { source } => http_failed(source),
        SendError::Refused { status } => not_an_answer(*status),
    }
}

pub(in crate::upstream) fn http_failed(error: &HttpError) -> ProviderError {
    let unsent = error.is_unsent();
    let reason = if error.is_too_large() { "message_too_large" } else { "upstream_unreachable" };
    ProviderError::Unavailable { reason, message: gantry_core::chain(error), unsent }
}

/// What was left out may have been the answer, and reading it again changes nothing.
pub(in crate::upstream) fn too_large(error: &dyn std::error::Error) -> ProviderError {
    ProviderError::Unavailable {
        reason: "message_too_large",
        message: error.to_string(),
        unsent: false,
    }
}

pub(in crate::upstream) fn bad_answer(text: &str) -> ProviderError {
    ProviderError::Unavailable { reason: "bad_answer", message: text.to_owned(), unsent: false }
}

pub(in crate::upstream) fn not_an_answer(status: StatusCode) -> ProviderError {
    let reason = match status.as_u16() {
        401 => "upstream_unauthorized",
        403 => "upstream_forbidden",
        429 | 503 => "upstream_busy",
        _ => "bad_answer",
    };
    // Refused before any work: sent again, it could not run twice.
    let unsent = matches!(status.as_u16(), 401 | 403 | 421 | 429 | 503);
    ProviderError::Unavailable {
        reason,
        message: format!("it answered with HTTP status {status}"),
        unsent,
    }
}
