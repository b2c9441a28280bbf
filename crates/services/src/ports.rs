//! What services need of the world, as ports that whoever puts the process together plugs in.
//!
//! All of them may wait, and none is asked on a thread that carries requests (see
//! [`crate::Effort`]). Each has its own time limit and returns an error when that passed.

use std::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;
use gantry_core::{Clock, Delivery, Principal};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

mod memory;

pub use memory::MemoryRecords;

/// Everything that services get from outside.
#[derive(Debug, Clone)]
pub struct Ports {
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Where records outlive a call; [`MemoryRecords`] where nothing outlives the process.
    pub records: Arc<dyn Records>,
    /// Signs the tokens by which services know their clients again.
    pub token_key: TokenKey,
    /// A model that embeds texts, if the operator named one.
    pub embeddings: Option<Arc<dyn Embeddings>>,
    /// The folder for results, if the operator named one.
    pub folder: Option<Arc<dyn OutputFolder>>,
    /// The gateway around the services, if there is one.
    pub gateway: Option<Arc<dyn Gateway>>,
    /// The process, where it may be seen.
    pub process: Option<Arc<dyn Process>>,
    /// Those who are subscribed to resources, where anybody can be.
    pub subscribers: Option<Arc<dyn Subscribers>>,
}

/// A secret that signs tokens.
#[derive(Clone)]
pub struct TokenKey([u8; 32]);

/// Why a port did not do it; the text is fit for the caller and holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PortError {
    message: String,
}

/// What services keep: sessions, outcomes, analyses.
///
/// A record belongs to a kind, which its service names, and to an owner, who alone is shown it.
pub trait Records: Send + Sync + Debug + 'static {
    /// Returns a record that has not expired.
    fn get(&self, kind: &str, owner: &str, key: &str) -> Result<Option<Record>, PortError>;

    /// Keeps a record in the place of an older one of the same key.
    fn put(&self, kind: &str, owner: &str, record: Record) -> Result<(), PortError>;

    /// Forgets a record; tells whether there was one.
    fn remove(&self, kind: &str, owner: &str, key: &str) -> Result<bool, PortError>;

    /// Returns at most `most` records of an owner that have not expired, those put last first.
    fn list(&self, kind: &str, owner: &str, most: usize) -> Result<Vec<Record>, PortError>;
}

/// Something kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its name within kind and owner.
    pub key: String,
    /// What the service wrote.
    pub value: Bytes,
    /// Unix seconds from which on it is not there any more.
    pub expires_at: Option<u64>,
}

/// A model that makes vectors of texts.
pub trait Embeddings: Send + Sync + Debug + 'static {
    /// Returns the model's name.
    fn model(&self) -> &str;

    /// Returns one vector for each text, all of one length.
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, PortError>;
}

/// The one folder in which services write files.
pub trait OutputFolder: Send + Sync + Debug + 'static {
    /// Writes a new file and returns its path.
    ///
    /// `name` is a plain file name; what is there already is never overwritten.
    fn write(&self, name: &str, contents: &[u8]) -> Result<String, PortError>;
}

/// The gateway around the services.
pub trait Gateway: Send + Sync + Debug + 'static {
    /// Tells of its connections, as far as `principal` may know.
    fn state(&self, principal: &Principal) -> Result<GatewayState, PortError>;

    /// Sends a request to an upstream, by the same policy as if the principal had sent it.
    fn request(
        &self,
        principal: &Principal,
        upstream: &str,
        method: &str,
        params: &Value,
    ) -> Result<Exchange, PortError>;

    /// Sends a notification to every session of the principal; returns how many there are.
    fn broadcast(
        &self,
        principal: &Principal,
        method: &str,
        params: &Value,
    ) -> Result<usize, PortError>;
}

/// The process in which the services run.
pub trait Process: Send + Sync + Debug + 'static {
    /// Tells what it takes.
    fn state(&self) -> Result<ProcessState, PortError>;
}

/// Those who are subscribed to resources of the services, and what else they can subscribe to.
pub trait Subscribers: Send + Sync + Debug + 'static {
    /// Sends one of them a notification, by the number of the subscription; never waits.
    fn tell(&self, subscription: u64, method: &str, params: &Value) -> Delivery;

    /// Tells of the sources that the operator named.
    fn sources(&self) -> Vec<SourceState>;
}

/// A source at one moment.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SourceState {
    /// Its name.
    pub name: String,
    /// The resource that it is.
    pub resource_uri: String,
    /// What it is: `file`, `url` or `metric`.
    pub kind: &'static str,
    /// How often it is looked at while somebody is subscribed.
    pub interval_seconds: f64,
    /// Whether somebody is, so that it is looked at.
    pub watched: bool,
    /// How often it was looked at.
    pub looks: u64,
    /// How often it had changed.
    pub changes: u64,
    /// How often it could not be read.
    pub errors: u64,
    /// Why, the last time, if it cannot be read now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// What the process takes at one moment.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ProcessState {
    /// Bytes of memory that are in use.
    pub resident_bytes: u64,
    /// Seconds of processors since the start.
    pub cpu_seconds: f64,
    /// The threads.
    pub threads: u64,
    /// Seconds since the start.
    pub uptime_seconds: f64,
}

/// The gateway's connections at one moment.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct GatewayState {
    /// The transports by which clients come.
    pub transports: Vec<TransportState>,
    /// The servers behind the gateway, as far as the caller may know of them.
    pub upstreams: Vec<UpstreamState>,
    /// Messages since the start that were refused at the door.
    pub refused: u64,
    /// Notifications since the start that no queue had room for.
    pub dropped: u64,
}

/// A transport at one moment.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TransportState {
    /// `sessions` of revisions before 2026-07-28, `streams` of events, `subscriptions` to resources.
    pub name: String,
    /// How many are open.
    pub open: u64,
}

/// An upstream at one moment.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UpstreamState {
    /// Its name.
    pub name: String,
    /// Its state, such as `ready`.
    pub state: String,
    /// How it is reached.
    pub transport: String,
    /// The calls that it has not answered.
    pub calls: u64,
}

/// A request with its answer.
#[derive(Debug, Clone, Serialize)]
pub struct Exchange {
    /// The answer as it came: a whole JSON-RPC response.
    pub response: Box<RawValue>,
    /// How long it took.
    pub milliseconds: f64,
}

// === impl Ports ===

impl Ports {
    /// Returns ports to nothing but a clock and memory.
    pub fn detached(clock: Arc<dyn Clock>) -> Self {
        let records = Arc::new(MemoryRecords::new(Arc::clone(&clock)));
        // No token outlives services that nobody else can reach.
        let token_key = TokenKey::new([0; 32]);
        Self {
            clock,
            records,
            token_key,
            embeddings: None,
            folder: None,
            gateway: None,
            process: None,
            subscribers: None,
        }
    }
}

// === impl TokenKey ===

impl TokenKey {
    /// Takes the secret.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Debug for TokenKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("TokenKey(..)")
    }
}

// === impl PortError ===

impl PortError {
    /// Says what went wrong and what to do.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}
