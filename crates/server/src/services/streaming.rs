//! `resource_streaming` as a server that announces changes of its resources.
//!
//! The service knows who is subscribed to what and what they are told; here it gets a clock that
//! ticks, the operator's sources ([`source`]), and the way to its subscribers, by the gateway's hub.
//! A resource is looked at while somebody is subscribed to it, and no longer.

mod look;
mod source;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use gantry_core::{
    Announced, BoxFuture, CallContext, Compute, Delivery, Offer, OfferCell, Outcome, Principal,
    Provider, ProviderError, RawResult, Request, Tasks,
};
use gantry_gateway::Gateway;
use gantry_protocol::message::notification;
use gantry_protocol::tool::Item;
use gantry_protocol::{Message, RpcError, method};
use gantry_services::context::Context;
use gantry_services::ports::{SourceState, Subscribers};
use gantry_services::resource_streaming::{
    Address, Change, ChangeType, LOG, METRICS, METRICS_SECONDS, Streaming, THOUGHTS,
};
use gantry_services::{Effort, NoLink, Services};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::provider::{ServiceProvider, contents, offer, unknown_resource};
use crate::config;
use crate::shared::Shared;
use look::World;

pub(super) use look::guard_of;
use source::Source;

/// Resources that a part of can be asked for, with the keys that say which part.
const TEMPLATES: [(&str, &str); 3] = [
    (LOG, "{?question_id,stage,change_type}"),
    (THOUGHTS, "{?question_id,skill,change_type}"),
    (METRICS, "{?change_type}"),
];

/// What the service needs of the process.
#[derive(Debug)]
pub(super) struct Streams {
    services: OnceLock<Weak<Services>>,
    around: OnceLock<Surroundings>,
    figures: OnceLock<Weak<Shared>>,
    compute: Compute,
    offer: OfferCell,
    // Both are held for moments.
    settings: Mutex<Settings>,
    /// What is looked at now, by resource, with what ends it.
    watched: Mutex<HashMap<String, CancellationToken>>,
}

/// The gateway, and where tasks outlive a request.
#[derive(Debug)]
struct Surroundings {
    gateway: Weak<Gateway>,
    runtime: Handle,
    tasks: Tasks,
}

#[derive(Debug)]
struct Settings {
    heartbeat: Duration,
    sources: Vec<Arc<Source>>,
}

/// The service as a provider.
#[derive(Debug)]
pub(super) struct StreamingProvider {
    inner: ServiceProvider,
    streams: Arc<Streams>,
}

/// A subscription of a client.
#[derive(Debug)]
struct Held {
    streams: Arc<Streams>,
    number: u64,
    resource: String,
}

// === impl Streams ===

impl Streams {
    pub(super) fn new(compute: &Compute) -> Arc<Self> {
        Arc::new(Self {
            services: OnceLock::new(),
            around: OnceLock::new(),
            figures: OnceLock::new(),
            compute: compute.clone(),
            offer: OfferCell::new(offer_with(&[])),
            settings: Mutex::new(Settings {
                heartbeat: config::Streaming::default().heartbeat,
                sources: Vec::new(),
            }),
            watched: Mutex::default(),
        })
    }

    /// Gives it the services that it is a port of.
    pub(super) fn serve(&self, services: &Arc<Services>) {
        let _ = self.services.set(Arc::downgrade(services));
    }

    /// Gives it the gateway, and begins to send signs of life; within a runtime that outlives it.
    pub(super) fn attach(self: &Arc<Self>, gateway: &Arc<Gateway>) {
        let (runtime, tasks) = (Handle::current(), gateway.tasks.clone());
        let around = Surroundings { gateway: Arc::downgrade(gateway), runtime, tasks };
        if self.around.set(around).is_ok() {
            let own = Arc::clone(self);
            gateway.tasks.spawn_until_stop("stream-heartbeat", async move { own.beat().await });
        }
    }

    /// Gives it the figures of the process.
    pub(super) fn observe(&self, shared: &Arc<Shared>) {
        let _ = self.figures.set(Arc::downgrade(shared));
    }

    /// Takes the operator's sources. One that did not change goes on as it was; another is looked at
    /// anew, if somebody is subscribed to it.
    pub(super) fn apply(self: &Arc<Self>, config: &config::Streaming) {
        let mut ended = Vec::new();
        let sources = {
            let mut settings = self.settings.lock();
            settings.heartbeat = config.heartbeat;
            let before = std::mem::take(&mut settings.sources);
            let mut sources = Vec::with_capacity(config.sources.len());
            for spec in &config.sources {
                let known = before.iter().find(|source| source.spec == *spec);
                sources.push(known.map_or_else(|| Arc::new(Source::new(spec)), Arc::clone));
            }
            let is_kept = |old: &&Arc<Source>| sources.iter().any(|new| Arc::ptr_eq(old, new));
            ended.extend(before.iter().filter(|old| !is_kept(old)).map(|old| old.uri.clone()));
            settings.sources.clone_from(&sources);
            sources
        };
        self.offer.store(offer_with(&sources));
        for resource in ended {
            if let Some(watched) = self.watched.lock().remove(&resource) {
                watched.cancel();
            }
            self.settle(&resource);
        }
    }

    fn services(&self) -> Option<Arc<Services>> {
        self.services.get()?.upgrade()
    }

    fn source(&self, address: &Address) -> Option<Arc<Source>> {
        let name = address.source()?;
        self.settings.lock().sources.iter().find(|source| source.spec.name == name).cloned()
    }

    fn world(&self) -> Option<World> {
        let gateway = self.around.get()?.gateway.upgrade()?;
        Some(World {
            http: gateway.registry.http(),
            figures: self.figures.get().cloned(),
            compute: self.compute.clone(),
        })
    }

    fn begin(self: &Arc<Self>, owner: &Principal, address: Address) -> Option<Arc<dyn Announced>> {
        let services = self.services()?;
        let resource = address.resource().to_owned();
        let number = services.streaming().subscribe(services.ports(), owner, address)?;
        self.settle(&resource);
        Some(Arc::new(Held { streams: Arc::clone(self), number, resource }))
    }

    /// Looks at a resource as long as somebody is subscribed to it.
    fn settle(self: &Arc<Self>, resource: &str) {
        let (Some(services), Some(around)) = (self.services(), self.around.get()) else { return };
        let mut watched = self.watched.lock();
        // Ordering: counted under the lock, so that the last one who goes and the first one who
        // comes agree on it.
        if services.streaming().count(resource) == 0 {
            if let Some(ended) = watched.remove(resource) {
                ended.cancel();
            }
            return;
        }
        if watched.contains_key(resource) {
            return;
        }
        let source = Address::parse(resource).and_then(|address| self.source(&address));
        if resource != METRICS && source.is_none() {
            return;
        }
        let ended = CancellationToken::new();
        watched.insert(resource.to_owned(), ended.clone());
        let own = Arc::clone(self);
        let watch = async move {
            let looking = async {
                match source {
                    Some(source) => own.watch_source(&source).await,
                    None => own.watch_metrics().await,
                }
            };
            tokio::select! {
                () = ended.cancelled() => {}
                () = looking => {}
            }
        };
        // A request's own thread may end before its subscription does.
        let _within = around.runtime.enter();
        around.tasks.spawn_until_stop("stream-watch", watch);
    }

    async fn watch_source(&self, source: &Source) {
        source.begin();
        loop {
            let (Some(world), Some(services)) = (self.world(), self.services()) else { return };
            if let Some(kind) = source.look(&world).await {
                let (resource, metadata) = (source.uri.as_str(), &[][..]);
                let change = Change { resource, kind, metadata, owner: None };
                services.streaming().changed(services.ports(), &change);
            }
            drop((world, services));
            tokio::time::sleep(source.spec.interval).await;
        }
    }

    async fn watch_metrics(&self) {
        let mut before = None;
        loop {
            let Some(services) = self.services() else { return };
            let now = read(&services, METRICS);
            if before.is_some() && before != now {
                let kind = ChangeType::ContentChanged;
                let change = Change { resource: METRICS, kind, metadata: &[], owner: None };
                services.streaming().changed(services.ports(), &change);
            }
            before = now;
            drop(services);
            tokio::time::sleep(Duration::from_secs(METRICS_SECONDS)).await;
        }
    }

    async fn beat(&self) {
        loop {
            let pause = self.settings.lock().heartbeat;
            tokio::time::sleep(pause).await;
            let Some(services) = self.services() else { return };
            services.streaming().heartbeat(services.ports());
        }
    }
}

impl Subscribers for Streams {
    fn tell(&self, subscription: u64, method: &str, params: &Value) -> Delivery {
        let gateway = self.around.get().and_then(|around| around.gateway.upgrade());
        let message = Message::parse(notification(method, params.to_string().as_bytes()));
        match (gateway, message) {
            (Some(gateway), Ok(message)) => gateway.tell_subscriber(subscription, &message),
            _ => Delivery::Dropped,
        }
    }

    fn sources(&self) -> Vec<SourceState> {
        let sources = self.settings.lock().sources.clone();
        let watched = self.watched.lock();
        sources.iter().map(|source| source.state(watched.contains_key(&source.uri))).collect()
    }
}

// === impl StreamingProvider ===

impl StreamingProvider {
    pub(super) fn new(inner: ServiceProvider, streams: Arc<Streams>) -> Self {
        Self { inner, streams }
    }

    /// Reads what is no fixed resource: a source, or a part of one of the service's own.
    async fn read(
        &self,
        context: &CallContext,
        address: Address,
    ) -> Result<Outcome, ProviderError> {
        let unknown = || unknown_resource(context.caller.era(), address.uri());
        let answer = if address.source().is_some() {
            let content = self.read_source(&address).await;
            content.map(|content| content.map(|content| RawResult::own(&content)))
        } else {
            let asked = address.clone();
            let read = move |context: &Context<'_>| {
                let value = Streaming::read(context, &asked)?;
                Some(RawResult::own(&contents(asked.uri(), &value)))
            };
            self.inner.aside(context, Effort::Heavy, read).await
        };
        let answer = answer.and_then(|result| result.ok_or_else(unknown));
        answer.map(Outcome::Complete).map_err(ProviderError::Refused)
    }

    async fn read_source(&self, address: &Address) -> Result<Option<Vec<u8>>, RpcError> {
        let (Some(source), Some(world)) = (self.streams.source(address), self.streams.world())
        else {
            return Ok(None);
        };
        let content = source.read(&world).await;
        let content = content.map_err(|error| RpcError::internal("source_unreadable", error))?;
        Ok(content.map(|content| {
            let part = content.part(address.uri());
            json!({ "contents": [part] }).to_string().into_bytes()
        }))
    }
}

impl Provider for StreamingProvider {
    fn offer(&self) -> &OfferCell {
        &self.streams.offer
    }

    fn handle<'a>(
        &'a self,
        context: &'a CallContext,
        request: Request,
    ) -> BoxFuture<'a, Result<Outcome, ProviderError>> {
        if request.message.method() == method::RESOURCES_READ {
            let uri = request.message.param_string("uri").unwrap_or_default();
            if let Some(address) = Address::parse(&uri) {
                return Box::pin(self.read(context, address));
            }
        }
        self.inner.handle(context, request)
    }

    fn announce(&self, context: &CallContext, uri: &str) -> Option<Arc<dyn Announced>> {
        let address = Address::parse(uri)?;
        if address.source().is_some() && self.streams.source(&address).is_none() {
            return None;
        }
        self.streams.begin(&context.principal, address)
    }
}

// === impl Held ===

impl Announced for Held {
    fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(services) = self.streams.services() {
            services.streaming().unsubscribe(self.number);
        }
        self.streams.settle(&self.resource);
    }
}

fn read(services: &Services, uri: &str) -> Option<Value> {
    let service = gantry_services::catalogue::find("resource_streaming")?;
    let principal = Principal::anonymous();
    let context = services.context(service, &principal, &NoLink);
    Streaming::read(&context, &Address::parse(uri)?)
}

/// Returns what the service offers with these sources.
fn offer_with(sources: &[Arc<Source>]) -> Offer {
    let item = |name: &str, definition: Value| Item {
        name: name.into(),
        raw: Bytes::from(definition.to_string()),
    };
    let mut whole = offer(&gantry_services::resource_streaming::SERVICE);
    whole.templates = TEMPLATES
        .iter()
        .map(|(resource, query)| {
            let template = format!("{resource}{query}");
            let definition = json!({
                "uriTemplate": template,
                "name": template,
                "title": "A part of it",
                "description": format!("What `{resource}` has with these properties; a \
                                        subscription hears of its changes with these alone."),
                "mimeType": "application/json",
            });
            item(&template, definition)
        })
        .collect();
    whole.resources.extend(sources.iter().map(|source| {
        let kind = source.spec.kind.name();
        let definition = json!({
            "uri": source.uri,
            "name": source.spec.name,
            "description": format!("A {kind} that the operator named. Can be subscribed to."),
        });
        item(&source.uri, definition)
    }));
    let mut capabilities: Value =
        serde_json::from_slice(&whole.capabilities).unwrap_or_else(|_| json!({}));
    capabilities["resources"]["subscribe"] = json!(true);
    whole.capabilities = Bytes::from(capabilities.to_string());
    whole
}
