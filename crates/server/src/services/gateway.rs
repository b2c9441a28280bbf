//! The gateway as its own services see it.

use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use gantry_core::Principal;
use gantry_gateway::Gateway;
use gantry_gateway::door::errand::{self, Errand};
use gantry_gateway::snapshot::{Section, View};
use gantry_protocol::message::notification;
use gantry_protocol::{Message, method};
use gantry_services::ports::{
    self, Exchange, GatewayState, PortError, TransportState, UpstreamState,
};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::runtime::Handle;

/// How long one request of a service may take.
const LIMIT: Duration = Duration::from_mins(2);

/// The way to the gateway, which is made after its services.
#[derive(Debug, Default)]
pub(super) struct Around {
    gateway: OnceLock<(Weak<Gateway>, Handle)>,
}

impl Around {
    /// Gives the services their gateway; within a runtime that outlives it.
    pub(super) fn attach(&self, gateway: &Arc<Gateway>) {
        let _ = self.gateway.set((Arc::downgrade(gateway), Handle::current()));
    }

    pub(super) fn get(&self) -> Result<(Arc<Gateway>, &Handle), PortError> {
        let found = self.gateway.get();
        let found = found.and_then(|(gateway, runtime)| Some((gateway.upgrade()?, runtime)));
        found.ok_or_else(|| PortError::new("the gateway is not up"))
    }
}

impl ports::Gateway for Around {
    fn state(&self, principal: &Principal) -> Result<GatewayState, PortError> {
        let (gateway, runtime) = self.get()?;
        let counts = gateway.census(0).counts;
        let open = |name: &str, open: usize| TransportState {
            name: name.to_owned(),
            open: u64::try_from(open).unwrap_or(u64::MAX),
        };
        let view = runtime.block_on(errand(principal).view(&gateway, ""));
        let upstreams = view.iter().flat_map(|view| view.members()).filter_map(|server| {
            let upstream = server.upstream.as_ref()?;
            let status = upstream.status();
            Some(UpstreamState {
                name: server.name.to_string(),
                state: upstream.state().to_string(),
                transport: status.transport.to_string(),
                calls: u64::try_from(upstream.n_calls()).unwrap_or(u64::MAX),
            })
        });
        Ok(GatewayState {
            transports: vec![
                open("sessions", counts.sessions),
                open("streams", counts.listen_streams),
                open("subscriptions", counts.subscriptions),
            ],
            upstreams: upstreams.collect(),
            refused: gateway.metrics.refused.get(),
            dropped: gateway.metrics.dropped.get(),
        })
    }

    fn request(
        &self,
        principal: &Principal,
        upstream: &str,
        method: &str,
        params: &Value,
    ) -> Result<Exchange, PortError> {
        let (gateway, runtime) = self.get()?;
        let errand = errand(principal);
        let message = errand::message(method, params.to_string().as_bytes())
            .map_err(|error| PortError::new(error.message))?;
        let begun = Instant::now();
        let reply = runtime.block_on(async {
            let view = errand.view(&gateway, upstream).await;
            let view = view.ok_or_else(|| no_server(upstream))?;
            leads_out(&view, &message)?;
            tokio::time::timeout(LIMIT, errand.run(&gateway, upstream, message))
                .await
                .map_err(|_| PortError::new("there was no answer in time"))?
                .ok_or_else(|| no_server(upstream))
        })?;
        let response = String::from_utf8(reply.bytes.to_vec())
            .ok()
            .and_then(|text| RawValue::from_string(text).ok())
            .ok_or_else(|| PortError::new("the answer is no JSON"))?;
        Ok(Exchange { response, milliseconds: begun.elapsed().as_secs_f64() * 1000.0 })
    }

    fn broadcast(
        &self,
        principal: &Principal,
        method: &str,
        params: &Value,
    ) -> Result<usize, PortError> {
        let (gateway, _) = self.get()?;
        let message = Message::parse(notification(method, params.to_string().as_bytes()))
            .map_err(|error| PortError::new(error.error.message))?;
        Ok(gateway.tell_sessions(principal, &message))
    }
}

fn errand(principal: &Principal) -> Errand {
    let principal = Arc::new(principal.clone());
    Errand { principal, address: None, request_id: Arc::from("service") }
}

fn no_server(name: &str) -> PortError {
    PortError::new(format!("there is no server `{name}` that the caller may use"))
}

/// Keeps services from calling services: one that called itself would take a thread for each turn.
fn leads_out(view: &View, message: &Message) -> Result<(), PortError> {
    let name = message.param_string("name").unwrap_or_default();
    let target = match message.method() {
        method::TOOLS_CALL => view.resolve(Section::Tools, &name),
        method::PROMPTS_GET => view.resolve(Section::Prompts, &name),
        method::RESOURCES_READ => {
            view.resolve_uri(&message.param_string("uri").unwrap_or_default()).ok()
        }
        _ => None,
    };
    let is_service = target
        .is_some_and(|target| gantry_services::catalogue::find(&target.server.name).is_some());
    if is_service {
        return Err(PortError::new("a service is called directly, and not by way of another one"));
    }
    Ok(())
}
