//! The nine built-in services as servers of the gateway: each is offered at `/mcp/NAME`.
//!
//! What they compute is in `gantry_services`. Here is what they need of a process: [`provider`]
//! speaks MCP for one of them, [`link`] is the way from a call back to its client, and what they
//! keep and reach is plugged in as ports: [`gateway`] is the gateway around them.

mod gateway;
mod link;
mod provider;

use std::sync::Arc;

use gantry_core::{Clock, Compute, Provider};
use gantry_gateway::Gateway;
use gantry_gateway::spec::{GatewaySpec, OwnProvider};
use gantry_services::ports::{MemoryRecords, Ports, TokenKey};
use gantry_services::{Service, Services, catalogue};

use crate::config::ServicesOnMcp;
use gateway::Around;
use provider::ServiceProvider;

/// The built-in services of a process.
#[derive(Debug)]
pub(crate) struct BuiltIn {
    around: Arc<Around>,
    providers: Vec<(&'static Service, Arc<dyn Provider>)>,
}

impl BuiltIn {
    /// Makes all of them; `token_key` signs the tokens of their clients.
    pub(crate) fn new(clock: Arc<dyn Clock>, compute: &Compute, token_key: [u8; 32]) -> Self {
        let around = Arc::new(Around::default());
        let services = Arc::new(Services::new(Ports {
            records: Arc::new(MemoryRecords::new(Arc::clone(&clock))),
            clock,
            token_key: TokenKey::new(token_key),
            embeddings: None,
            folder: None,
            gateway: Some(Arc::clone(&around) as _),
            process: None,
        }));
        let provider = |service: &'static Service| {
            let provider = ServiceProvider::new(service, Arc::clone(&services), compute.clone());
            (service, Arc::new(provider) as Arc<dyn Provider>)
        };
        Self { around, providers: catalogue::offered().map(provider).collect() }
    }

    /// Gives them the gateway that they are part of.
    pub(crate) fn attach(&self, gateway: &Arc<Gateway>) {
        self.around.attach(gateway);
    }

    /// Adds them to what the gateway offers: always at `/mcp/NAME`, and on `/mcp` as `on_mcp` says.
    pub(crate) fn join(&self, spec: &mut GatewaySpec, on_mcp: &ServicesOnMcp) {
        let is_alone = spec.servers.is_empty() && spec.own.is_empty();
        spec.own.extend(self.providers.iter().map(|(service, provider)| OwnProvider {
            name: service.name,
            provider: Arc::clone(provider),
            listed: on_mcp.lists(service.name, is_alone),
        }));
    }
}
