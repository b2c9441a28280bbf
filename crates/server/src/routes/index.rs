//! `GET /`: what this is and what is where, for whoever opens the address in a browser.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde_json::json;

use super::{Asked, json_body, service};
use crate::api;
use crate::config::Paths;
use crate::shared::Shared;

/// Every route beside those of the HTTP API, which has a table of its own.
const ROUTES: [&str; 31] = [
    "GET /",
    "POST /mcp",
    "GET /mcp",
    "DELETE /mcp",
    "POST /mcp/{name}",
    "GET /mcp/{name}",
    "DELETE /mcp/{name}",
    "GET /sse",
    "GET /sse/{name}",
    "POST /messages",
    "GET /health",
    "GET /ready",
    "GET /metrics",
    "GET /actuator",
    "GET /actuator/health",
    "GET /actuator/health/{path}",
    "GET /actuator/info",
    "GET /actuator/metrics",
    "GET /actuator/metrics/{name}",
    "GET /actuator/prometheus",
    "GET /actuator/configprops",
    "GET /actuator/configprops/{prefix}",
    "GET /actuator/loggers",
    "GET /actuator/loggers/{name}",
    "POST /actuator/loggers/{name}",
    "GET /actuator/threaddump",
    "GET /api/admin/tap",
    "GET /api/admin/log-level",
    "PUT /api/admin/log-level",
    "GET /api/admin/dump/tasks",
    "GET /api/admin/dump/memory",
];

/// Answers with paths rather than addresses: only the caller knows by which name it came.
pub(super) async fn index(
    State(shared): State<Arc<Shared>>,
    Extension(asked): Extension<Asked>,
) -> Response {
    if asked.service.is_some() {
        return service::info(State(shared), Extension(asked)).await;
    }
    let needs_token = shared.must_authenticate();
    json_body(
        StatusCode::OK,
        &json!({
            "name": "gantry",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A gateway for the Model Context Protocol: point an MCP client at `/mcp`.",
            "endpoints": {
                "mcp": "/mcp",
                "one_server_or_view": "/mcp/NAME",
                "http_sse": "/sse",
                "health": "/health",
                "ready": "/ready",
                "metrics": "/metrics",
                "actuator": "/actuator",
                "circuit_breakers": "/circuit-breakers",
                "servers": "/api/servers",
                "api": "/api/openapi.json",
            },
            "routes": routes(&shared.live.load().config.paths),
            "authentication": if needs_token { "bearer token" } else { "none on the loopback" },
        }),
    )
}

fn routes(paths: &Paths) -> Vec<String> {
    let further = [&paths.health, &paths.metrics].map(|path| format!("GET {path}"));
    let further = further.into_iter().filter(|route| !ROUTES.contains(&route.as_str()));
    let own = ROUTES.iter().map(|route| (*route).to_owned());
    own.chain(further).chain(api::routes()).collect()
}
