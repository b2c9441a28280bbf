//! What can be seen from outside: health, readiness, metrics, states.

use std::time::Duration;

use serde_json::json;

use crate::support::client::Request;
use crate::support::upstream::Upstream;
use crate::support::{Site, state};

#[tokio::test]
async fn the_process_says_that_it_lives_and_what_is_where() {
    let site = Site::start("").await;
    let health = site.get("/health").await.json();
    assert_eq!(health["status"], "healthy");
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    assert!(health["uptime_seconds"].is_u64());
    let index = site.get("/").await.json();
    assert_eq!(index["endpoints"]["mcp"], "/mcp");
}

#[tokio::test]
async fn upstreams_do_not_decide_whether_the_gateway_is_ready() {
    let upstream = Upstream::start().await;
    let dead = "http://127.0.0.1:9/mcp";
    let yaml = format!("servers: {{ up: {{ url: {} }}, dead: {{ url: {dead} }} }}", upstream.url());
    let site = Site::start(&yaml).await;
    let settled = |ready: &serde_json::Value| {
        state(ready, "up") == "ready" && state(ready, "dead") == "unreachable"
    };
    let ready = site.until(settled).await;
    assert_eq!(ready["status"], "ready");
    let checks = json!({ "config": "ok", "storage": "ok", "audit": "off", "listener": "ok" });
    assert_eq!(ready["checks"], checks);
    assert_eq!(ready["upstreams"][0]["tools"], 4);
    assert!(ready["upstreams"][1]["detail"].is_string());
    assert_eq!(site.tools().await[..2], ["up__echo", "up__wait"]);
    // Whoever came through a proxy sees names and states alone.
    let far = Request::get("/ready").header("x-forwarded-for", "203.0.113.7");
    let far = far.send(site.address()).await.json();
    assert_eq!(far["upstreams"][1], json!({ "name": "dead", "state": "unreachable" }));
}

#[tokio::test]
async fn a_required_upstream_decides() {
    let yaml = "servers: { dead: { url: http://127.0.0.1:9/mcp } }\nready: { require: [dead] }";
    let site = Site::start(yaml).await;
    let answer = site.get("/ready").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["status"], "not_ready");
    assert_eq!(answer.json()["missing"], json!(["dead"]));
    assert_eq!(site.get("/health").await.status, 200);
}

#[tokio::test]
async fn what_happens_is_counted_under_names_of_our_own() {
    let upstream = Upstream::start().await;
    let site = Site::start(&format!("servers: {{ up: {{ url: {} }} }}", upstream.url())).await;
    site.until(|ready| state(ready, "up") == "ready").await;
    let call = json!({ "name": "up__echo", "arguments": { "text": "hello" } });
    let called = site.ask("tools/call", call).await.json();
    assert_eq!(called["result"]["content"][0]["text"], "hello");
    let strange = json!({ "name": "up__no_such_tool", "arguments": {} });
    site.ask("tools/call", strange).await;
    let foreign = Request::get("/mcp").header("origin", "https://evil.example");
    foreign.send(site.address()).await;
    let mut answer = site.get("/metrics").await;
    // That the connections of the earlier requests were closed is noticed on other threads.
    for _ in 0..500 {
        if answer.body.contains("gantry_http_connections 1\n") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        answer = site.get("/metrics").await;
    }
    for line in [
        r#"gantry_http_requests_total{route="mcp",status="2xx"}"#,
        r#"gantry_http_refusals_total{code="E0403"} 1"#,
        r#"gantry_upstream_up{server="up"} 1"#,
        r#"gantry_tool_executions_total{server="up",tool="echo",outcome="ok"} 1"#,
        "gantry_http_connections 1",
        "gantry_build_info{version=",
    ] {
        assert!(answer.body.contains(line), "{line} is not in {}", answer.body);
    }
    assert!(!answer.body.contains("no_such_tool"), "a request must not make a series");
}

#[tokio::test]
async fn metrics_can_be_switched_off() {
    let site = Site::start("metrics: { enabled: false }").await;
    assert_eq!(site.get("/metrics").await.status, 404);
}
