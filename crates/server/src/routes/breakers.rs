//! `GET /circuit-breakers` and `POST /circuit-breakers/reset`: how the circuit breakers are, in the
//! form that A2A MCP servers have, with what Gantry knows besides.

use std::sync::Arc;

use axum::Extension;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::Response;
use axum::routing::{get, post};
use gantry_core::ErrorCode;
use gantry_core::audit::Event;
use gantry_gateway::governance::traffic::BreakerStatus;
use gantry_policy::breaker::State as BreakerState;
use http::{StatusCode, Uri};
use serde_json::{Map, Value, json};

use super::{Asked, json_body, refused};
use crate::audit::seen::Changing;
use crate::http_stack::Refusal;
use crate::shared::Shared;

/// A name is short.
const MOST_BYTES: usize = 4096;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/circuit-breakers", get(list))
        .route("/circuit-breakers/reset", post(reset))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
}

/// `GET /circuit-breakers`.
async fn list(State(shared): State<Arc<Shared>>) -> Response {
    json_body(StatusCode::OK, &all(&shared))
}

/// `POST /circuit-breakers/reset`, of one with `{"name": "git"}` or `?name=git`, else of all.
async fn reset(
    State(shared): State<Arc<Shared>>,
    Extension(asked): Extension<Asked>,
    uri: Uri,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let name = match name_of(&uri, body) {
        Ok(name) => name,
        Err(refusal) => return refused(refusal, &asked),
    };
    let reset = shared.gateway.traffic.reset_breakers(name.as_deref());
    if let (Some(name), true) = (&name, reset.is_empty()) {
        let shown: String = name.chars().take(100).collect();
        let message = format!(
            "no circuit breaker has the name `{shown}`; `GET /circuit-breakers` lists them"
        );
        return refused(Refusal::new(ErrorCode::UnknownBreaker, message), &asked);
    }
    gantry_core::log::info!(breakers = ?reset, "Circuit breakers were reset.");
    let made = Changing::begin(&shared.gateway.audit, Event::BreakersReset, &reset.join(", "));
    // It is done, and harms nobody: what cannot be recorded of it is counted, and no reason to refuse.
    if let Ok(changing) = made {
        let _ = changing.by_administrator(asked.address).end(Ok(())).await;
    }
    let mut shown = all(&shared);
    shown["status"] = json!("reset");
    shown["reset"] = json!(reset);
    json_body(StatusCode::OK, &shown)
}

/// Reads which breaker is meant; `None` for all of them.
fn name_of(uri: &Uri, body: Result<Bytes, BytesRejection>) -> Result<Option<String>, Refusal> {
    let bad = |message: &str| Refusal::new(ErrorCode::QueryInvalid, message);
    let query = uri.query().unwrap_or_default();
    let mut names = url::form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == "name");
    if let Some((_, name)) = names.next() {
        return Ok(Some(name.into_owned()));
    }
    let body = body.map_err(|_| bad("the body could not be read, or is too large"))?;
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let body: Value = serde_json::from_slice(&body)
        .map_err(|_| bad("the body must be JSON such as `{\"name\": \"git\"}`, or absent"))?;
    match (body.as_object(), body.get("name")) {
        (Some(_), Some(Value::String(name))) => Ok(Some(name.clone())),
        (Some(_), None | Some(Value::Null)) => Ok(None),
        _ => Err(bad("`name` must be a text")),
    }
}

fn all(shared: &Shared) -> Value {
    let breakers = shared.gateway.traffic.breakers();
    let count = |state| breakers.iter().filter(|breaker| breaker.state == state).count();
    let closed = count(BreakerState::Closed);
    let by_name: Map<_, _> =
        breakers.iter().map(|breaker| (breaker.name.to_string(), one(breaker))).collect();
    json!({
        "total_breakers": breakers.len(),
        "open_breakers": count(BreakerState::Open),
        "half_open_breakers": count(BreakerState::HalfOpen),
        "closed_breakers": closed,
        "health_score": percentage(closed as u64, breakers.len() as u64),
        "breakers": by_name,
    })
}

fn one(breaker: &BreakerStatus) -> Value {
    let BreakerStatus { counts, settings, .. } = breaker;
    let last_failure =
        breaker.last_failure.map(|at| humantime::format_rfc3339_seconds(at).to_string());
    json!({
        "name": breaker.name,
        "server": breaker.server,
        "state": breaker.state.name(),
        "stats": {
            "total_calls": counts.calls,
            "successful_calls": counts.succeeded,
            "failed_calls": counts.failed,
            "rejected_calls": counts.refused,
            "consecutive_failures": counts.failed_in_a_row,
            "consecutive_successes": counts.succeeded_in_a_row,
            "last_failure_time": last_failure,
            "uptime_percentage": percentage(counts.succeeded, counts.calls),
        },
        "config": {
            "failure_threshold": settings.failures,
            "success_threshold": settings.successes,
            "timeout": settings.open.as_secs_f64(),
            "error_rate": f64::from(settings.permille) / 1000.0,
        },
    })
}

/// A part in hundredths with two digits after the point; all of nothing is a whole.
#[expect(clippy::cast_precision_loss, reason = "nothing is counted to 2^53")]
fn percentage(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 100.0;
    }
    (part as f64 * 10_000.0 / whole as f64).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the name, `all` if there is none, and `refused` if nothing is named rightly.
    fn name(uri: &str, body: &'static str) -> String {
        match name_of(&uri.parse().unwrap(), Ok(Bytes::from_static(body.as_bytes()))) {
            Ok(name) => name.unwrap_or_else(|| "all".to_owned()),
            Err(_) => "refused".to_owned(),
        }
    }

    #[test]
    fn one_is_named_by_the_query_or_the_body_and_else_all_are_meant() {
        let path = "/circuit-breakers/reset";
        assert_eq!(name(path, ""), "all");
        assert_eq!(name(path, " {} "), "all");
        assert_eq!(name(path, r#"{"name":"git"}"#), "git");
        assert_eq!(name(&format!("{path}?name=git%2Flog"), ""), "git/log");
        for bad in ["git", "[]", r#""git""#, r#"{"name":1}"#] {
            assert_eq!(name(path, bad), "refused", "{bad}");
        }
    }

    #[test]
    fn a_part_of_nothing_is_a_whole() {
        let parts = [percentage(0, 0), percentage(1, 3), percentage(3, 3)];
        assert_eq!(parts.map(|part| part.to_string()), ["100", "33.33", "100"]);
    }
}
