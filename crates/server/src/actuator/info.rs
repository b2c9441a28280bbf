//! `GET /actuator/info`: what runs.

use axum::response::Response;
use gantry_protocol::Revision;
use http::StatusCode;
use serde_json::json;

use crate::routes::json_body;

pub(super) async fn info() -> Response {
    let version = env!("CARGO_PKG_VERSION");
    let revisions: Vec<&str> = Revision::ALL.iter().map(|revision| revision.as_str()).collect();
    json_body(
        StatusCode::OK,
        &json!({
            "app": {
                "name": "gantry",
                "description": "A gateway for the Model Context Protocol",
                "version": version,
            },
            "build": { "artifact": "gantry", "name": "gantry", "version": version },
            "mcp": { "revisions": revisions },
        }),
    )
}
