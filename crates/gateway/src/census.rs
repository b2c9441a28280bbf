//! What is open at one moment: sessions, lanes, calls, and how full their queues are.
//!
//! For an administrator who wonders what the gateway is waiting for. Nothing here opens anything:
//! ids of sessions are left out, as are arguments and answers.

use gantry_transport::client::stdio::Pipe;
use serde::Serialize;

/// Everything that is open.
#[derive(Debug, Clone, Serialize)]
pub struct Census {
    /// How much there is.
    pub counts: HubCounts,
    /// Legacy sessions with clients.
    pub sessions: Vec<SessionCensus>,
    /// Servers, in the order of the configuration.
    pub upstreams: Vec<UpstreamCensus>,
}

/// How many conversations with clients there are.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct HubCounts {
    /// Legacy sessions.
    pub sessions: usize,
    /// Modern streams that only listen.
    pub listen_streams: usize,
    /// Subscriptions to resources.
    pub subscriptions: usize,
}

/// How full a queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Fill {
    /// What waits in it.
    pub waiting: usize,
    /// What may wait.
    pub most: usize,
}

/// A legacy session with a client.
#[derive(Debug, Clone, Serialize)]
pub struct SessionCensus {
    /// Whose it is.
    pub principal: String,
    /// The endpoint; empty for everything.
    pub view: String,
    /// The revision agreed.
    pub revision: &'static str,
    /// Seconds since the client was heard.
    pub idle_seconds: u64,
    /// Calls under way.
    pub calls: usize,
    /// Questions to the client that wait for an answer.
    pub questions: usize,
    /// Resources that it is told of.
    pub subscriptions: usize,
    /// Messages that wait for a stream.
    pub kept_messages: usize,
    /// The queue of its stream, if it has one open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<Fill>,
}

/// A server.
#[derive(Debug, Clone, Serialize)]
pub struct UpstreamCensus {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: &'static str,
    /// Calls under way on the link of a modern server.
    pub n_calls: usize,
    /// The longest of them.
    pub calls: Vec<CallCensus>,
    /// What waits for the child to read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<Fill>,
    /// Open sessions with it.
    pub n_lanes: usize,
    /// Some of them.
    pub lanes: Vec<LaneCensus>,
}

/// An open session with a legacy server.
#[derive(Debug, Clone, Serialize)]
pub struct LaneCensus {
    /// Who shares it.
    pub scope: String,
    /// What the server was told that clients can do.
    pub capabilities: String,
    /// Seconds since it was used.
    pub idle_seconds: u64,
    /// The calls under way, the longest first.
    pub calls: Vec<CallCensus>,
    /// What waits for the child to read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<Fill>,
}

/// A call that is not answered yet.
#[derive(Debug, Clone, Serialize)]
pub struct CallCensus {
    /// Names it in the log; `None` for what the gateway asks for itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// How long it has been under way.
    pub age_seconds: f64,
    /// How long it may be silent.
    pub limit_seconds: u64,
    /// Whether its client is being asked something, so that the limit stands still.
    pub is_asking: bool,
}

/// How much waits for a child to read it.
pub(crate) fn fill(pipe: &Pipe) -> Fill {
    let (waiting, most) = pipe.fill();
    Fill { waiting, most }
}
