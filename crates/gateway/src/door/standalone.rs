//! The standalone stream of a legacy session: GET.
//!
//! A session has one at a time; a new one takes the place of the old, which ends. What is to be
//! sent while there is none is kept, as far as it must arrive.

use std::sync::Arc;

use gantry_protocol::Revision;
use gantry_transport::server::ReplyBody;
use http::Response;

use super::http::Arrival;
use super::reply;
use crate::Gateway;
use crate::hub::{Session, Sink};

/// Opens the stream.
pub(super) fn open(
    gateway: &Gateway,
    arrival: &Arrival,
    session: Arc<Session>,
) -> Response<ReplyBody> {
    if !arrival.accepts.events {
        return gateway.refuse(None, &reply::not_acceptable("text/event-stream"));
    }
    let (sink, body) = Sink::events(arrival.keep_alive, true);
    let number = session.attach(sink, session.revision == Revision::V2025_11_25);
    let attached = Attached { session, number };
    body.holding((attached, gateway.count_stream())).into_response()
}

/// Held by the response; dropped when the client goes away.
struct Attached {
    session: Arc<Session>,
    number: u64,
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.session.detach(self.number);
    }
}
