//! `server.connections` and `server.compression`, checked.

use std::time::Duration;

use gantry_core::ErrorCode;
use gantry_policy::rate::Rate;
use serde_json::{Value, json};

use super::check::Checker;
use super::listener::Server;
use super::path::Path;
use super::problem::Problem;
use super::{raw, traffic, units};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);

/// How many connections there may be, and how long each is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connections {
    /// Of a main listener.
    pub max: usize,
    /// Of them from one address.
    pub per_address: Option<u32>,
    /// How many may be opened in which time from one address.
    pub rate: Option<Rate>,
    /// How long one may wait for the head of its next request, where that is set.
    pub keep_alive: Option<Duration>,
    /// After how many requests one is closed.
    pub max_requests: Option<u32>,
}

/// Answers that are made smaller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compression {
    /// Whether any are.
    pub enabled: bool,
    /// Bytes from which on.
    pub minimum: usize,
    /// From 1 to 9.
    pub level: u32,
    /// Types of content without parameters, in lower case.
    pub types: Vec<String>,
    /// Whether answers to requests with a credential are.
    pub with_credentials: bool,
}

/// Checks `server.connections`.
pub(crate) fn connections(raw: &raw::Connections, checker: &mut Checker<'_>) -> Connections {
    let path = Path::root().key("server").key("connections");
    Connections {
        max: raw.max as usize,
        per_address: raw.per_address,
        rate: raw.rate.as_ref().and_then(|raw| traffic::rate(raw, &path.key("rate"), checker)),
        keep_alive: raw
            .keep_alive
            .as_ref()
            .map(|text| checker.duration(&path.key("keep_alive"), text, (SECOND, HOUR))),
        max_requests: raw.max_requests,
    }
}

/// Looks for a limit of connections that can never be reached.
pub(crate) fn idle_limits(server: &Server) -> Vec<Problem> {
    let Connections { max, per_address, .. } = server.connections;
    let is_idle = per_address.is_some_and(|most| most as usize >= max);
    let path = Path::root().key("server").key("connections").key("per_address");
    let warning = || {
        let message = format!(
            "`{path}` can never be reached: `server.connections.max` allows no more to all"
        );
        Problem::new(ErrorCode::LimitIdle, &path, message)
            .with_hint(Some("lower it, raise `server.connections.max`, or leave it out"))
    };
    is_idle.then(warning).into_iter().collect()
}

/// Checks `server.compression`.
pub(crate) fn compression(raw: &raw::Compression, checker: &mut Checker<'_>) -> Compression {
    let path = Path::root().key("server").key("compression");
    let at = path.key("types");
    for (index, text) in raw.types.iter().enumerate() {
        let is_type = text
            .split_once('/')
            .is_some_and(|(kind, rest)| !kind.is_empty() && !rest.is_empty())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/.+-_".contains(&byte));
        if !is_type {
            checker.invalid(&at.index(index), text, "a type such as `application/json`");
        }
        if text.eq_ignore_ascii_case("text/event-stream") {
            let message = format!("`{}` is a stream, which would not get through", at.index(index));
            checker.conflict(&at.index(index), message, Some("take it away"));
        }
    }
    Compression {
        enabled: raw.enabled,
        minimum: checker.size(&path.key("minimum"), &raw.minimum, (1, 1 << 30)),
        level: raw.level,
        types: raw.types.iter().map(|text| text.to_ascii_lowercase()).collect(),
        with_credentials: raw.with_credentials,
    }
}

/// Shows both, as members of `server`.
pub(crate) fn show(server: &Server) -> [(&'static str, Value); 2] {
    let Connections { max, per_address, rate, keep_alive, max_requests } = &server.connections;
    let mut connections = json!({ "max": max });
    if let Some(most) = per_address {
        connections["per_address"] = json!(most);
    }
    if let Some(rate) = rate {
        connections["rate"] = traffic::show_rate(rate);
    }
    if let Some(time) = keep_alive {
        connections["keep_alive"] = json!(units::format_duration(*time));
    }
    if let Some(most) = max_requests {
        connections["max_requests"] = json!(most);
    }
    let Compression { enabled, minimum, level, types, with_credentials } = &server.compression;
    let compression = json!({
        "enabled": enabled,
        "minimum": units::format_size(*minimum),
        "level": level,
        "types": types,
        "with_credentials": with_credentials,
    });
    [("connections", connections), ("compression", compression)]
}
