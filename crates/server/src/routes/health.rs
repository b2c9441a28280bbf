//! `GET /health`: whether the process is of use, in the words of everybody who asks so.
//!
//! One body has the members that each of the systems we stand in for has; where they contradict
//! each other a decision record says which one won (`docs/decisions/0023-health.md`).

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use gantry_gateway::snapshot::Section;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Asked, json_body, service};
use crate::condition::Condition;
use crate::metrics::process;
use crate::shared::Shared;
use crate::timestamp::rfc3339;

/// How long the answer took to make, for checkers that write it down.
const RESPONSE_TIME: HeaderName = HeaderName::from_static("x-response-time");

pub(super) async fn health(
    State(shared): State<Arc<Shared>>,
    Extension(asked): Extension<Asked>,
) -> Response {
    let begun = Instant::now();
    let condition = Condition::of(&shared).await;
    // 503 while it is leaving: who asks here may be a balancer, and nothing restarts what was told
    // to end.
    let (status, word) = if condition.storage.is_lost() {
        (StatusCode::SERVICE_UNAVAILABLE, "unhealthy")
    } else if condition.is_draining {
        (StatusCode::SERVICE_UNAVAILABLE, "draining")
    } else {
        (StatusCode::OK, "healthy")
    };
    let uptime = shared.started.elapsed();
    let mut body = json!({
        "status": word,
        "service": "gantry",
        "agent_type": "gateway",
        "version": env!("CARGO_PKG_VERSION"),
        "timestamp": rfc3339(shared.gateway.clock.now()),
        "uptime": uptime.as_secs_f64(),
        "uptime_seconds": uptime.as_secs(),
        "checks": {
            "database": { "status": if condition.storage.answers { "healthy" } else { "unhealthy" } },
            "handlers": { "status": handlers(&condition) },
        },
    });
    if asked.may_see_details {
        add_details(&mut body, &shared, &condition);
    }
    if let Some(name) = asked.service {
        service::describe(&mut body, &shared, name);
    }
    let mut response = json_body(status, &body);
    let took = format!("{:.3}ms", begun.elapsed().as_secs_f64() * 1000.0);
    if let Ok(took) = HeaderValue::from_str(&took) {
        response.headers_mut().insert(RESPONSE_TIME, took);
    }
    response
}

/// What carries tools out: the servers. They are told of and decide nothing.
fn handlers(condition: &Condition) -> &'static str {
    let is_well = |state: &str| matches!(state, "ready" | "disabled");
    if condition.upstreams.iter().all(|upstream| is_well(upstream.state)) {
        "healthy"
    } else {
        "degraded"
    }
}

fn add_details(body: &mut Value, shared: &Shared, condition: &Condition) {
    let view = shared.gateway.registry.snapshot().view("");
    let ready = condition.upstreams.iter().filter(|upstream| upstream.state == "ready").count();
    body["port"] = json!(shared.address.port());
    body["tools"] = json!(view.map_or(0, |view| view.all(Section::Tools).len()));
    body["checks"]["handlers"]["servers"] = json!(condition.upstreams.len());
    body["checks"]["handlers"]["ready"] = json!(ready);
    if let Some(process) = process::read() {
        body["memory"] = json!({ "rss": process.resident_bytes });
    }
}
