//! `/health`, `/ready` and their further paths: one condition, in the words of everybody who asks.

use std::io::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::client::Request;
use crate::support::upstream::Upstream;
use crate::support::{LIMIT, Site, state};

const TOKEN: &str = "0123456789abcdef";

#[tokio::test]
async fn one_body_has_what_each_system_looks_for() {
    let upstream = Upstream::start().await;
    let site = Site::start(&format!("servers: {{ up: {{ url: {} }} }}", upstream.url())).await;
    site.until(|ready| state(ready, "up") == "ready").await;
    let answer = site.get("/health").await;
    assert_eq!(answer.status, 200);
    let took = answer.header("x-response-time").unwrap();
    assert!(took.strip_suffix("ms").unwrap().parse::<f64>().unwrap() >= 0.0, "{took}");
    let body = answer.json();
    // The MCP Optimizer Framework.
    assert_eq!(
        (&body["status"], &body["version"]),
        (&json!("healthy"), &json!(env!("CARGO_PKG_VERSION")))
    );
    // The MCP Configurable Framework.
    assert!(is_a_moment(body["timestamp"].as_str().unwrap()), "{body}");
    assert!(body["uptime"].is_f64(), "{body}");
    assert_eq!(body["checks"]["database"]["status"], "healthy");
    assert_eq!(
        body["checks"]["handlers"],
        json!({ "status": "healthy", "servers": 1, "ready": 1 })
    );
    #[cfg(target_os = "linux")]
    assert!(body["memory"]["rss"].as_u64().unwrap() > 1_000_000, "{body}");
    // The A2A servers.
    assert_eq!(body["service"], "gantry");
    assert_eq!(body["port"], site.address().port());
    assert!(body["tools"].as_u64().unwrap() > 2, "{body}");
    assert!(body["agent_type"].is_string());
}

fn is_a_moment(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00T00:00:00.000Z"
}

#[tokio::test]
async fn strangers_learn_whether_it_is_well_and_nothing_of_what_is_behind() {
    let yaml = "servers: { dead: { url: http://127.0.0.1:9/mcp } }";
    let site = Site::start(yaml).await;
    site.until(|ready| state(ready, "dead") == "unreachable").await;
    let far = Request::get("/health").header("x-forwarded-for", "203.0.113.7");
    let far = far.send(site.address()).await;
    // A server that is down is no reason to start the gateway again.
    assert_eq!(far.status, 200);
    let body = far.json();
    assert_eq!(body["checks"]["handlers"], json!({ "status": "degraded" }));
    for detail in ["port", "tools", "memory"] {
        assert_eq!(body[detail], Value::Null, "{body}");
    }
    assert!(!far.body.contains("dead"), "{}", far.body);
}

#[tokio::test]
async fn a_database_that_cannot_be_read_is_told_everywhere() {
    let site = Site::start("").await;
    // The size stays, so that it is the content that is wrong and not the end that is missing.
    let database = site.data().join("gantry.db");
    let length = std::fs::metadata(&database).unwrap().len();
    let rubbish = vec![b'x'; usize::try_from(length).unwrap()];
    std::fs::OpenOptions::new().write(true).open(&database).unwrap().write_all(&rubbish).unwrap();
    std::fs::write(site.data().join("gantry.db-wal"), "").unwrap();
    let health = site.get("/health").await;
    assert_eq!((health.status, health.json()["status"].clone()), (503, json!("unhealthy")));
    assert_eq!(health.json()["checks"]["database"]["status"], "unhealthy");
    let ready = site.get("/ready").await;
    assert_eq!((ready.status, ready.json()["checks"]["storage"].clone()), (503, json!("failed")));
    for (path, status, word) in [
        ("/actuator/health", 503, "DOWN"),
        ("/actuator/health/db", 503, "DOWN"),
        ("/actuator/health/readiness", 503, "DOWN"),
        ("/actuator/health/liveness", 200, "UP"),
    ] {
        let answer = site.get(path).await;
        assert_eq!(
            (answer.status, answer.json()["status"].clone()),
            (status, json!(word)),
            "{path}"
        );
    }
}

#[tokio::test]
async fn both_have_further_paths_where_the_configuration_says_so() {
    let yaml = format!(
        "health: {{ path: /healthz }}\nmetrics: {{ path: /internal/metrics }}\n\
         auth: {{ tokens: [{{ name: ann, token: {TOKEN} }}] }}"
    );
    let site = Site::start(&yaml).await;
    for path in ["/health", "/healthz", "/healthz?verbose"] {
        assert_eq!(site.get(path).await.json()["status"], "healthy", "{path}");
    }
    for path in ["/metrics", "/internal/metrics"] {
        assert!(site.get(path).await.body.contains("gantry_build_info"), "{path}");
        let far = Request::get(path).header("x-forwarded-for", "203.0.113.7");
        assert_eq!(far.clone().send(site.address()).await.status, 401, "{path}");
        assert_eq!(far.bearer(TOKEN).send(site.address()).await.status, 200, "{path}");
    }
    let foreign = Request::get("/healthz").without("host").header("host", "evil.example");
    assert_eq!(foreign.send(site.address()).await.status, 403);
    assert_eq!(site.get("/healthz/").await.status, 404);
    assert_eq!(Request::post("/healthz", "{}").send(site.address()).await.status, 405);
    site.write_config("");
    tokio::time::timeout(LIMIT, async {
        while site.get("/healthz").await.status != 404 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("a path that is taken back is nobody's");
}

#[tokio::test]
async fn who_is_to_leave_is_told_before_the_door_closes() {
    let upstream = Upstream::start().await;
    let yaml = format!(
        "server: {{ limits: {{ drain: 2s }} }}\nservers: {{ up: {{ url: {} }} }}",
        upstream.url()
    );
    let site = Site::start(&yaml).await;
    let ready = site.until(|ready| state(ready, "up") == "ready").await;
    assert_eq!((&ready["ready"], &ready["status"]), (&json!(true), &json!("ready")));
    let address = site.address();
    let get = |path: &'static str| Request::get(path).send(address);
    let ending = site.running.shut_down();
    let watching = async {
        while get("/ready").await.status == 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let ready = get("/ready").await;
        assert_eq!((ready.status, ready.json()["ready"].clone()), (503, json!(false)));
        assert_eq!(ready.json()["checks"]["listener"], "draining");
        let health = get("/health").await;
        assert_eq!((health.status, health.json()["status"].clone()), (503, json!("draining")));
        let readiness = get("/actuator/health/readiness").await;
        assert_eq!(readiness.status, 503);
        assert_eq!(readiness.json()["status"], "OUT_OF_SERVICE");
        assert_eq!(get("/actuator/health").await.status, 503);
        // It is alive, and whoever comes all the same is served.
        assert_eq!(get("/actuator/health/liveness").await.status, 200);
        let call = json!({ "name": "up__echo", "arguments": { "text": "late" } });
        let called = Request::modern("/mcp", "tools/call", call).send(address).await.json();
        assert_eq!(called["result"]["content"][0]["text"], "late");
    };
    let (is_clean, ()) = tokio::join!(ending, watching);
    assert!(is_clean);
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
