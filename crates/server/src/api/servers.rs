//! The servers: which there are, how they are, what they say of themselves.

use gantry_core::offer::Freshness;
use gantry_gateway::spec::{Connection, GatewaySpec, UpstreamSpec};
use gantry_gateway::upstream::UpstreamStatus;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::call::{Call, Outcome, reply};
use super::error::ApiError;
use super::model::{Health, Introduction, Origin, Server, ServerList};
use crate::added::{Entry, Standing};
use crate::config;

/// `GET /api/servers`.
pub(super) fn list(call: &Call) -> Outcome {
    let wanted = |server: &Server| {
        let is = |name: &str| server.status.get(name).and_then(Value::as_str).unwrap_or_default();
        let state = call.parameters.find("status");
        let kind = call.parameters.find("type");
        state.is_none_or(|state| is("state") == state)
            && kind.is_none_or(|kind| (is("transport") == "stdio") == (kind == "stdio"))
    };
    let servers = all(call).into_iter().filter(wanted).collect();
    let (servers, page) = call.page(servers);
    reply(StatusCode::OK, &ServerList { servers, page })
}

/// `GET /api/servers/{id}`.
pub(super) fn one(call: &Call) -> Outcome {
    reply(StatusCode::OK, &find(call, call.parameters.text("id"))?)
}

/// `GET /api/servers/{id}/health`.
pub(super) fn health(call: &Call) -> Outcome {
    let server = find(call, call.parameters.text("id"))?;
    let text = |name: &str| server.status.get(name).and_then(Value::as_str).map(str::to_owned);
    let upstreams = call.shared.gateway.registry.upstreams();
    let upstream = upstreams.iter().find(|upstream| upstream.spec().name == server.id);
    let state = text("state").unwrap_or_default();
    let health = Health {
        healthy: state == "ready",
        state,
        detail: text("detail"),
        code: text("code"),
        calls_under_way: upstream.map_or(0, |upstream| upstream.n_calls()),
        checked_at: call.now(),
        server_id: server.id,
    };
    reply(StatusCode::OK, &health)
}

/// `GET /api/servers/{id}/info`.
pub(super) async fn info(call: Call) -> Outcome {
    let name = call.parameters.text("id");
    // Waits for a server that was never heard, but not long.
    call.errand().view(&call.shared.gateway, name).await;
    let snapshot = call.shared.gateway.registry.snapshot();
    let found = snapshot.servers.iter().find(|server| *server.name == *name);
    let found = found.filter(|_| call.may_see(name));
    let Some(server) = found.filter(|server| server.upstream.is_some()) else {
        // It may be one that is kept and not used, of which nothing is known.
        let known = find(&call, name)?;
        return Err(not_used(&known));
    };
    let offer = server.provider.offer().load();
    let value = |raw: Option<&[u8]>| raw.and_then(|raw| serde_json::from_slice(raw).ok());
    let info = Introduction {
        server_id: name.to_owned(),
        // Before the first answer nothing is spoken, and the offer has a revision in its place.
        protocol_version: (offer.freshness != Freshness::Pending)
            .then(|| offer.revision.as_str().to_owned()),
        offer: match offer.freshness {
            Freshness::Pending => "pending",
            Freshness::Stale => "stale",
            Freshness::Fresh => "fresh",
        }
        .to_owned(),
        server_info: value(offer.server_info.as_deref()).unwrap_or_else(|| json!({})),
        capabilities: value(Some(&offer.capabilities)).unwrap_or_else(|| json!({})),
        instructions: offer.instructions.as_deref().map(str::to_owned),
        description: server.upstream.as_ref().and_then(|up| up.spec().description.clone()),
    };
    reply(StatusCode::OK, &info)
}

/// Says that a server is kept and not used.
pub(super) fn not_used(server: &Server) -> ApiError {
    let detail = server.status.get("detail").and_then(Value::as_str).unwrap_or_default();
    let message = format!("the server `{}` is not used: {detail}", server.id);
    ApiError::new(gantry_core::ErrorCode::UpstreamUnreachable, message)
}

/// Returns one server.
pub(super) fn find(call: &Call, name: &str) -> Result<Server, ApiError> {
    let servers = all(call);
    servers.into_iter().find(|server| server.id == name).ok_or_else(|| ApiError::no_server(name))
}

/// Returns every server: those of the running gateway, and those that are kept and not used.
fn all(call: &Call) -> Vec<Server> {
    let added = call.shared.added.all();
    let config = &call.live.config;
    let registry = &call.shared.gateway.registry;
    let upstreams = registry.upstreams();
    let snapshot = registry.snapshot();
    let errand = call.errand();
    let statuses = registry.status_for(&errand.principal, errand.address);
    let mut servers = Vec::with_capacity(upstreams.len());
    for upstream in &upstreams {
        let spec = upstream.spec();
        // Of one that the caller may not see, nothing is told.
        let Some(status) = statuses.iter().find(|status| status.name == spec.name) else {
            continue;
        };
        let is_files = config.upstream(&spec.name).is_some();
        servers.push(Server {
            id: spec.name.clone(),
            origin: if is_files { Origin::File } else { Origin::Api },
            enabled: spec.enabled,
            shadows_api: is_files && added.contains_key(&spec.name),
            // Of a server that need not be started anew for a change, what is in force now.
            config: shown(call, wanted(&snapshot.spec, &spec.name).unwrap_or(spec)),
            status: status_of(status),
        });
    }
    for (name, entry) in added {
        if let Standing::Refused { code, why } = entry.standing(&name, config)
            && !servers.iter().any(|server| server.id == name)
            && call.may_see_all()
        {
            servers.push(refused(call, &name, &entry, (code, &why)));
        }
    }
    servers
}

fn refused(
    call: &Call,
    name: &str,
    entry: &Entry,
    (code, why): (gantry_core::ErrorCode, &str),
) -> Server {
    let spec = entry.checked.as_ref().ok();
    let is_stdio = match spec.map(|spec| &spec.connection) {
        Some(connection) => matches!(connection, Connection::Stdio { .. }),
        None => entry.written.get("command").is_some(),
    };
    let status = json!({
        "name": name,
        "state": "refused",
        "detail": why,
        "code": code.code(),
        "transport": if is_stdio { "stdio" } else { "http" },
        "offer": "pending",
        "tools": 0,
        "resources": 0,
        "templates": 0,
        "prompts": 0,
        "lanes": 0,
    });
    Server {
        id: name.to_owned(),
        origin: Origin::Api,
        enabled: spec.is_some_and(|spec| spec.enabled),
        shadows_api: false,
        config: spec.and_then(|spec| shown(call, spec)),
        status: members(status),
    }
}

fn status_of(status: &UpstreamStatus) -> Map<String, Value> {
    members(serde_json::to_value(status).unwrap_or_default())
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn wanted<'a>(spec: &'a GatewaySpec, name: &str) -> Option<&'a UpstreamSpec> {
    spec.servers.iter().find(|wanted| wanted.name == name)
}

/// Returns the configuration of a server, for the administrator. Arguments are left out like
/// variables and headers: people put tokens there.
fn shown(call: &Call, spec: &UpstreamSpec) -> Option<Map<String, Value>> {
    call.caller.is_admin().then(|| members(config::shown_upstream(spec)))
}
