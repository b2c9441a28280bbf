//! Raw messages to one server, and what it says by itself.

use gantry_core::ErrorCode;
use gantry_gateway::dispatch::Reply;
use gantry_gateway::door::errand::{self, Wanted};
use gantry_transport::server::full;
use http::StatusCode;
use serde_json::json;

use super::call::{Call, Outcome};
use super::error::ApiError;
use super::offered::check_server;

/// `POST /api/servers/{id}/messages`.
pub(super) async fn send(call: Call) -> Outcome {
    let server = call.parameters.text("id");
    check_server(&call, server)?;
    let message = errand::parse(call.body.clone()).map_err(|error| {
        let rpc = json!({ "code": error.code, "message": error.message });
        let message = format!("the body is no request of JSON-RPC: {}", error.message);
        ApiError::malformed(message).with_detail("rpc", rpc)
    })?;
    let reply = call.errand().run(&call.shared.gateway, server, message).await;
    let Reply { bytes, .. } = reply.ok_or_else(|| ApiError::no_server(server))?;
    Ok(full(StatusCode::OK, bytes))
}

/// `GET /api/servers/{id}/notifications`.
pub(super) async fn listen(call: Call) -> Outcome {
    let server = call.parameters.text("id");
    check_server(&call, server)?;
    let uris = call.parameters.all("uri");
    if !uris.is_empty() && call.caller.principal.is_none() {
        let message = "resources are subscribed to as a client: use a token or key of `auth`";
        return Err(ApiError::new(ErrorCode::NotForThisToken, message));
    }
    // What a server logs may be about anybody's call.
    let wanted = Wanted { uris, log: call.caller.is_admin() };
    let opened = call.errand().listen(&call.shared.gateway, server, wanted).await;
    opened.map_err(|error| ApiError::of_rpc(&error))
}
