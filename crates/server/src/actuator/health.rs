//! `GET /actuator/health` and its parts: one [`Condition`] in the shape of Spring Boot.
//!
//! Groups are what probes ask for: `liveness`, `readiness`, `startup`. Components are what they are
//! made of; who may see details sees them inside as well.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use gantry_core::ErrorCode;
use gantry_gateway::upstream::UpstreamStatus;
use gantry_storage::Kind;
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::audit::{SinkState, TrailState};
use crate::condition::Condition;
use crate::http_stack::Refusal;
use crate::routes::{Asked, json_body, refused};
use crate::shared::Shared;

/// Groups and what decides them.
const GROUPS: [(&str, &[&str]); 3] = [
    ("liveness", &["livenessState"]),
    ("readiness", &["audit", "db", "mcp-servers", "readinessState"]),
    ("startup", &["startupState"]),
];
/// What decides `/actuator/health` itself.
const WHOLE: &[&str] = &["audit", "db", "livenessState", "mcp-servers", "ping", "readinessState"];
/// The component that has parts of its own.
const SERVERS: &str = "mcp-servers";

/// Worse ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Status {
    Up,
    /// Nobody knows yet, or nobody wants to.
    Unknown,
    OutOfService,
    Down,
}

/// A component.
#[derive(Debug)]
struct Component {
    status: Status,
    details: Option<Value>,
    parts: Vec<(String, Self)>,
}

pub(super) async fn whole(
    State(shared): State<Arc<Shared>>,
    Extension(asked): Extension<Asked>,
) -> Response {
    let condition = Condition::of(&shared).await;
    let (status, mut body) = together(WHOLE, &condition, asked.may_see_details);
    body["groups"] = json!(GROUPS.map(|(name, _)| name));
    json_body(status.http(), &body)
}

/// `GET /actuator/health/{*path}`: a group, a component, or a part of one.
pub(super) async fn part(
    State(shared): State<Arc<Shared>>,
    Extension(asked): Extension<Asked>,
    Path(path): Path<String>,
) -> Response {
    let condition = Condition::of(&shared).await;
    if let Some((_, members)) = GROUPS.iter().find(|(name, _)| *name == path) {
        // A database that is away is told of at its own place, and is no reason to go elsewhere.
        let decides = |name: &&str| *name != "db" || condition.storage.kind == Kind::Sqlite;
        let members: Vec<_> = members.iter().copied().filter(decides).collect();
        let (status, body) = together(&members, &condition, asked.may_see_details);
        return json_body(status.http(), &body);
    }
    let found = match path.split_once('/') {
        None => component(&path, &condition),
        // Whether there is such a server is a detail too.
        Some((SERVERS, server)) if asked.may_see_details => servers(&condition)
            .parts
            .into_iter()
            .find(|(name, _)| name == server)
            .map(|(_, part)| part),
        Some(_) => None,
    };
    let Some(component) = found else {
        let shown: String = path.chars().take(100).collect();
        let message =
            format!("the health has no part `{shown}`; `/actuator/health` lists its parts");
        return refused(Refusal::new(ErrorCode::UnknownFigure, message), &asked);
    };
    json_body(component.status.http(), &component.shown(asked.may_see_details))
}

/// Several components as one: the worst of them decides.
fn together(names: &[&str], condition: &Condition, with_details: bool) -> (Status, Value) {
    let components: Vec<_> = names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), component(name, condition)?)))
        .collect();
    let status = components.iter().map(|(_, component)| component.status).max();
    let status = status.unwrap_or(Status::Unknown);
    let mut body = json!({ "status": status.name() });
    if with_details {
        body["components"] = shown(&components);
    }
    (status, body)
}

fn component(name: &str, condition: &Condition) -> Option<Component> {
    let plain = |status| Some(Component { status, details: None, parts: Vec::new() });
    match name {
        "db" => Some(Component {
            status: if condition.storage.answers { Status::Up } else { Status::Down },
            details: Some(json!({ "database": condition.storage.kind.name() })),
            parts: Vec::new(),
        }),
        "audit" => condition.trail.as_ref().map(audit),
        // Whoever reads this was answered.
        "livenessState" | "ping" => plain(Status::Up),
        "readinessState" if condition.is_draining => plain(Status::OutOfService),
        "readinessState" => plain(Status::Up),
        "startupState" if condition.has_started => plain(Status::Up),
        "startupState" => plain(Status::OutOfService),
        SERVERS => Some(servers(condition)),
        _ => None,
    }
}

/// The audit trail: down if calls are refused for it.
fn audit(trail: &TrailState) -> Component {
    let part = |sink: &SinkState| {
        let status = if sink.is_failing { Status::Down } else { Status::Up };
        let details = Some(json!({ "waiting": sink.waiting, "full": sink.is_full }));
        (sink.name.to_owned(), Component { status, details, parts: Vec::new() })
    };
    Component {
        status: if trail.refuses { Status::Down } else { Status::Up },
        details: None,
        parts: trail.sinks.iter().map(part).collect(),
    }
}

/// The servers: down if one is that `ready.require` names, as `/ready` has it.
fn servers(condition: &Condition) -> Component {
    let part = |upstream: &UpstreamStatus| {
        let status = match upstream.state {
            "ready" => Status::Up,
            "starting" | "disabled" => Status::Unknown,
            _ => Status::Down,
        };
        let details = serde_json::to_value(upstream).ok();
        (upstream.name.clone(), Component { status, details, parts: Vec::new() })
    };
    let missing = &condition.missing;
    Component {
        status: if missing.is_empty() { Status::Up } else { Status::Down },
        details: (!missing.is_empty()).then(|| json!({ "missing": missing })),
        parts: condition.upstreams.iter().map(part).collect(),
    }
}

fn shown(components: &[(String, Component)]) -> Value {
    let members = components.iter().map(|(name, component)| (name.clone(), component.shown(true)));
    Value::Object(members.collect::<Map<_, _>>())
}

// === impl Status ===

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Up => "UP",
            Self::Unknown => "UNKNOWN",
            Self::OutOfService => "OUT_OF_SERVICE",
            Self::Down => "DOWN",
        }
    }

    fn http(self) -> StatusCode {
        match self {
            Self::Up | Self::Unknown => StatusCode::OK,
            Self::OutOfService | Self::Down => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

// === impl Component ===

impl Component {
    fn shown(&self, with_details: bool) -> Value {
        let mut value = json!({ "status": self.status.name() });
        if with_details {
            if let Some(details) = &self.details {
                value["details"] = details.clone();
            }
            if !self.parts.is_empty() {
                value["components"] = shown(&self.parts);
            }
        }
        value
    }
}
