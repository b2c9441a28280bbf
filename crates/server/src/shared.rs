//! What the parts of a running gateway share: made once by `compose`, read by requests, replaced in
//! part by a reload.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arc_swap::ArcSwap;
use gantry_core::Tasks;
use gantry_gateway::Gateway;
use gantry_gateway::spec::GatewaySpec;
use gantry_gateway::tap::{Rules, Secrets};
use gantry_policy::AdminToken;
use gantry_storage::Database;
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use tokio::time::Instant;

use crate::added::Added;
use crate::audit::Trail;
use crate::config::Config;
use crate::http_metrics::HttpMetrics;
use crate::http_stack::{self, RequestIds};
use crate::identity::fetch::Fetcher;
use crate::keys::StoredKeys;
use crate::listeners::Bound;
use crate::live::Live;
use crate::log::LogControl;
use crate::metrics::Sources;
use crate::services::BuiltIn;
use crate::services::listeners::ServiceListeners;
use crate::tls::Tls;

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
    /// The keys of clients that the gateway made.
    pub(crate) keys: Arc<StoredKeys>,
    /// Fetches the keys of those whose signed tokens are taken.
    pub(crate) fetcher: Arc<Fetcher>,
    /// The servers that the HTTP API made.
    pub(crate) added: Added,
    /// Who did what.
    pub(crate) trail: Trail,
    /// The built-in services.
    pub(crate) built_in: BuiltIn,
    /// The listeners that they have of their own.
    pub(crate) service_listeners: ServiceListeners,
    /// Asked by `/ready` whether it answers.
    pub(crate) store: Arc<dyn Database>,
    /// Everything that is counted.
    pub(crate) registry: Registry,
    /// What this crate counts of it.
    pub(crate) http_metrics: HttpMetrics,
    /// Where further figures come from, and their names.
    pub(crate) sources: Arc<Sources>,
    /// The log, whose levels may be changed.
    pub(crate) log: LogControl,
    /// Every supervised task: those of connections, of the database, and all others.
    pub(crate) tasks: [(&'static str, Tasks); 3],
    /// Names for requests.
    pub(crate) request_ids: RequestIds,
    /// Where it listens, the port never 0.
    pub(crate) address: SocketAddr,
    /// Where each of its listeners is, that one included.
    pub(crate) bound: Bound,
    /// The certificate of the listener with TLS.
    pub(crate) tls: Option<Arc<Tls>>,
    /// The data folder.
    pub(crate) data: PathBuf,
    /// When the process began.
    pub(crate) started: Instant,
    /// Set once the gateway was told to end, so that nobody sends it more.
    pub(crate) is_draining: AtomicBool,
}

impl Shared {
    /// Returns everything that is offered with this configuration.
    pub(crate) fn offered(&self, config: &Config) -> GatewaySpec {
        let mut spec = self.added.merge(config);
        self.built_in.join(&mut spec, config);
        spec
    }

    /// Tells whether clients have to say who they are.
    pub(crate) fn must_authenticate(&self) -> bool {
        http_stack::must_authenticate(&self.live.load(), &self.keys)
    }

    /// Keeps the secrets of the configuration in force from whoever watches the conversation, and from
    /// the audit trail.
    pub(crate) fn hide_secrets(&self) {
        let live = self.live.load();
        let secrets = live.config.secrets();
        self.trail.hide(secrets.clone());
        let rules = Rules::for_showing(&live.config.audit.redact, Secrets::new(secrets));
        self.gateway.tap.hide(rules);
    }
}
