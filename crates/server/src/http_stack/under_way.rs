//! Counts the answers that are being made or sent, so that the end of the gateway can wait for them.
//!
//! Streams that only listen for what may come are not counted: nobody loses an answer when they end.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use gantry_gateway::door::resumes_a_call;
use gantry_transport::server::ReplyBody;
use http::{Method, request::Parts};
use http_body::{Body, Frame, SizeHint};
use prometheus_client::metrics::gauge::Gauge;

use super::Route;
use super::standing::Guard;

/// The method of a modern stream that only listens.
const LISTEN: &[u8] = b"subscriptions/listen";

/// The stream of an administrator who watches.
const TAP: &str = "/api/admin/tap";

/// One answer under way, until it is dropped.
#[derive(Debug)]
pub(super) struct UnderWay(Gauge);

/// A reply that is under way until it is sent or given up.
#[derive(Debug)]
pub(crate) struct Answer {
    body: ReplyBody,
    _under_way: Option<UnderWay>,
    /// Of a stream whose client may lose its right to it.
    guard: Option<Guard>,
}

impl UnderWay {
    /// Counts a request, unless it opens a stream that only listens.
    pub(super) fn of(gauge: &Gauge, route: Route<'_>, parts: &Parts) -> Option<Self> {
        // A modern client must name the method in a header, and is refused if that is not true.
        let named = parts.headers.get(gantry_transport::names::METHOD);
        let is_listen = named.is_some_and(|name| name.as_bytes() == LISTEN);
        let is_standalone = parts.method == Method::GET && !resumes_a_call(&parts.headers);
        let listens = (route.is_mcp() && (is_standalone || is_listen)) || parts.uri.path() == TAP;
        (!listens).then(|| {
            gauge.inc();
            Self(gauge.clone())
        })
    }

    /// Ties the count to the body of the answer, and a stream to its guard.
    pub(super) fn until_sent(
        under_way: Option<Self>,
        body: ReplyBody,
        guard: impl FnOnce() -> Option<Guard>,
    ) -> Answer {
        let guard = matches!(body, ReplyBody::Events(_)).then(guard).flatten();
        Answer { body, _under_way: under_way, guard }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let answer = self.get_mut();
        if let Some(guard) = &mut answer.guard
            && guard.poll_ended(context)
        {
            // What is left of it is not sent.
            answer.guard = None;
            answer.body = ReplyBody::Full(None);
        }
        Pin::new(&mut answer.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
