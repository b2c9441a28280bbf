//! What `docs/compatibility.yaml` says works does.

use gantry_server::config::compatibility::promises;

use crate::support::client::Request;
use crate::support::upstream::Upstream;
use crate::support::{Site, state};

#[tokio::test]
async fn every_endpoint_that_is_said_to_work_answers() {
    let site = Site::start("").await;
    let mut n_endpoints = 0;
    for promise in promises().iter().filter(|promise| promise.state == "works") {
        for endpoint in &promise.endpoints {
            let (method, path) = endpoint.split_once(' ').unwrap();
            let path = path.replace("{name}", "gantry");
            let request = match method {
                "POST" => Request::modern(&path, "tools/list", serde_json::json!({})),
                _ => Request::get(&path),
            };
            let is_admins = path.starts_with("/api/") || path.ends_with("/reset");
            let request = if is_admins { request.bearer(&site.admin_token()) } else { request };
            let answer = request.send(site.address()).await;
            assert_eq!(answer.status, 200, "{endpoint} of {}", promise.id);
            n_endpoints += 1;
        }
    }
    assert!(n_endpoints > 5, "only {n_endpoints} endpoints are said to work");
}

#[tokio::test]
async fn every_metric_that_is_said_to_work_is_scraped() {
    let upstream = Upstream::start().await;
    let kept = "{ tools: { echo: { cache: {} } } }";
    let server = format!("{{ url: {}, traffic: {kept} }}", upstream.url());
    let site = Site::start(&format!("servers: {{ up: {server} }}")).await;
    site.until(|ready| state(ready, "up") == "ready").await;
    let call = serde_json::json!({ "name": "up__echo", "arguments": { "text": "hello" } });
    assert_eq!(site.ask("tools/call", call).await.status, 200);
    let scraped = site.get("/metrics").await.body;
    for promise in promises().iter().filter(|promise| promise.state == "works") {
        for metric in &promise.metrics {
            assert!(scraped.contains(metric.as_str()), "{metric} of {}", promise.id);
        }
    }
    // The names that others' are said to have here.
    for promise in promises() {
        for word in promise.how.split('`').filter(|word| word.starts_with("gantry_")) {
            assert!(scraped.contains(word.trim_end_matches("_total")), "{word} of {}", promise.id);
        }
    }
}
