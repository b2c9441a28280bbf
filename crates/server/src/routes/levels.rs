//! The levels of the log, to be read and changed: `/api/admin/log-level`, and `/actuator/loggers` in
//! the form that tools for Spring Boot know (its actuator API, "Loggers").
//!
//! Who may is decided before. A change lasts until the next reload of the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Extension;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::Response;
use axum::routing::get;
use gantry_core::ErrorCode;
use gantry_core::audit::Event;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use super::{Asked, json_body, refused};
use crate::audit::seen::Changing;
use crate::config::{LogLevel, is_target};
use crate::http_stack::Refusal;
use crate::log::{Levels, ROOT};
use crate::shared::Shared;

/// A level and a name are short.
const MOST_BYTES: usize = 4096;
/// Media types of a request: JSON, and what tools for Spring Boot call it.
const JSON: [&str; 3] = [
    "application/json",
    "application/vnd.spring-boot.actuator.v2+json",
    "application/vnd.spring-boot.actuator.v3+json",
];
/// How the levels are called, the most silent first.
const WORDS: [(&str, LogLevel); 6] = [
    ("OFF", LogLevel::Off),
    ("ERROR", LogLevel::Error),
    ("WARN", LogLevel::Warn),
    ("INFO", LogLevel::Info),
    ("DEBUG", LogLevel::Debug),
    ("TRACE", LogLevel::Trace),
];
/// Parts that are worth a level of their own, shown whether they have one or not.
const KNOWN: [&str; 11] = [
    "gantry_cli",
    "gantry_core",
    "gantry_gateway",
    "gantry_gateway::requests",
    "gantry_net",
    "gantry_process",
    "gantry_protocol",
    "gantry_server",
    "gantry_server::access",
    "gantry_storage",
    "gantry_transport",
];

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/admin/log-level", get(level).put(set_level))
        .route("/actuator/loggers", get(loggers))
        .route("/actuator/loggers/{name}", get(logger).post(set_logger))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
}

/// `GET /api/admin/log-level`.
async fn level(State(shared): State<Arc<Shared>>, Extension(asked): Extension<Asked>) -> Response {
    match levels(&shared) {
        Ok((base, levels)) => json_body(StatusCode::OK, &shown(&base, &levels)),
        Err(refusal) => refused(refusal, &asked),
    }
}

/// `PUT /api/admin/log-level` with `{"level": "debug", "target": "gantry_gateway"}`; without a
/// target for all that have no level of their own, with `null` back to the configuration's.
async fn set_level(
    State(shared): State<Arc<Shared>>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let changed = read(&headers, &body).and_then(|members| {
        only(&members, &["level", "target"])?;
        let part = match members.get("target") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => part(name)?,
            Some(_) => return Err(bad("`target` must be a text")),
        };
        let level = word(members.get("level").ok_or_else(|| bad("`level` is missing"))?, "level")?;
        Ok((part, level))
    });
    let changed = match changed {
        Ok((part, level)) => change(&shared, &asked, part.as_deref(), level).await,
        Err(refusal) => Err(refusal),
    };
    match changed.and_then(|()| levels(&shared)) {
        Ok((base, levels)) => json_body(StatusCode::OK, &shown(&base, &levels)),
        Err(refusal) => refused(refusal, &asked),
    }
}

/// `GET /actuator/loggers`.
async fn loggers(
    State(shared): State<Arc<Shared>>,
    Extension(asked): Extension<Asked>,
) -> Response {
    let levels = match levels(&shared) {
        Ok((_, levels)) => levels,
        Err(refusal) => return refused(refusal, &asked),
    };
    let names: BTreeSet<&str> =
        KNOWN.into_iter().chain(levels.parts.keys().map(String::as_str)).collect();
    let mut loggers = Map::new();
    loggers.insert(ROOT.to_owned(), logger_of(&levels, None));
    for name in names {
        loggers.insert(name.to_owned(), logger_of(&levels, Some(name)));
    }
    let words: Vec<_> = WORDS.iter().map(|(word, _)| *word).collect();
    json_body(StatusCode::OK, &json!({ "levels": words, "loggers": loggers, "groups": {} }))
}

/// `GET /actuator/loggers/{name}`.
async fn logger(
    State(shared): State<Arc<Shared>>,
    Extension(asked): Extension<Asked>,
    Path(name): Path<String>,
) -> Response {
    let found = levels(&shared).and_then(|(_, levels)| {
        let part = part(&name)?;
        Ok(logger_of(&levels, part.as_deref()))
    });
    match found {
        Ok(found) => json_body(StatusCode::OK, &found),
        Err(refusal) => refused(refusal, &asked),
    }
}

/// `POST /actuator/loggers/{name}` with `{"configuredLevel": "DEBUG"}`; `null` takes it back.
async fn set_logger(
    State(shared): State<Arc<Shared>>,
    Extension(asked): Extension<Asked>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let changed = read(&headers, &body).and_then(|members| {
        only(&members, &["configuredLevel"])?;
        let part = part(&name)?;
        let given = members.get("configuredLevel").unwrap_or(&Value::Null);
        Ok((part, word(given, "configuredLevel")?))
    });
    let changed = match changed {
        Ok((part, level)) => change(&shared, &asked, part.as_deref(), level).await,
        Err(refusal) => Err(refusal),
    };
    match changed {
        Ok(()) => {
            let mut response = Response::new(axum::body::Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        }
        Err(refusal) => refused(refusal, &asked),
    }
}

fn levels(shared: &Shared) -> Result<(Levels, Levels), Refusal> {
    // A gateway within another program writes that program's log.
    shared.log.levels().ok_or_else(|| {
        Refusal::new(ErrorCode::LogLevelRefused, "this process has a log of its own")
            .with_status(StatusCode::CONFLICT)
    })
}

async fn change(
    shared: &Shared,
    asked: &Asked,
    part: Option<&str>,
    level: Option<LogLevel>,
) -> Result<(), Refusal> {
    levels(shared)?;
    let word = level.map_or("as configured", name_of);
    let part_name = part.unwrap_or(ROOT);
    let changing = Changing::begin(&shared.gateway.audit, Event::LogLevelChanged, part_name)
        .map_err(unrecorded)?
        .by_administrator(asked.address)
        .saying(word);
    let changed = shared.log.set_level(part, level);
    let made = changed.as_ref().map_err(|_| Some(ErrorCode::LogLevelRefused));
    let recorded = changing.end(made.copied()).await;
    changed.map_err(|error| bad(&error.to_string()))?;
    gantry_core::log::warn!(part = part_name, to = word, "A level of the log was changed.");
    recorded.map_err(unrecorded)
}

fn unrecorded(cause: ErrorCode) -> Refusal {
    Refusal::new(cause, format!("{}; the log says why", cause.title()))
}

fn shown(base: &Levels, levels: &Levels) -> Value {
    let of = |levels: &Levels| {
        let parts: BTreeMap<_, _> = levels.parts.iter().collect();
        json!({ "level": levels.root, "levels": parts })
    };
    let mut shown = of(levels);
    shown["configured"] = of(base);
    shown
}

fn logger_of(levels: &Levels, part: Option<&str>) -> Value {
    let (own, effective) = match part {
        None => (Some(levels.root), levels.root),
        Some(name) => (levels.parts.get(name).copied(), levels.of(name)),
    };
    json!({ "configuredLevel": own.map(name_of), "effectiveLevel": name_of(effective) })
}

fn name_of(level: LogLevel) -> &'static str {
    WORDS.iter().find(|(_, other)| *other == level).map_or("OFF", |(word, _)| word)
}

/// Reads a body that must be a JSON object.
fn read(
    headers: &HeaderMap,
    body: &Result<Bytes, BytesRejection>,
) -> Result<Map<String, Value>, Refusal> {
    let media = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let media =
        String::from_utf8_lossy(media.split(|byte| *byte == b';').next().unwrap_or_default());
    if !JSON.iter().any(|known| media.trim().eq_ignore_ascii_case(known)) {
        let message = "the header Content-Type must say application/json";
        return Err(bad(message).with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let body = body.as_ref().map_err(|rejection| {
        let message = format!("the body cannot be read, or has more than {MOST_BYTES} bytes");
        bad(&message).with_status(rejection.status())
    })?;
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(bad("the body must be a JSON object")),
        Err(error) => Err(bad(&format!("the body is no JSON: {error}"))),
    }
}

fn only(members: &Map<String, Value>, known: &[&str]) -> Result<(), Refusal> {
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => {
            let name: String = name.chars().take(40).collect();
            Err(bad(&format!("the body has the unknown member `{name}`")))
        }
        None => Ok(()),
    }
}

/// Reads the name of a part; `None` is whatever has no level of its own. Parts of names may be
/// joined by dots, too.
fn part(name: &str) -> Result<Option<String>, Refusal> {
    if name.eq_ignore_ascii_case(ROOT) {
        return Ok(None);
    }
    if !is_target(name) {
        return Err(bad("a part is named such as `gantry_gateway::requests`, or `ROOT`"));
    }
    Ok(Some(name.replace('.', "::")))
}

fn word(given: &Value, member: &str) -> Result<Option<LogLevel>, Refusal> {
    let known = || {
        let words: Vec<_> = WORDS.iter().map(|(word, _)| word.to_lowercase()).collect();
        bad(&format!("`{member}` must be null or one of {}", words.join(", ")))
    };
    match given {
        Value::Null => Ok(None),
        Value::String(text) => {
            let found = WORDS.iter().find(|(word, _)| text.eq_ignore_ascii_case(word));
            found.map(|(_, level)| Some(*level)).ok_or_else(known)
        }
        _ => Err(known()),
    }
}

fn bad(message: &str) -> Refusal {
    Refusal::new(ErrorCode::LogLevelRefused, message)
}
