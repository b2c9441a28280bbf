//! Prometheus: what it scrapes, and what the expressions of alerts and dashboards come to, those of
//! `deploy` and those that people bring along.

use std::{fs::File, net::SocketAddr, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{gateway, get, programs, upstream};
use crate::support::{
    client::Client,
    gantry::Gantry,
    process::{self, Process},
    wait::eventually,
};

/// How long Prometheus may take to be up; it takes a second or two.
const START: Duration = Duration::from_secs(30);

/// What an expression must come to.
#[derive(Debug, Clone, Copy)]
enum Expected {
    /// No series: an alert that has no reason.
    Nothing,
    /// A series, and one whose value is greater than the first and at most the second.
    Within(f64, f64),
}
use Expected::{Nothing, Within};

/// The expressions of other systems' alerts and dashboards whose figures there are, to the letter;
/// those of alerts once more without their threshold.
const BROUGHT: &[(&str, Expected)] = &[
    // The EAT Framework: its dashboard.
    (
        r#"rate(eat_tool_executions_total{status="success"}[5m]) / rate(eat_tool_executions_total[5m]) * 100"#,
        Within(99.0, 100.0),
    ),
    // The MCP Optimizer Framework: its alerts.
    ("rate(mcp_errors_total[5m]) > 0.1", Within(0.1, 1e6)),
    (
        "(rate(mcp_cache_hits_total[5m]) / (rate(mcp_cache_hits_total[5m]) + rate(mcp_cache_misses_total[5m]))) < 0.5",
        Nothing,
    ),
    (
        "rate(mcp_cache_hits_total[5m]) / (rate(mcp_cache_hits_total[5m]) + rate(mcp_cache_misses_total[5m]))",
        Within(0.5, 1.0),
    ),
    // The Global MCP Client: its alerts and its dashboard.
    (r#"up{job="globalmcp"} == 0"#, Nothing),
    (r#"up{job="globalmcp"}"#, Within(0.0, 1.0)),
    (r#"rate(http_server_requests_seconds_count{status=~"5.."}[5m]) > 0.1"#, Within(0.1, 1e6)),
    ("histogram_quantile(0.95, rate(http_server_requests_seconds_bucket[5m])) > 2", Nothing),
    ("histogram_quantile(0.95, rate(http_server_requests_seconds_bucket[5m]))", Within(0.0, 2.0)),
    ("hikaricp_connections_active / hikaricp_connections_max > 0.8", Nothing),
    ("hikaricp_connections_active / hikaricp_connections_max", Within(-0.1, 0.8)),
    ("sum(rate(http_server_requests_seconds_count[5m]))", Within(0.0, 1e6)),
    (
        r#"sum(rate(http_server_requests_seconds_count{status=~"5.."}[5m])) / sum(rate(http_server_requests_seconds_count[5m])) * 100"#,
        Within(0.0, 100.0),
    ),
    ("histogram_quantile(0.50, rate(http_server_requests_seconds_bucket[5m]))", Within(0.0, 2.0)),
    ("histogram_quantile(0.99, rate(http_server_requests_seconds_bucket[5m]))", Within(0.0, 5.0)),
    // The Global MCP Client's interface.
    (r#"rate(mcp_client_requests_total{server="up",method="tools/call"}[5m])"#, Within(0.0, 1e6)),
    (
        "histogram_quantile(0.95, rate(mcp_client_request_duration_seconds_bucket[5m]))",
        Within(0.0, 2.0),
    ),
    (r#"mcp_server_status{server="up"}"#, Within(0.0, 1.0)),
    // The MCP Configurable Framework.
    (
        r#"rate(mcp_request_duration_seconds_sum{method="POST",route="/mcp",status_code="200"}[5m])"#,
        Within(0.0, 100.0),
    ),
    (r#"rate(mcp_tool_executions_total{tool="up__bad",status="error"}[5m])"#, Within(0.0, 1e6)),
    ("process_resident_memory_bytes", Within(1e6, 1e10)),
    ("rate(process_cpu_user_seconds_total[5m])", Within(-0.1, 64.0)),
    // The MCP Optimizer Framework's list of what to watch.
    ("mcp_active_sessions", Within(0.0, 1.0)),
    ("eat_active_agents", Within(0.0, 1.0)),
];

struct Prometheus {
    process: Process,
    address: SocketAddr,
    _folder: TempDir,
}

impl Prometheus {
    /// Starts it with the shipped rules and these jobs, each a name and an address of a gateway.
    async fn start(jobs: &[(&str, String)]) -> Self {
        let folder = programs::folder();
        // So that a test need not wait as long as an operator may.
        let rules =
            programs::adapted("prometheus/rules.yml", &[("interval: 30s", "interval: 200ms")]);
        let rules = programs::write(&folder, "rules.yml", &rules);
        let jobs: Vec<Value> = jobs
            .iter()
            .map(|(name, url)| {
                let (target, path) = url
                    .strip_prefix("http://")
                    .and_then(|url| url.split_once('/'))
                    .expect("a job has a host and a path");
                let targets = json!([{ "targets": [target] }]);
                let path = format!("/{path}");
                json!({ "job_name": name, "metrics_path": path, "static_configs": targets })
            })
            .collect();
        let config = json!({
            "global": { "scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms" },
            "rule_files": [rules],
            "scrape_configs": jobs,
        });
        // YAML has JSON in it.
        let file = programs::write(&folder, "prometheus.yml", &config.to_string());
        let mut command = process::command(programs::find("prometheus"));
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .current_dir(folder.path());
        let mut process = Process::start("prometheus", command);
        let address = process.find_line(START, |_, line| {
            let (_, rest) = line.split_once("msg=\"Listening on\" address=")?;
            rest.split_whitespace().next()?.parse().ok()
        });
        let address = address.await.unwrap_or_else(|reason| panic!("{reason}"));
        let ready =
            process.find_line(START, |_, line| line.contains("ready to receive").then_some(()));
        ready.await.unwrap_or_else(|reason| panic!("{reason}"));
        Self { process, address, _folder: folder }
    }

    /// The data of an answer of its interface.
    async fn ask(&self, path: &str) -> Value {
        let (status, body) = get(&format!("http://{}/api/v1/{path}", self.address)).await;
        assert_eq!(status, 200, "{path}: {body}");
        let body: Value = serde_json::from_str(&body).expect("it answers with JSON");
        assert_eq!(body["status"], "success", "{path}: {body}");
        body["data"].clone()
    }

    /// The values that an expression has now.
    async fn values(&self, expression: &str) -> Vec<f64> {
        let encoded: Vec<_> = expression.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let data = self.ask(&format!("query?query={}", encoded.concat())).await;
        let series = data["result"].as_array().cloned().unwrap_or_default();
        let value = |one: &Value| one["value"][1].as_str().and_then(|text| text.parse().ok());
        series.iter().filter_map(value).collect()
    }
}

/// A gateway that has everything to tell: a server that works, one that is down and required.
async fn told_of_everything() -> (Gantry, crate::support::scripted::Scripted) {
    let upstream = upstream().await;
    let more = json!({
        // Where a Prometheus is let in that shall see nothing else.
        "metrics": { "listen": "127.0.0.1:0" },
        "servers": {
            "dead": { "url": "http://127.0.0.1:9/mcp" },
            "up": { "traffic": { "tools": { "kept": { "cache": {} } } } },
        },
        "ready": { "require": ["dead"] },
    });
    (gateway(&upstream, &more).await, upstream)
}

/// The address that the banner names for figures.
fn listener_of_figures(gantry: &Gantry) -> String {
    let log = gantry.log();
    let line = log.lines().find_map(|line| line.trim().strip_prefix("metrics "));
    let url = line.expect("the banner says where the figures are").trim().to_owned();
    assert!(!url.starts_with(&gantry.url("")), "a listener of its own: {url}");
    url
}

/// What people do with a gateway: a call that goes well, one that does not, and an answer of 503.
async fn traffic(gantry: &Gantry) {
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    assert_eq!(client.call("up__good", json!({})).await.text(), "fine");
    assert_eq!(client.call("up__kept", json!({})).await.text(), "kept");
    assert!(client.call("up__bad", json!({})).await.is_error());
    assert_eq!(get(&gantry.url("/actuator/health/readiness")).await.0, 503);
}

#[tokio::test]
async fn expressions_that_people_bring_along_have_the_values_they_should() {
    let (gantry, _upstream) = told_of_everything().await;
    let figures = listener_of_figures(&gantry);
    let jobs = [
        ("globalmcp", gantry.url("/actuator/prometheus")),
        ("mcp-optimizer", gantry.url("/metrics")),
        ("gantry", figures.clone()),
    ];
    assert_eq!(get(&figures.replace("/metrics", "/mcp")).await.0, 404);
    let prometheus = Prometheus::start(&jobs).await;
    let _session = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    eventually("every job to be up", async || {
        let up = prometheus.values("up == 1").await;
        (up.len() == jobs.len()).then_some(())
    })
    .await;
    for (expression, expected) in BROUGHT {
        if let Within(least, most) = *expected {
            eventually(&format!("{expression} in {expected:?}"), async || {
                traffic(&gantry).await;
                let values = prometheus.values(expression).await;
                values.iter().any(|value| *value > least && *value <= most).then_some(())
            })
            .await;
        }
    }
    // After all that was seen they still have no reason.
    for (expression, expected) in BROUGHT {
        if matches!(expected, Nothing) {
            let values = prometheus.values(expression).await;
            assert!(values.is_empty(), "{expression}: {values:?}");
        }
    }
    every_panel_shows_something(&prometheus, &gantry).await;
    every_rule_is_evaluated(&prometheus).await;
    let (status, log) = gantry.stop().await;
    assert!(status.success(), "{status}: {log}");
    eventually("the alert of an instance that is down", async || {
        let down = prometheus.values(r#"up{job="globalmcp"} == 0"#).await;
        (down == [0.0]).then_some(())
    })
    .await;
    let log = prometheus.process.log();
    assert!(!log.contains("level=error"), "{log}");
}

/// The dashboards of `deploy`: each expression of each panel has a value.
async fn every_panel_shows_something(prometheus: &Prometheus, gantry: &Gantry) {
    let folder = std::fs::read_dir(programs::shipped("grafana/dashboards"));
    let mut expressions = Vec::new();
    for entry in folder.expect("there are dashboards") {
        let path = entry.expect("an entry can be read").path();
        let text = std::fs::read_to_string(&path).expect("a dashboard can be read");
        let dashboard: Value = serde_json::from_str(&text).expect("a dashboard is JSON");
        can_be_loaded(&dashboard);
        for panel in dashboard["panels"].as_array().expect("a dashboard has panels") {
            for target in panel["targets"].as_array().expect("a panel has expressions") {
                expressions.push(target["expr"].as_str().expect("it is a text").to_owned());
            }
        }
    }
    assert!(expressions.len() > 15, "only {expressions:?}");
    for expression in expressions {
        eventually(&format!("a value of {expression}"), async || {
            traffic(gantry).await;
            let values = prometheus.values(&expression).await;
            values.iter().any(|value| value.is_finite()).then_some(())
        })
        .await;
    }
}

/// What Grafana wants of a dashboard from a file: a name, one id for each panel, and panels that lie
/// side by side in its 24 columns.
fn can_be_loaded(dashboard: &Value) {
    for key in ["uid", "title"] {
        assert!(dashboard[key].as_str().is_some_and(|text| !text.is_empty()), "no {key}");
    }
    assert!(dashboard["schemaVersion"].as_u64() >= Some(36), "{}", dashboard["schemaVersion"]);
    let panels = dashboard["panels"].as_array().expect("a dashboard has panels");
    let mut ids: Vec<_> = panels.iter().map(|panel| panel["id"].as_u64()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), ids.contains(&None)), (panels.len(), false), "{ids:?}");
    let square = |panel: &Value| {
        let side = |name: &str| panel["gridPos"][name].as_u64().expect("a panel has a place");
        (side("x"), side("y"), side("x") + side("w"), side("y") + side("h"))
    };
    for (at, panel) in panels.iter().enumerate() {
        assert!(panel["type"].is_string() && panel["title"].is_string(), "{panel}");
        let (left, top, right, bottom) = square(panel);
        assert!(right <= 24 && left < right && top < bottom, "{panel}");
        for other in panels.iter().skip(at + 1) {
            let (l, t, r, b) = square(other);
            assert!(right <= l || r <= left || bottom <= t || b <= top, "{panel} {other}");
        }
    }
}

/// The alerts of `deploy`: each is evaluated, and those have begun that have a reason.
async fn every_rule_is_evaluated(prometheus: &Prometheus) {
    let rules = eventually("every rule to be evaluated", async || {
        let data = prometheus.ask("rules").await;
        let rules = data["groups"][0]["rules"].as_array().cloned().unwrap_or_default();
        let is_known = |rule: &Value| rule["health"] == "ok";
        (!rules.is_empty() && rules.iter().all(is_known)).then_some(rules)
    })
    .await;
    let begun = |rule: &&Value| rule["state"] != "inactive";
    let begun: Vec<_> = rules.iter().filter(begun).map(|rule| rule["name"].clone()).collect();
    assert_eq!(
        begun,
        ["GantryServerErrors", "GantryRequestsFail", "GantryUpstreamDown"],
        "{rules:?}"
    );
    assert_eq!(rules.len(), 7, "{rules:?}");
}

#[tokio::test]
async fn the_shipped_files_and_the_figures_please_promtool() {
    let rules = programs::shipped("prometheus/rules.yml");
    let config = programs::shipped("prometheus/prometheus.yml");
    for (what, file) in [("rules", &rules), ("config", &config)] {
        let file = file.to_str().expect("the repository has a plain path");
        let checked = programs::check("promtool", &["check", what, file]).await;
        assert!(checked.status.success(), "{checked}");
    }
    let (gantry, _upstream) = told_of_everything().await;
    traffic(&gantry).await;
    let (_, text) = get(&gantry.url("/metrics")).await;
    let folder = programs::folder();
    let file = programs::write(&folder, "metrics.txt", &text);
    let mut command = process::command(programs::find("promtool"));
    command.args(["check", "metrics"]).stdin(File::open(file).expect("it was just written"));
    let checked = process::run(command, START).await.unwrap_or_else(|reason| panic!("{reason}"));
    assert!(checked.status.success(), "{checked}");
}
