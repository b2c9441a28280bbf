//! What the parts of a running gateway share: made once by `compose`, read by requests, replaced in
//! part by a reload.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arc_swap::ArcSwap;
use gantry_gateway::Gateway;
use gantry_policy::AdminToken;
use gantry_storage::Sqlite;
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use tokio::time::Instant;

use crate::added::Added;
use crate::http_metrics::HttpMetrics;
use crate::http_stack::RequestIds;
use crate::live::Live;
use crate::metrics::Sources;

/// Everything that requests and the reload share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The configuration in force.
    pub(crate) live: ArcSwap<Live>,
    /// Why the last reload was refused; `None` when the file and what is in force agree.
    pub(crate) refused_reload: Mutex<Option<String>>,
    /// MCP.
    pub(crate) gateway: Arc<Gateway>,
    /// Opens the admin routes.
    pub(crate) admin: AdminToken,
    /// The servers that the HTTP API made.
    pub(crate) added: Added,
    /// Asked by `/ready` whether it answers.
    pub(crate) store: Sqlite,
    /// Everything that is counted.
    pub(crate) registry: Registry,
    /// What this crate counts of it.
    pub(crate) http_metrics: HttpMetrics,
    /// Where further figures come from, and their names.
    pub(crate) sources: Arc<Sources>,
    /// Names for requests.
    pub(crate) request_ids: RequestIds,
    /// Where it listens, the port never 0.
    pub(crate) address: SocketAddr,
    /// The data folder.
    pub(crate) data: PathBuf,
    /// When the process began.
    pub(crate) started: Instant,
    /// Set once the gateway was told to end, so that nobody sends it more.
    pub(crate) is_draining: AtomicBool,
}
