//! `GET /`: what this is and what is where, for whoever opens the address in a browser.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde_json::json;

use super::json_body;
use crate::shared::Shared;

/// Answers with paths rather than addresses: only the caller knows by which name it came.
pub(super) async fn index(State(shared): State<Arc<Shared>>) -> Response {
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
                "servers": "/api/servers",
                "api": "/api/openapi.json",
            },
            "authentication": if needs_token { "bearer token" } else { "none on the loopback" },
        }),
    )
}
