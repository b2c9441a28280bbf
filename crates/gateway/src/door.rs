//! The side of the gateway that clients see: a message arrives, its era is told, its session is
//! found, and its answer goes back.
//!
//! 1. [`http`]: one HTTP request in, one response out; the order of the checks.
//! 2. [`stdio`]: the same for a pipe of lines, on which both eras may speak; [`sse`]: for the transport
//!    of 2024-11-05, which is a pipe in two pieces.
//! 3. [`modern`] and [`legacy`]: a request of either era, whatever carried it.
//! 4. [`lists`], [`greeting`], [`listen`]: what the gateway answers by itself.
//! 5. [`errand`]: requests that the process makes for somebody who asked in another way.
//! 6. [`exchange`] and [`link`]: how an answer stays plain JSON or becomes a stream, and the way
//!    from a running call back to its client.
//!
//! Authentication, `Host` and `Origin` come before this; which provider serves a request and what
//! its answer looks like in the client's era comes after it (`dispatch`).

pub mod errand;

mod cursor;
mod exchange;
mod greeting;
mod http;
mod legacy;
mod link;
mod listen;
mod lists;
mod modern;
mod reply;
mod sessions;
mod sse;
mod standalone;
mod stdio;
mod token;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use gantry_core::Principal;
use gantry_core::correlation::Correlation;
use gantry_core::trace::TraceContext;

use crate::traces::Came;

pub use self::http::ReadRequest;
pub use sse::Handles;
pub use standalone::resumes_a_call;

/// How long an answer may keep a client waiting before its response becomes a stream, so that
/// comments can keep the connection open.
const HEAD_WAIT: Duration = Duration::from_secs(5);

/// An HTTP request to an MCP endpoint, from somebody who may make it.
#[derive(Debug)]
pub struct HttpRequest {
    /// The head.
    pub parts: ::http::request::Parts,
    /// The body, unread.
    pub body: hyper::body::Incoming,
    /// The endpoint: a view's name, empty for everything.
    pub view: Box<str>,
    /// Who asks.
    pub principal: Arc<Principal>,
    /// From where; `None` for a socket without addresses.
    pub address: Option<IpAddr>,
    /// Names the request in logs.
    pub request_id: Arc<str>,
}

/// What every request brings along, whatever carried it.
#[derive(Debug, Clone)]
struct Origin {
    view: Box<str>,
    principal: Arc<Principal>,
    address: Option<IpAddr>,
    request_id: Arc<str>,
    /// What the transport says of the trace, where it is HTTP.
    trace: Option<TraceContext>,
    by_http: bool,
}

impl Origin {
    /// Names the request for the log, where nobody did before.
    fn names(&self) -> Arc<Correlation> {
        Correlation::new(Arc::clone(&self.request_id), Arc::clone(&self.request_id))
    }

    /// Says how a request came, for its span.
    fn came(&self) -> Came<'_> {
        Came { request_id: &self.request_id, transport: self.trace, by_http: self.by_http }
    }
}
