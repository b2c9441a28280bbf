//! The figures that Prometheus is given: exactly those of the table, in both formats, with labels
//! of our own.

use std::collections::{BTreeMap, BTreeSet};

use gantry_server::metrics::{Kind, TABLE};
use serde_json::json;

use crate::support::client::Request;
use crate::support::upstream::Upstream;
use crate::support::{Site, state};

/// A gateway that everything happened to that is counted.
async fn busy() -> (Site, Upstream) {
    let upstream = Upstream::start().await;
    let broken = "{ command: /does/not/exist }";
    let yaml = format!("servers: {{ up: {{ url: {} }}, broken: {broken} }}", upstream.url());
    let site = Site::start(&yaml).await;
    site.until(|ready| state(ready, "up") == "ready").await;
    let call = json!({ "name": "up__echo", "arguments": { "text": "hello" } });
    assert_eq!(site.ask("tools/call", call.clone()).await.status, 200);
    assert_eq!(site.ask("tools/call", call).await.status, 200);
    let strange = json!({ "name": "up__no_such_tool", "arguments": {} });
    site.ask("tools/call", strange).await;
    let foreign = Request::get("/mcp").header("origin", "https://evil.example");
    foreign.send(site.address()).await;
    Request::post("/mcp", "rubbish").send(site.address()).await;
    Request::new("BREW /coffee HTTP/1.1").header("host", "localhost").send(site.address()).await;
    (site, upstream)
}

/// What a text says of one figure.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    kind: String,
    help: String,
    labels: BTreeSet<String>,
}

/// Reads the older format.
fn read(text: &str) -> BTreeMap<String, Seen> {
    let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines() {
        if let Some((name, help)) =
            line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' '))
        {
            current = name.to_owned();
            let is_new = !seen.contains_key(name);
            assert!(is_new, "{name} stands there twice");
            seen.entry(current.clone()).or_default().help = help.to_owned();
        } else if let Some((name, kind)) =
            line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
        {
            assert_eq!(name, current);
            seen.entry(current.clone()).or_default().kind = kind.to_owned();
        } else {
            assert!(line.starts_with(&current), "{line} does not belong to {current}");
            let labels = line.split_once('{').and_then(|(_, rest)| rest.rsplit_once('}'));
            let labels = labels.map(|(labels, _)| labels).unwrap_or_default();
            let names =
                labels.split("\",").filter_map(|label| label.split_once('=')).map(|(name, _)| name);
            let names = names.filter(|name| *name != "le").map(str::to_owned);
            seen.entry(current.clone()).or_default().labels.extend(names);
        }
    }
    seen
}

#[tokio::test]
async fn what_is_served_is_what_the_table_lists() {
    let (site, _upstream) = busy().await;
    let seen = read(&site.get("/metrics").await.body);
    let expected: BTreeMap<String, Seen> = TABLE
        .iter()
        .filter(|row| row.only_with.is_none())
        .map(|row| {
            let kind = if row.kind == Kind::Info { "gauge" } else { row.kind.name() };
            let labels = row.labels.iter().map(|label| (*label).to_owned()).collect();
            let help = format!("{}.", row.meaning);
            (row.name.to_owned(), Seen { kind: kind.to_owned(), help, labels })
        })
        .collect();
    for (name, figure) in &expected {
        assert_eq!(seen.get(name), Some(figure), "{name}");
    }
    let more: Vec<_> = seen.keys().filter(|name| !expected.contains_key(*name)).collect();
    assert!(more.is_empty(), "the table of `gantry_server::metrics` lacks {more:?}");
    for row in TABLE.iter().filter_map(|row| row.alias_of) {
        assert!(expected.contains_key(row), "{row} stands for others and is not there");
    }
}

#[tokio::test]
async fn every_name_of_a_figure_says_the_same() {
    let (site, _upstream) = busy().await;
    let text = site.get("/actuator/prometheus").await.body;
    for line in [
        r#"gantry_tool_executions_total{server="up",tool="echo",outcome="ok"} 2"#,
        r#"mcp_tool_executions_total{tool="up__echo",status="success"} 2"#,
        r#"mcp_tool_executions_total{tool="up__echo",status="error"} 0"#,
        r#"eat_tool_executions_total{tool_name="up__echo",status="success"} 2"#,
        r#"mcp_client_requests_total{server="up",method="tools/call"} 2"#,
        r#"mcp_client_request_duration_seconds_count{server="up"} 2"#,
        r#"gantry_request_duration_seconds_count{server="up"} 2"#,
        r#"mcp_server_status{server="up"} 1"#,
        r#"mcp_errors_total{error_type="timeout"} 0"#,
        r#"mcp_errors_total{error_type="refused"} 1"#,
        "mcp_active_sessions 0",
        "eat_active_agents 0",
        r#"hikaricp_connections_max{pool="gantry.db"} 2"#,
        r#"http_server_requests_seconds_count{method="POST",outcome="CLIENT_ERROR",status="400",uri="/mcp"} 1"#,
        r#"mcp_request_duration_seconds_count{method="POST",route="/mcp",status_code="400"} 1"#,
        r#"mcp_request_duration_seconds_bucket{le="+Inf",method="OTHER",route="UNKNOWN",status_code="404"} 1"#,
        r#"gantry_http_requests_total{route="unknown",status="4xx"} 1"#,
        r#"gantry_http_requests_total{route="mcp",status="5xx"} 0"#,
    ] {
        assert!(text.lines().any(|other| other == line), "{line} is not in {text}");
    }
    for word in ["no_such_tool", "coffee", "BREW", "evil"] {
        assert!(!text.contains(word), "a request must not make a series: {word}");
    }
}

#[tokio::test]
async fn the_format_is_the_callers_choice() {
    let (site, _upstream) = busy().await;
    let plain = site.get("/metrics").await;
    assert_eq!(plain.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(!plain.body.contains("# EOF"));
    assert!(plain.body.contains("# TYPE mcp_errors_total counter\n"));
    assert!(plain.body.contains("# TYPE gantry_build_info gauge\n"));
    let open =
        Request::get("/metrics").header("accept", "application/openmetrics-text;version=1.0.0");
    let open = open.send(site.address()).await;
    let kind = open.header("content-type").unwrap();
    assert!(kind.starts_with("application/openmetrics-text; version=1.0.0"), "{kind}");
    assert!(open.body.ends_with("# EOF\n"));
    assert!(open.body.contains("# TYPE mcp_errors counter\n"));
    assert_eq!(open.header("vary"), Some("accept"));
}

#[tokio::test]
async fn a_sum_over_servers_does_not_shrink_when_one_is_removed() {
    let (site, _upstream) = busy().await;
    let errors = |text: &str| {
        let line =
            text.lines().find(|line| line.starts_with(r#"mcp_client_requests_total{server="up""#));
        line.map(str::to_owned)
    };
    let before = errors(&site.get("/metrics").await.body);
    assert!(before.is_some());
    site.write_config("");
    site.until(|ready| ready["upstreams"].as_array().is_some_and(Vec::is_empty)).await;
    let text = site.get("/metrics").await.body;
    assert_eq!(errors(&text), before);
    assert!(!text.contains("mcp_server_status"), "what is not configured has no state: {text}");
    assert!(
        !text.contains("mcp_tool_executions_total{"),
        "what is not offered has no name: {text}"
    );
}
