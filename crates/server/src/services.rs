//! The nine built-in services as servers of the gateway: each is offered at `/mcp/NAME`.
//!
//! What they compute is in `gantry_services`. Here is what they need of a process: [`provider`]
//! speaks MCP for one of them, [`link`] is the way from a call back to its client, and what they
//! keep and reach is plugged in as ports: [`gateway`] is the gateway around them, [`records`] the
//! database, [`embeddings`] a model, [`output`] a folder. [`mod@streaming`] is the one service whose
//! resources change. A service may have a listener of its own, in [`listeners`], where [`plain`] takes
//! calls that are no MCP.

pub(crate) mod asking;
pub(crate) mod listeners;
pub(crate) mod plain;

mod embeddings;
mod gateway;
mod link;
mod output;
mod process;
mod provider;
mod records;
mod registry;
mod streaming;

use std::sync::Arc;

use gantry_core::{Clock, Compute, Provider};
use gantry_gateway::Gateway;
use gantry_gateway::spec::{GatewaySpec, OwnProvider};
use gantry_services::ports::{Embeddings, MemoryRecords, OutputFolder, Ports, Records, TokenKey};
use gantry_services::resource_streaming::SERVICE;
use gantry_services::{Service, Services, catalogue};
use gantry_storage::Database;

use crate::config::{self, Config, ServicePorts};
use crate::http_stack::must_authenticate;
use crate::keys::StoredKeys;
use crate::live::Live;
use crate::shared::Shared;
use crate::start_error::StartError;
use embeddings::Model;
use gateway::Around;
use output::Folder;
use provider::ServiceProvider;
use records::{SWEEP, StoredRecords};
use streaming::{StreamingProvider, Streams};

/// Refuses to start for production a gateway whose clients need not say who they are.
pub(crate) fn are_fit(live: &Live, keys: &StoredKeys) -> Result<(), StartError> {
    if live.config.service_doors.for_production && !must_authenticate(live, keys) {
        return Err(StartError::Unauthenticated);
    }
    Ok(())
}

/// The built-in services of a process.
#[derive(Debug)]
pub(crate) struct BuiltIn {
    around: Arc<Around>,
    services: Arc<Services>,
    streams: Arc<Streams>,
    store: Option<Arc<dyn Database>>,
    providers: Vec<(&'static Service, Arc<dyn Provider>)>,
}

/// What the services are given of the process.
#[derive(Debug)]
pub(crate) struct Outside<'a> {
    /// The time of day.
    pub(crate) clock: Arc<dyn Clock>,
    /// Where they compute.
    pub(crate) compute: &'a Compute,
    /// Signs the tokens of their clients.
    pub(crate) token_key: [u8; 32],
    /// Where they keep things; in memory without it.
    pub(crate) store: Option<Arc<dyn Database>>,
    /// What they reach outside.
    pub(crate) ports: &'a ServicePorts,
}

impl BuiltIn {
    /// Makes all of them; within a runtime that outlives them.
    pub(crate) fn new(outside: Outside<'_>) -> Self {
        let (compute, store) = (outside.compute, outside.store.clone());
        let around = Arc::new(Around::default());
        let streams = Streams::new(compute);
        let services = Arc::new(Services::new(ports(outside, &around, &streams)));
        streams.serve(&services);
        let provider = |service: &'static Service| {
            let provider = ServiceProvider::new(service, Arc::clone(&services), compute.clone());
            let provider: Arc<dyn Provider> = if std::ptr::eq(service, &raw const SERVICE) {
                Arc::new(StreamingProvider::new(provider, Arc::clone(&streams)))
            } else {
                Arc::new(provider)
            };
            (service, provider)
        };
        let providers = catalogue::offered().map(provider).collect();
        Self { around, services, streams, store, providers }
    }

    /// Gives them the gateway that they are part of.
    pub(crate) fn attach(&self, gateway: &Arc<Gateway>) {
        self.around.attach(gateway);
        self.streams.attach(gateway);
        if let Some(store) = self.store.clone() {
            gateway.tasks.spawn_until_stop("sweep-records", async move { sweep(&*store).await });
        }
    }

    /// Gives them the figures of the process that they are part of.
    pub(crate) fn observe(&self, shared: &Arc<Shared>) {
        self.streams.observe(shared);
    }

    /// Adds them to what the gateway offers: always at `/mcp/NAME`, and on `/mcp` as
    /// `services.on_mcp` says.
    pub(crate) fn join(&self, spec: &mut GatewaySpec, config: &Config) {
        self.streams.apply(&config.streaming);
        self.services.use_vocabularies(Arc::clone(&config.service_ports.vocabularies));
        let on_mcp = &config.services_on_mcp;
        let is_alone = spec.servers.is_empty() && spec.own.is_empty();
        spec.own.extend(self.providers.iter().map(|(service, provider)| OwnProvider {
            name: service.name,
            provider: Arc::clone(provider),
            listed: on_mcp.lists(service.name, is_alone),
        }));
    }
}

/// Plugs in what the services reach.
fn ports(outside: Outside<'_>, around: &Arc<Around>, streams: &Arc<Streams>) -> Ports {
    let Outside { clock, token_key, store, ports, .. } = outside;
    let records: Arc<dyn Records> = match store {
        Some(store) => Arc::new(StoredRecords::new(store)),
        None => Arc::new(MemoryRecords::new(Arc::clone(&clock))),
    };
    let model = |config: &config::Embeddings| {
        Arc::new(Model::new(config.clone(), Arc::clone(around))) as Arc<dyn Embeddings>
    };
    let folder = |config: &config::Output| Arc::new(Folder::new(config)) as Arc<dyn OutputFolder>;
    Ports {
        clock,
        records,
        token_key: TokenKey::new(token_key),
        embeddings: ports.embeddings.as_ref().map(model),
        folder: ports.output.as_ref().map(folder),
        gateway: Some(Arc::clone(around) as _),
        process: process::port(),
        subscribers: Some(Arc::clone(streams) as _),
    }
}

/// Forgets now and then what has expired of what services keep.
async fn sweep(store: &dyn Database) {
    loop {
        tokio::time::sleep(SWEEP).await;
        if let Err(error) = store.expire_records().await {
            gantry_core::log::warn!(%error, "Records that have expired are not forgotten yet.");
        }
    }
}
