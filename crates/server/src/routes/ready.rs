//! `GET /ready`: whether requests should be sent here, and the true state of every upstream.
//!
//! Upstreams do not decide, unless `ready.require` says so: a gateway whose upstream is down still
//! serves the others, and a load balancer that took it away would take those too.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use gantry_gateway::upstream::UpstreamStatus;
use http::StatusCode;
use serde_json::{Value, json};

use super::{Asked, json_body};
use crate::audit::TrailState;
use crate::condition::{Condition, Storage};
use crate::shared::Shared;

pub(super) async fn ready(
    State(shared): State<Arc<Shared>>,
    Extension(asked): Extension<Asked>,
) -> Response {
    let condition = Condition::of(&shared).await;
    let is_ready = condition.is_ready();
    let refused = shared.refused_reload.lock().clone();
    let config = if refused.is_some() { "previous" } else { "ok" };
    let upstreams: Vec<Value> =
        condition.upstreams.iter().map(|upstream| shown(upstream, asked.may_see_details)).collect();
    let mut body = json!({
        "ready": is_ready,
        "status": if is_ready { "ready" } else { "not_ready" },
        "checks": {
            "config": config,
            "storage": storage(condition.storage),
            "audit": audit(condition.trail.as_ref()),
            "listener": if condition.is_draining { "draining" } else { "ok" },
        },
        "missing": condition.missing,
        "upstreams": upstreams,
    });
    if let Some(reason) = refused.filter(|_| asked.may_see_details) {
        body["config_refused"] = Value::String(reason);
    }
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json_body(status, &body)
}

/// `unreachable` is no reason to go elsewhere, `failed` is.
fn storage(storage: Storage) -> &'static str {
    match (storage.answers, storage.is_lost()) {
        (true, _) => "ok",
        (false, true) => "failed",
        (false, false) => "unreachable",
    }
}

/// How the audit trail is, in one word.
fn audit(trail: Option<&TrailState>) -> &'static str {
    match trail {
        None => "off",
        Some(trail) if trail.refuses => "full",
        Some(trail) if trail.sinks.iter().any(|sink| sink.is_failing) => "failing",
        Some(_) => "ok",
    }
}

fn shown(upstream: &UpstreamStatus, with_details: bool) -> Value {
    if with_details {
        return serde_json::to_value(upstream).unwrap_or_default();
    }
    json!({ "name": upstream.name, "state": upstream.state })
}
