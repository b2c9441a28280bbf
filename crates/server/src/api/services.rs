//! The built-in services: which there are, and which have listeners of their own.
//!
//! A change is carried out to its end even when the caller goes away in the middle.

use std::net::IpAddr;
use std::sync::Arc;

use gantry_core::ErrorCode;
use gantry_core::audit::Event;
use gantry_services::{Service, catalogue};
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::call::{Call, Outcome, reply};
use super::error::ApiError;
use super::model::Nothing;
use crate::audit::seen::Changing;
use crate::banner::reachable;
use crate::config::ServiceDoors;
use crate::services::listeners::{self, OpenListener, Wanted};
use crate::shared::Shared;
use crate::timestamp::rfc3339;

/// The built-in services.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ServiceList {
    services: Vec<ServiceView>,
}

/// A built-in service. Each is served at `/mcp/NAME`, whether it has a listener of its own or not.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ServiceView {
    /// Its name.
    name: String,
    /// What it is for.
    description: String,
    /// How many tools its clients count on.
    tools: usize,
    /// How many further tools it has.
    extra_tools: usize,
    /// `running` if it has a listener of its own, else `stopped`.
    state: String,
    /// The port of that listener, or the one that it would have.
    port: u16,
    /// The endpoint of that listener; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Since when it listens, as RFC 3339 in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<String>,
}

/// Where the listener of a service is wanted.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StartService {
    /// The address to listen on; that of `services.listen` or else of `server.listen` if it is left
    /// out.
    #[schemars(with = "Option<String>")]
    host: Option<IpAddr>,
    /// Which of several gateways on one machine this is: 100 is added to the port for each.
    instance: Option<u16>,
    /// Whether to refuse it unless clients have to say who they are.
    production: bool,
}

/// `GET /api/services`.
pub(super) fn list(call: &Call) -> Outcome {
    let open = call.shared.service_listeners.list();
    let services = catalogue::offered().map(|service| view(call, &open, service)).collect();
    reply(StatusCode::OK, &ServiceList { services })
}

/// `POST /api/services/{name}/start`.
pub(super) async fn start(call: Call) -> Outcome {
    let service = find(&call)?;
    let StartService { host, instance, production } =
        if call.body.is_empty() { StartService::default() } else { call.json()? };
    let wanted = Wanted { service, host, instance, for_production: production };
    let opening = async move |shared: Arc<Shared>| {
        listeners::open(&shared, wanted).await.map_err(|error| {
            ApiError::new(error.code(), gantry_core::chain(&error))
                .with_status(StatusCode::CONFLICT)
        })
    };
    carry_out(&call, service, "start", opening).await?;
    one(&call, service)
}

/// `POST /api/services/{name}/stop`.
pub(super) async fn stop(call: Call) -> Outcome {
    let service = find(&call)?;
    if !call.body.is_empty() {
        call.json::<Nothing>()?;
    }
    let closing = async move |shared: Arc<Shared>| {
        // One that has no listener is as it was wanted.
        listeners::close(&shared, service).await;
        Ok(())
    };
    carry_out(&call, service, "stop", closing).await?;
    one(&call, service)
}

fn find(call: &Call) -> Result<&'static Service, ApiError> {
    let name = call.parameters.text("name");
    catalogue::offered().find(|service| service.name == name).ok_or_else(|| {
        let message = format!("there is no service `{name}`; `GET /api/services` lists them");
        ApiError::new(ErrorCode::UnknownServer, message)
    })
}

async fn carry_out<F>(
    call: &Call,
    service: &'static Service,
    action: &'static str,
    change: impl FnOnce(Arc<Shared>) -> F,
) -> Result<(), ApiError>
where
    F: Future<Output = Result<(), ApiError>> + Send + 'static,
{
    let changing = Changing::begin(&call.shared.gateway.audit, Event::ServerChanged, service.name)
        .map_err(ApiError::unrecorded)?
        .by(&call.caller)
        .saying(action);
    let change = change(Arc::clone(&call.shared));
    let task = call.shared.gateway.tasks.spawn("change-services", async move {
        let made = change.await;
        let recorded = changing.end(made.as_ref().copied().map_err(ApiError::cause)).await;
        made?;
        recorded.map_err(ApiError::unrecorded)
    });
    let failed = || ApiError::new(ErrorCode::Internal, "the change was not carried out");
    task.await.ok().flatten().unwrap_or_else(|| Err(failed()))
}

fn one(call: &Call, service: &'static Service) -> Outcome {
    reply(StatusCode::OK, &view(call, &call.shared.service_listeners.list(), service))
}

fn view(call: &Call, open: &[OpenListener], service: &'static Service) -> ServiceView {
    let open = open.iter().find(|open| open.service.name == service.name);
    let instance = call.live.config.service_doors.instance;
    let own = ServiceDoors::port(service, instance);
    ServiceView {
        name: service.name.to_owned(),
        description: service.description.to_owned(),
        tools: service.tools.len(),
        extra_tools: service.extras.iter().map(|tools| tools.len()).sum(),
        state: if open.is_some() { "running" } else { "stopped" }.to_owned(),
        port: open.map_or(own, |open| open.address.port()),
        url: open.map(|open| format!("http://{}/mcp", reachable(open.address))),
        started_at: open.map(|open| rfc3339(open.since)),
    }
}
