//! What the listener of one service tells of it: `GET /info`, and its part of `GET /health`.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use gantry_services::{Service, catalogue};
use http::StatusCode;
use serde_json::{Value, json};

use super::{Asked, json_body, refused};
use crate::http_stack::Refusal;
use crate::shared::Shared;

/// What these servers call themselves.
const KIND: &str = "mcp_server";

/// `GET /info` and `GET /`: what the service is and has. It is nowhere but on listeners of services.
pub(super) async fn info(
    State(shared): State<Arc<Shared>>,
    Extension(asked): Extension<Asked>,
) -> Response {
    let Some(service) = asked.service.and_then(catalogue::find) else {
        return refused(Refusal::nothing_at("/info"), &asked);
    };
    let names = |tools: &mut dyn Iterator<Item = &'static gantry_services::Tool>| {
        tools.map(|tool| tool.name).collect::<Vec<_>>()
    };
    json_body(
        StatusCode::OK,
        &json!({
            "service": server_name(service),
            "name": service.name,
            "title": service.title,
            "description": service.description,
            "agent_type": KIND,
            "version": env!("CARGO_PKG_VERSION"),
            "port": port(&shared, service),
            "tools": names(&mut service.tools.iter()),
            "extra_tools": names(&mut service.extras.iter().copied().flatten()),
            "resources": service.resources.iter().map(|resource| resource.uri).collect::<Vec<_>>(),
            "prompts": service.prompts.iter().map(|prompt| prompt.name).collect::<Vec<_>>(),
            "endpoints": {
                "mcp": "/mcp",
                "health": "/health",
                "ready": "/ready",
                "metrics": "/metrics",
                "circuit_breakers": "/circuit-breakers",
            },
        }),
    )
}

/// Makes the health of the gateway that of one of its services: they live and die together.
pub(super) fn describe(health: &mut Value, shared: &Shared, name: &str) {
    let Some(service) = catalogue::find(name) else { return };
    health["service"] = json!(server_name(service));
    health["agent_type"] = json!(KIND);
    health["port"] = json!(port(shared, service));
    health["tools"] = json!(service.tools.len());
}

/// What its clients know it by.
fn server_name(service: &Service) -> String {
    format!("mcp_{}_server", service.name)
}

/// Where it listens; it may have been told to close a moment ago.
fn port(shared: &Shared, service: &Service) -> u16 {
    let address = shared.service_listeners.address_of(service.name);
    address.map_or(service.port, |address| address.port())
}
