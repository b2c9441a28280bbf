//! Lines in each of the formats, and a filter of Logstash that reads one of them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gantry_core::correlation::Correlation;
use serde_json::{Value, json};
use tracing::Level;

use super::{Line, Style};
use crate::config::LogFormat;

fn line(level: Level, message: &str, fields: Vec<(&'static str, Value)>) -> Line {
    Line {
        at: SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_646_618),
        level,
        target: "gantry_gateway::dispatch".to_owned(),
        module: Some("gantry_gateway::dispatch::call_stack".to_owned()),
        function: Some("finish".to_owned()),
        number: Some(90),
        thread: "gantry-worker".to_owned(),
        message: message.to_owned(),
        fields,
        request: None,
    }
}

fn write(line: &Line, format: LogFormat) -> String {
    line.write(&Style { format, service: "mcp-server".into() }, false)
}

fn json_of(line: &Line) -> Value {
    serde_json::from_str(&write(line, LogFormat::Json)).unwrap()
}

#[test]
fn a_line_of_json_has_the_fields_that_every_reader_looks_for() {
    let fields = vec![
        ("upstream", json!("git")),
        ("tool", json!("log")),
        ("principal", json!("ann")),
        ("duration_ms", json!(12)),
        ("level", json!("notice")),
    ];
    let mut carried = line(Level::DEBUG, "A request was carried out.", fields);
    carried.request = Some(Correlation::new("r1".into(), "c1".into()));
    assert_eq!(
        json_of(&carried),
        json!({
            "timestamp": "2026-11-25T22:43:38.000000Z",
            "level": "DEBUG",
            "logger": "gantry_gateway::dispatch",
            "message": "A request was carried out.",
            "module": "gantry_gateway::dispatch::call_stack",
            "function": "finish",
            "line": 90,
            "thread": "gantry-worker",
            "service": "mcp-server",
            "request_id": "r1",
            "correlation_id": "c1",
            "server": "git",
            "upstream": "git",
            "tool_name": "log",
            "tool": "log",
            "agent_id": "ann",
            "principal": "ann",
            "duration_ms": 12,
            "field_level": "notice",
        })
    );
}

#[test]
fn a_failure_says_what_and_where() {
    let failed = json_of(&line(Level::ERROR, "It failed.", vec![("error", json!("no room"))]));
    assert_eq!(failed["exception"], "no room");
    assert_eq!(failed["stack"], "no room\n    at gantry_gateway::dispatch::call_stack:90");
    let warned = json_of(&line(Level::WARN, "It may fail.", vec![("error", json!("no room"))]));
    assert_eq!((&warned["exception"], &warned["stack"]), (&json!("no room"), &Value::Null));
    let told = json_of(&line(Level::INFO, "It works.", vec![("error", json!("none"))]));
    assert_eq!(told["exception"], Value::Null);
}

#[test]
fn nobody_who_is_quoted_can_add_a_line() {
    let forged = "a\n2026-11-25 22:43:38.000 [main] ERROR x - forged\u{1b}[31m";
    for format in [LogFormat::Text, LogFormat::Json, LogFormat::Spring] {
        let written = write(&line(Level::INFO, forged, vec![("error", json!(forged))]), format);
        assert_eq!(written.matches('\n').count(), 1, "{format:?} {written}");
        assert!(!written.contains('\u{1b}'), "{format:?} {written}");
    }
}

#[test]
fn lines_for_people_are_short() {
    let fields = vec![("upstream", json!("git")), ("error", json!("says \"no\""))];
    let mut told = line(Level::WARN, "Restarting an upstream.", fields);
    told.request = Some(Correlation::new("r1".into(), "c1".into()));
    assert_eq!(
        write(&told, LogFormat::Text),
        "2026-11-25T22:43:38.000000Z  WARN gantry_gateway::dispatch: Restarting an upstream. \
         upstream=git error=\"says \\\"no\\\"\" request_id=r1\n"
    );
    let style = Style { format: LogFormat::Text, service: Arc::from("") };
    assert!(told.write(&style, true).contains("\u{1b}[33m WARN\u{1b}[0m"));
}

#[test]
fn the_pattern_of_spring_is_kept() {
    let told = line(Level::INFO, "MCP request to server git: tools/call log", Vec::new());
    assert_eq!(
        write(&told, LogFormat::Spring),
        "2026-11-25 22:43:38.000 [gantry-worker] INFO  gantry_gateway.dispatch - \
         MCP request to server git: tools/call log\n"
    );
    let mut asked = line(Level::INFO, "MCP request to server git: tools/call log", Vec::new());
    asked.request = Some(Correlation::new("r1".into(), "c1".into()));
    assert_eq!(
        write(&asked, LogFormat::Spring),
        "2026-11-25 22:43:38.000 [gantry-worker r1] INFO  gantry_gateway.dispatch - \
         MCP request to server git: tools/call log\n"
    );
}

/// Holds a text against a pattern, as Logstash does.
fn grok(pattern: &str, text: &str) -> Vec<(String, String)> {
    let grok = grok::Grok::with_default_patterns();
    let pattern = grok.compile(pattern, true).unwrap();
    let found = pattern.match_against(text).unwrap_or_else(|| panic!("no match: {text}"));
    found.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn a_filter_of_logstash_tells_the_parts_of_the_pattern_of_spring() {
    const LINE: &str = r"%{TIMESTAMP_ISO8601:timestamp} \[%{DATA:thread}\] %{LOGLEVEL:level} %{DATA:logger} - %{GREEDYDATA:content}";
    const REQUEST: &str = "MCP request to server %{DATA:server_id}: %{GREEDYDATA:operation}";
    for (level, message, request) in [
        (Level::DEBUG, "MCP request to server git: tools/call log", Some("edge-7/2026.1:x")),
        (Level::INFO, "The gateway is up.", None),
        (Level::ERROR, "A task panicked; this is a bug.", None),
    ] {
        let mut told = line(level, message, vec![("task", json!("a - b"))]);
        told.request = request.map(|id| Correlation::new(id.into(), id.into()));
        let text = write(&told, LogFormat::Spring);
        let found = grok(LINE, text.trim_end());
        let part = |name: &str| {
            let of = found.iter().find(|(other, _)| other == name);
            of.map(|(_, value)| value.trim()).unwrap_or_default().to_owned()
        };
        assert_eq!(part("timestamp"), "2026-11-25 22:43:38.000");
        let thread = request.map(|id| format!("gantry-worker {id}"));
        assert_eq!(part("thread"), thread.as_deref().unwrap_or("gantry-worker"));
        assert_eq!(part("level"), level.as_str());
        assert_eq!(part("logger"), "gantry_gateway.dispatch");
        assert_eq!(part("content"), format!("{message} task=\"a - b\""));
    }
    let found = grok(REQUEST, "MCP request to server git: tools/call log");
    assert!(found.contains(&("server_id".to_owned(), "git".to_owned())), "{found:?}");
    assert!(found.contains(&("operation".to_owned(), "tools/call log".to_owned())), "{found:?}");
}
