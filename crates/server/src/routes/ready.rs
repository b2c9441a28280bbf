//! `GET /ready`: whether requests should be sent here, and the true state of every upstream.
//!
//! Upstreams do not decide, unless `ready.require` says so: a gateway whose upstream is down still
//! serves the others, and a load balancer that took it away would take those too.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use gantry_core::store::OfferStore as _;
use gantry_gateway::upstream::UpstreamStatus;
use http::StatusCode;
use serde_json::{Value, json};

use super::{Asked, json_body};
use crate::shared::Shared;

/// A database that takes longer for one row is not there.
const STORAGE_LIMIT: Duration = Duration::from_secs(2);

pub(super) async fn ready(
    State(shared): State<Arc<Shared>>,
    Extension(asked): Extension<Asked>,
) -> Response {
    let live = shared.live.load_full();
    let upstreams = shared.gateway.status();
    let missing: Vec<&String> = live
        .config
        .ready_require
        .iter()
        .filter(|name| !upstreams.iter().any(|upstream| is_ready(upstream, name)))
        .collect();
    let has_storage = storage_answers(&shared).await;
    let is_ready = has_storage && missing.is_empty();
    let refused = shared.refused_reload.lock().clone();
    let config = if refused.is_some() { "previous" } else { "ok" };
    let upstreams: Vec<Value> =
        upstreams.iter().map(|upstream| shown(upstream, asked.may_see_details)).collect();
    let mut body = json!({
        "status": if is_ready { "ready" } else { "not_ready" },
        "checks": {
            "config": config,
            "storage": if has_storage { "ok" } else { "failed" },
            "listener": "ok",
        },
        "missing": missing,
        "upstreams": upstreams,
    });
    if let Some(reason) = refused.filter(|_| asked.may_see_details) {
        body["config_refused"] = Value::String(reason);
    }
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json_body(status, &body)
}

fn is_ready(upstream: &UpstreamStatus, name: &str) -> bool {
    upstream.name == name && upstream.state == "ready"
}

fn shown(upstream: &UpstreamStatus, with_details: bool) -> Value {
    if with_details {
        return serde_json::to_value(upstream).unwrap_or_default();
    }
    json!({ "name": upstream.name, "state": upstream.state })
}

/// Reads a row that need not be there.
async fn storage_answers(shared: &Shared) -> bool {
    let read = shared.store.verdict("");
    matches!(tokio::time::timeout(STORAGE_LIMIT, read).await, Ok(Ok(_)))
}
