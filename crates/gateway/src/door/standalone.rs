//! The GET of a legacy session: its standalone stream, or the rest of a stream that was cut.
//!
//! A session has one standalone stream at a time; a new reader takes the place of the old, whose
//! stream ends. What is to be sent while there is none is kept, as far as it must arrive.
//!
//! `Last-Event-ID` names an event, and by it a stream of this session: what came after it is sent
//! again, and the stream goes on. Of a call that is not known any more nothing can be promised, so its
//! client is told (410); what belongs to no call begins anew.

use std::sync::Arc;

use gantry_core::ErrorCode;
use gantry_transport::names::LAST_EVENT_ID;
use gantry_transport::server::ReplyBody;
use http::{HeaderMap, HeaderValue, Response};

use super::http::Arrival;
use super::reply::{self, coded};
use crate::Gateway;
use crate::hub::{EventId, Session, StreamKind};

/// Says of a resumed stream whether everything after the named event is in it.
const REPLAY: &str = "gantry-replay";

/// Tells whether a request asks for the rest of a call's stream.
pub fn resumes_a_call(headers: &HeaderMap) -> bool {
    let id = headers.get(LAST_EVENT_ID).and_then(|id| EventId::parse(id.to_str().ok()?));
    id.is_some_and(|id| id.kind == StreamKind::Call)
}

/// Opens the stream.
pub(super) fn open(
    gateway: &Gateway,
    arrival: &Arrival,
    session: &Arc<Session>,
) -> Response<ReplyBody> {
    if !arrival.accepts.events {
        return gateway.refuse(None, &reply::not_acceptable("text/event-stream"));
    }
    match arrival.header(LAST_EVENT_ID).as_deref() {
        None | Some("") => begin(gateway, arrival, session),
        Some(id) => resume(gateway, arrival, session, id),
    }
}

fn begin(gateway: &Gateway, arrival: &Arrival, session: &Arc<Session>) -> Response<ReplyBody> {
    let reading = arrival.reading(session.revision);
    let Some(body) = session.read_standalone(&gateway.hub.replays, reading) else {
        return gateway.refuse(None, &reply::unknown_session());
    };
    let present = Present(Arc::clone(session));
    body.holding((present, gateway.count_stream())).into_response()
}

fn resume(
    gateway: &Gateway,
    arrival: &Arrival,
    session: &Arc<Session>,
    id: &str,
) -> Response<ReplyBody> {
    let reading = arrival.reading(session.revision);
    let id = EventId::parse(id);
    let streams = session.streams(&gateway.hub.replays, reading.limits);
    let resumed = id.and_then(|id| streams?.resume(id, reading));
    match (resumed, id) {
        (Some(resumed), _) => {
            let present = Present(Arc::clone(session));
            let body = resumed.body.holding((present, gateway.count_stream()));
            let mut response = body.into_response();
            let replay = if resumed.is_complete { "complete" } else { "partial" };
            response.headers_mut().insert(REPLAY, HeaderValue::from_static(replay));
            response
        }
        // That of an earlier process, or one from which nobody has heard for long.
        (None, Some(EventId { kind: StreamKind::Standalone, .. })) => {
            let mut response = begin(gateway, arrival, session);
            response.headers_mut().insert(REPLAY, HeaderValue::from_static("partial"));
            response
        }
        (None, _) => {
            let text = "the stream cannot be resumed after this event: it is not kept any more, \
                        or was never one of this session";
            gateway.refuse(None, &coded(ErrorCode::EventGone, text))
        }
    }
}

/// Held by the response; dropped when the client goes away.
struct Present(Arc<Session>);

impl Drop for Present {
    fn drop(&mut self) {
        self.0.heard();
    }
}
