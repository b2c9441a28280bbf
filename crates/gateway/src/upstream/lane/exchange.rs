//! One request and its answer, over either wire.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gantry_core::{ProviderError, RawResult};
use gantry_protocol::Message;
use gantry_protocol::message::{Body, Kind};
use gantry_transport::client::http::{EventStream, HttpError, PostedKind, StreamError};
use gantry_transport::client::stdio::{Pipe, PipeClosed, number};
use tokio_util::sync::CancellationToken;

use super::super::flight::{Boarded, Flight};
use super::{HttpWire, Lane, LaneError, Wire, cancelled};

/// Resumptions of one answer without any event in between.
const MAX_RESUMES: usize = 5;
/// Pause before a stream is resumed, unless the upstream named another.
const RESUME_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause that an upstream may ask for.
const MAX_RESUME_PAUSE: Duration = Duration::from_secs(30);

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
        let forget = Forget { pipe, id };
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
        let mut resumes = 0;
        let mut resume_from: Option<String> = None;
        let mut pause = RESUME_PAUSE;
        loop {
            let broken = loop {
                match stream.next().await {
                    Ok(Some(event)) => {
                        resumes = 0;
                        if event.data.is_empty() {
                            continue;
                        }
                        let Ok(body) = Body::parse(event.data) else {
                            tracing::warn!(upstream = %self.shared.spec.name, "An event is no message.");
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
                resume_from = Some(id.to_owned());
            }
            if let Some(asked) = stream.retry() {
                pause = asked.min(MAX_RESUME_PAUSE);
            }
            resumes += 1;
            let cause = broken.map_or("it ended".to_owned(), |error| error.to_string());
            let Some(from) = resume_from.as_deref().filter(|_| resumes <= MAX_RESUMES) else {
                return Err(LaneError::Failed(ProviderError::Unavailable {
                    reason: "stream_broken",
                    message: format!("the stream of the answer broke: {cause}"),
                    unsent: false,
                }));
            };
            tokio::time::sleep(pause).await;
            stream = http
                .upstream
                .open_stream(&http.headers(), Some(from), None)
                .await
                .map_err(|error| LaneError::Failed(http_failed(&error)))?;
        }
    }

    /// Sorts what came on the stream of a call; returns the answer when it is among it.
    fn take(
        self: &Arc<Self>,
        boarded: &Boarded<'_>,
        body: Body,
    ) -> Option<Result<RawResult, LaneError>> {
        let messages = match body {
            Body::One(message) => vec![*message],
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
    pipe: &'a Pipe,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.pipe.forget(self.id);
    }
}

fn pipe_lost(error: PipeClosed, unsent: bool) -> ProviderError {
    ProviderError::Unavailable { reason: "upstream_lost", message: error.why, unsent }
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

pub(in crate::upstream) fn not_an_answer(status: http::StatusCode) -> ProviderError {
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
