//! What a provider may know of the call it serves, and how it reaches the client behind it.

use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use gantry_protocol::capabilities::Profile;
use gantry_protocol::{Era, Message, Revision, RpcError};
use tokio_util::sync::CancellationToken;

use crate::BoxFuture;
use crate::principal::Principal;
use crate::trace::Span;

/// One call on its way through the stack.
#[derive(Debug, Clone)]
pub struct CallContext {
    /// Names the call in logs and in answers.
    pub request_id: Arc<str>,
    /// Who calls.
    pub principal: Arc<Principal>,
    /// From where; `None` where there is no address, as over a pipe.
    pub address: Option<IpAddr>,
    /// How the caller speaks.
    pub caller: Arc<Caller>,
    /// The way back to the caller while the call runs.
    pub client: Arc<dyn ClientLink>,
    /// The span around whatever happens now; `None` where nothing is traced.
    pub trace: Option<Arc<Span>>,
    /// Fires when the client cancels. Dropping the future of a call cancels as well.
    pub cancelled: CancellationToken,
}

/// The client's side of the conversation.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The revision agreed with the client, or claimed by the request.
    pub revision: Revision,
    /// The raw client capabilities.
    pub capabilities: Bytes,
    /// The same, canonical.
    pub profile: Profile,
    /// The raw `clientInfo`, if given.
    pub info: Option<Bytes>,
    /// The raw log level that the request or the session asked for.
    pub log_level: Option<Box<str>>,
    /// The legacy session; `None` in the modern era.
    pub session: Option<[u8; 16]>,
    /// The `Mcp-Param-*` headers of a modern HTTP request, names in lower case; `None` where the
    /// transport has no headers or the era does not know them.
    pub param_headers: Option<Vec<(Box<str>, Box<str>)>>,
}

impl Caller {
    /// Returns the era of the caller.
    pub fn era(&self) -> Era {
        self.revision.era()
    }
}

/// The way from a provider back to the client whose call it serves.
pub trait ClientLink: Send + Sync + Debug {
    /// Tells whether the caller wants progress; without it a provider mints no token.
    fn wants_progress(&self) -> bool;

    /// Passes a notification on. The link puts in the caller's own progress token; whatever else
    /// must differ was changed before. Never waits: what finds a full queue is dropped and counted.
    fn notify(&self, notification: &Message);

    /// Asks the client, and waits for its answer: a whole response or error message.
    /// The link gives the request an id of its own.
    fn ask<'a>(&'a self, request: &'a Message) -> BoxFuture<'a, Result<Message, RpcError>>;
}

/// The link of calls that have no client to go back to.
#[derive(Debug, Clone, Copy)]
pub struct NoClient;

impl ClientLink for NoClient {
    fn wants_progress(&self) -> bool {
        false
    }

    fn notify(&self, _: &Message) {}

    fn ask<'a>(&'a self, request: &'a Message) -> BoxFuture<'a, Result<Message, RpcError>> {
        let error = RpcError::method_not_found(request.method());
        Box::pin(std::future::ready(Err(error)))
    }
}
