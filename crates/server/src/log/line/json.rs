//! Lines for programs: one JSON object each, whose members `docs/guides/logging.md` lists.

use serde_json::{Map, Value, json};
use tracing::Level;

use super::super::time;
use super::Line;

/// Members that every line has a use for; a field of that name comes under another one.
const TAKEN: [&str; 13] = [
    "timestamp",
    "level",
    "logger",
    "message",
    "module",
    "function",
    "line",
    "thread",
    "service",
    "correlation_id",
    "trace_id",
    "span_id",
    "exception",
];
/// Fields that others know by another name, which is given as well.
const ALSO: [(&str, &str); 3] =
    [("upstream", "server"), ("tool", "tool_name"), ("principal", "agent_id")];
/// Fields that say why something failed.
const CAUSES: [&str; 2] = ["error", "reason"];

pub(super) fn write(line: &Line, service: &str) -> String {
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
    put("timestamp", time::iso(line.at).into());
    put("level", line.level.as_str().into());
    put("logger", line.target.as_str().into());
    put("message", line.message.as_str().into());
    put("module", line.module.as_deref().into());
    if let Some(function) = line.function.as_deref() {
        put("function", function.into());
    }
    put("line", line.number.into());
    put("thread", line.thread.as_str().into());
    put("service", service.into());
    if let Some(request) = line.request.as_deref() {
        put("request_id", (*request.request_id).into());
        put("correlation_id", (*request.part_of).into());
        if let Some(trace) = request.trace.get() {
            put("trace_id", trace.trace_text().into());
            put("span_id", trace.span_text().into());
        }
    }
    for (name, value) in &line.fields {
        match ALSO.iter().find(|(field, _)| field == name) {
            Some((_, also)) => put(also, value.clone()),
            None if TAKEN.contains(name) => {
                put(&format!("field_{name}"), value.clone());
                continue;
            }
            None => {}
        }
        put(name, value.clone());
    }
    if line.request.is_none()
        && let Some(id) = line.field("request_id")
    {
        put("correlation_id", id.clone());
    }
    failure(line, &mut members);
    Value::Object(members).to_string()
}

/// What failed, and where; a panic brings a backtrace of its own.
fn failure(line: &Line, members: &mut Map<String, Value>) {
    if line.level > Level::WARN {
        return;
    }
    let Some(cause) = CAUSES.iter().find_map(|name| line.field(name)) else { return };
    members.insert("exception".to_owned(), cause.clone());
    if line.level == Level::ERROR && line.field("stack").is_none() {
        let text = cause.as_str().map_or_else(|| cause.to_string(), str::to_owned);
        let module = line.module.as_deref().unwrap_or(&line.target);
        let at = line.number.map_or_else(String::new, |number| format!(":{number}"));
        members.insert("stack".to_owned(), json!(format!("{text}\n    at {module}{at}")));
    }
}
