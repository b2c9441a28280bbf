//! Traces as a collector gets them: one span for each request of a client, one within it for the
//! request to a server, and the trace that both sides are told of.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::gantry::{Gantry, Setup};
use crate::support::node;
use crate::support::process::{self, Process, Stream};
use crate::support::scripted::{Answer, Script, Scripted};

const LIMIT: Duration = Duration::from_secs(30);
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa05a902b7-01";
const OTHER: &str = "00-aaaabbbbccccddddeeeeffff00001111-0102030405060708-01";

/// A collector on OpenTelemetry's own types; it puts off as many requests as it is told.
struct Collector {
    process: Process,
    port: u16,
}

impl Collector {
    async fn start(busy: u32) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/otlp_receiver.py");
        let mut command = process::command(node::python());
        command.arg(script).arg(busy.to_string());
        let mut process = Process::start("the collector", command);
        let port = process.find_line(LIMIT, |stream, line| {
            line.strip_prefix("listening ").filter(|_| stream == Stream::Out)?.parse().ok()
        });
        let port = port.await.expect("the Python packages of `cargo xtask setup` are there");
        Self { process, port }
    }

    fn config(&self, servers: &Value, ratio: &str) -> String {
        let endpoint = format!("http://127.0.0.1:{}", self.port);
        let headers = json!({ "X-Key": "hunter2" });
        let otlp = json!({
            "endpoint": endpoint, "headers": headers, "service_name": "gate", "sample_ratio": ratio,
        });
        json!({ "servers": servers, "tracing": { "otlp": otlp } }).to_string()
    }

    /// Waits for a span that `is_wanted`.
    async fn span(&mut self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        let found = self.process.find_line(LIMIT, |stream, line| {
            assert!(!line.starts_with("refused"), "{line}");
            let span =
                serde_json::from_str::<Value>(line).ok().filter(|_| stream == Stream::Out)?;
            is_wanted(&span).then_some(span)
        });
        found.await.unwrap_or_else(|reason| panic!("no such span: {reason}"))
    }
}

fn adding(script: Script) -> Script {
    script
        .tool("add", json!({}), |_| Answer::text("3"))
        .tool("fail", json!({}), |_| {
            Answer::Result(json!({ "content": [], "isError": true, "resultType": "complete" }))
        })
        .tool("refuse", json!({}), |_| Answer::error(-32050, "no"))
}

/// Calls a tool with what it has in `_meta` besides the envelope.
async fn call(client: &Client, tool: &str, meta: &[(&str, &str)], headers: &[(&str, &str)]) {
    let mut message = client.message("tools/call", json!({ "name": tool, "arguments": {} }));
    for (name, value) in meta {
        message["params"]["_meta"][*name] = json!(value);
    }
    client.send(&message, headers).await.finish().await;
}

/// What the last call of `add` said of its trace.
fn told(upstream: &Scripted) -> Value {
    let calls = upstream.seen_of("tools/call");
    let last = calls.last().expect("there was a call");
    last.message["params"]["_meta"].clone()
}

#[tokio::test]
async fn a_call_is_a_span_with_one_for_the_server_within() {
    let mut collector = Collector::start(1).await;
    let upstream = adding(Scripted::modern()).start().await;
    let config = collector.config(&json!({ "up": upstream.server() }), "1");
    let gantry = Gantry::start(&config).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    client.tool_names().await;
    let meta = [("traceparent", PARENT), ("tracestate", "a=b"), ("baggage", "c=d")];
    call(&client, "up__add", &meta, &[("traceparent", OTHER), ("x-request-id", "the-name")]).await;

    let server = collector.span(|span| span["name"] == "tools/call up__add").await;
    let inner = collector.span(|span| span["name"] == "tools/call add").await;
    assert_eq!((&server["trace"], &server["parent"]), (&json!(TRACE), &json!("00f067aa05a902b7")));
    assert_eq!(server["links"], json!(["0102030405060708"]));
    assert_eq!((&server["kind"], &server["status"]), (&json!(2), &json!(0)));
    assert_eq!(server["resource"]["service.name"], "gate");
    let attributes = &server["attributes"];
    assert_eq!(attributes["mcp.method.name"], "tools/call");
    assert_eq!(attributes["mcp.protocol.version"], "2026-07-28");
    assert_eq!(attributes["gen_ai.operation.name"], "execute_tool");
    assert_eq!(attributes["gen_ai.tool.name"], "up__add");
    assert_eq!(attributes["gantry.request.id"], "the-name");
    assert_eq!(attributes["network.transport"], "tcp");

    assert_eq!((&inner["trace"], &inner["parent"]), (&server["trace"], &server["span"]));
    assert_eq!(inner["kind"], 3);
    assert_eq!(inner["attributes"]["gen_ai.tool.name"], "add");
    assert_eq!(inner["attributes"]["gantry.server"], "up");
    assert_eq!(inner["attributes"]["server.address"], "127.0.0.1");
    assert!(server["begin"].as_u64() <= inner["begin"].as_u64(), "{server} {inner}");
    assert!(inner["end"].as_u64() <= server["end"].as_u64(), "{server} {inner}");

    // The server is told of the inner span, and the rest as the client said it.
    let meta = told(&upstream);
    let span = inner["span"].as_str().expect("a span has an id");
    assert_eq!(meta["traceparent"], format!("00-{TRACE}-{span}-01"));
    assert_eq!((&meta["tracestate"], &meta["baggage"]), (&json!("a=b"), &json!("c=d")));
    let calls = upstream.seen_of("tools/call");
    assert_eq!(calls[0].header("traceparent"), None, "headers of traces are of one hop");
}

#[tokio::test]
async fn failures_are_told_and_a_list_is_a_span_too() {
    let mut collector = Collector::start(0).await;
    let upstream = adding(Scripted::dual()).start().await;
    let config = collector.config(&json!({ "up": upstream.server() }), "1");
    let gantry = Gantry::start(&config).await;
    let client = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    client.tool_names().await;
    call(&client, "up__fail", &[], &[]).await;
    call(&client, "up__refuse", &[], &[]).await;
    call(&client, "up__nothing", &[], &[]).await;
    let kind = |span: &Value| span["attributes"]["error.type"].clone();
    let failed = collector.span(|span| span["name"] == "tools/call up__fail").await;
    assert_eq!((kind(&failed), &failed["status"]), (json!("tool_error"), &json!(2)));
    let refused = collector.span(|span| span["name"] == "tools/call refuse").await;
    assert_eq!(kind(&refused), "-32050");
    assert_eq!(refused["attributes"]["rpc.response.status_code"], "-32050");
    let unknown = collector.span(|span| span["name"] == "tools/call").await;
    assert_eq!(kind(&unknown), "-32602", "a name that nobody offers makes no name of a span");
    let list = collector.span(|span| span["name"] == "tools/list").await;
    assert_eq!((&list["parent"], &list["status"]), (&json!(""), &json!(0)));
    collector.span(|span| span["name"] == "initialize").await;
}

#[tokio::test]
async fn a_legacy_server_is_told_of_the_trace_and_who_does_not_record_is_followed() {
    let collector = Collector::start(0).await;
    let upstream = adding(Scripted::legacy("2025-06-18")).start().await;
    let config = collector.config(&json!({ "up": upstream.server() }), "0");
    let gantry = Gantry::start(&config).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    call(&client, "up__add", &[("traceparent", PARENT)], &[]).await;
    let meta = told(&upstream);
    let parent = meta["traceparent"].as_str().expect("it is told");
    assert!(parent.contains(TRACE) && parent != PARENT && parent.ends_with("-01"), "{parent}");
    call(&client, "up__add", &[], &[("traceparent", &PARENT.replace("-01", "-00"))]).await;
    let meta = told(&upstream);
    let parent = meta["traceparent"].as_str().expect("it is told");
    assert!(parent.contains(TRACE) && parent.ends_with("-00"), "{parent}");
    let (status, log) = gantry.stop().await;
    assert!(status.success(), "{log}");
    let seen = collector.process.log();
    assert!(seen.contains("tools/call add"), "the last spans are sent at the end: {seen}");
    assert_eq!(seen.matches("\"tools/call up__add\"").count(), 1, "{seen}");
}

#[tokio::test]
async fn without_a_collector_nothing_is_put_in() {
    let upstream = adding(Scripted::modern()).start().await;
    let config = json!({ "servers": { "up": upstream.server() } });
    let gantry = Gantry::start(&config.to_string()).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    call(&client, "up__add", &[("traceparent", PARENT)], &[("traceparent", OTHER)]).await;
    assert_eq!(told(&upstream)["traceparent"], PARENT);
    call(&client, "up__add", &[], &[("traceparent", OTHER)]).await;
    assert_eq!(told(&upstream)["traceparent"], Value::Null);
}

#[tokio::test]
async fn a_collector_that_is_away_holds_nobody_up() {
    let upstream = adding(Scripted::modern()).start().await;
    let otlp = json!({ "endpoint": "http://127.0.0.1:9" });
    let config = json!({
        "servers": { "up": upstream.server() }, "tracing": { "otlp": otlp }, "log": { "format": "json" },
    });
    let gantry = Setup::new(&config.to_string()).start().await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    for _ in 0..20 {
        call(&client, "up__add", &[], &[]).await;
    }
    assert_eq!(upstream.seen_of("tools/call").len(), 20);
    let (status, log) = gantry.stop().await;
    assert!(status.success(), "{log}");
    assert!(log.contains("did not reach the collector"), "{log}");
}
