//! From where a request comes, and whether anybody may come from there.

use serde_json::{Value, json};

use super::{TOKEN, ask_as_ann, curl, figure, with_token};
use crate::support::{gantry::Gantry, wait::eventually};

const PROXY: &str = "127.0.0.2";
const STRANGER: &str = "127.0.0.3";

#[tokio::test]
async fn a_trusted_proxy_says_from_where_a_request_comes_and_nobody_else() {
    let server = json!({ "trusted_proxies": [PROXY], "deny": ["203.0.113.0/24"] });
    let gantry = Gantry::start(&with_token(json!({ "server": server }))).await;
    for (from, headers, status, code) in [
        (PROXY, &["X-Forwarded-For: 203.0.113.7"][..], 403, "E0426"),
        (PROXY, &["Forwarded: for=203.0.113.7;proto=https"], 403, "E0426"),
        (PROXY, &["X-Forwarded-For: 198.51.100.1, 203.0.113.7, 127.0.0.2"], 403, "E0426"),
        (PROXY, &["X-Forwarded-For: 203.0.113.7, 198.51.100.1"], 200, ""),
        (PROXY, &["X-Forwarded-For: 203.0.113.7", "X-Forwarded-For: 198.51.100.1"], 200, ""),
        (PROXY, &[], 200, ""),
        (PROXY, &["X-Forwarded-For: 198.51.100.1, unknown"], 400, "E0425"),
        (PROXY, &["Forwarded: for=\"198.51.100.1"], 400, "E0425"),
        (PROXY, &["X-Forwarded-For: 198.51.100.1", "Forwarded: for=203.0.113.7"], 400, "E0425"),
        // Whoever says so itself is not believed.
        (STRANGER, &["X-Forwarded-For: 203.0.113.7"], 200, ""),
        (STRANGER, &["X-Forwarded-For: unknown"], 200, ""),
    ] {
        let answer = ask_as_ann(&gantry, from, headers).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{from} {headers:?}");
    }
}

#[tokio::test]
async fn limits_by_address_count_the_clients_of_a_proxy_one_by_one() {
    let once = json!({ "requests": 1, "per": "1h", "algorithm": "fixed_window" });
    let config = json!({
        "server": { "trusted_proxies": [PROXY] },
        "limits": { "per_address": once },
    });
    let gantry = Gantry::start(&with_token(config)).await;
    for (from, header, status) in [
        (PROXY, "X-Forwarded-For: 198.51.100.1", 200),
        (PROXY, "X-Forwarded-For: 198.51.100.1", 429),
        (PROXY, "X-Forwarded-For: 198.51.100.1, 198.51.100.2", 200),
        (PROXY, "X-Forwarded-For: 198.51.100.3, 198.51.100.2", 429),
        // A stranger that says another name each time is the same one.
        (STRANGER, "X-Forwarded-For: 198.51.100.4", 200),
        (STRANGER, "X-Forwarded-For: 198.51.100.5", 429),
    ] {
        assert_eq!(ask_as_ann(&gantry, from, &[header]).await.status, status, "{from} {header}");
    }
}

#[tokio::test]
async fn without_credentials_no_proxy_lets_others_in() {
    let gantry = Gantry::start(r#"{ "server": { "trusted_proxies": ["127.0.0.1"] } }"#).await;
    for client in ["198.51.100.1", "127.0.0.1"] {
        let header = format!("X-Forwarded-For: {client}");
        let answer = curl(&gantry, "127.0.0.1", "/api/tools", &["-H", &header]).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "E0401"), "{client}");
        // Nor are details shown, however near the client is to the proxy.
        let answer = curl(&gantry, "127.0.0.1", "/metrics", &["-H", &header]).await;
        assert_eq!(answer.status, 401, "{client}");
    }
    assert_eq!(curl(&gantry, "127.0.0.1", "/api/tools", &[]).await.status, 200);
}

#[tokio::test]
async fn lists_of_addresses_hold_on_every_route_and_are_told() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let trail = folder.path().join("audit.jsonl");
    let config = |server: Value| {
        with_token(json!({ "server": server, "audit": { "enabled": true, "file": trail } }))
    };
    let lists = json!({ "allow": ["127.0.0.0/8"], "deny": [STRANGER] });
    let gantry = Gantry::start(&config(lists)).await;
    let bearer = format!("Authorization: Bearer {TOKEN}");
    for path in ["/", "/mcp", "/sse", "/api/tools", "/metrics", "/actuator/env", "/nothing"] {
        let answer = curl(&gantry, STRANGER, path, &["-H", &bearer]).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "E0426"), "{path}");
        assert!(answer.text().contains("`server.deny`"), "{path}: {}", answer.text());
    }
    // The machine's own probes are answered, what a proxy passes on is none of them.
    for path in ["/health", "/ready", "/actuator/health"] {
        assert_eq!(curl(&gantry, STRANGER, path, &[]).await.status, 200, "{path}");
        let passed_on = curl(&gantry, STRANGER, path, &["-H", "X-Forwarded-For: 127.0.0.1"]).await;
        assert_eq!(passed_on.status, 403, "{path}");
    }
    assert_eq!(ask_as_ann(&gantry, "127.0.0.4", &[]).await.status, 200);
    let refused = figure(&gantry, r#"gantry_http_refusals_total{code="E0426"}"#).await;
    assert_eq!(refused, Some(10));
    let entry = eventually("an entry of the refusal", async || {
        let text = std::fs::read_to_string(&trail).unwrap_or_default();
        let mut entries = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        entries.find(|entry| entry.to_string().contains("E0426"))
    })
    .await;
    assert!(entry.to_string().contains("authorization.denied"), "{entry}");
    assert!(entry.to_string().contains(STRANGER), "{entry}");

    // A list holds from the moment on that it is taken up, and commands go by the socket.
    let other = json!({ "allow": [STRANGER] });
    std::fs::write(gantry.config(), config(other)).expect("the file is ours");
    eventually("the new lists", async || {
        (ask_as_ann(&gantry, "127.0.0.4", &[]).await.status == 403).then_some(())
    })
    .await;
    assert_eq!(ask_as_ann(&gantry, STRANGER, &[]).await.status, 200);
    let listed = gantry.run(&["tools", "list"]).await;
    assert!(listed.status.success(), "{listed}");
}

#[tokio::test]
async fn the_whitelist_of_another_system_is_taken_over() {
    let config = json!({
        "name": "x", "version": "1", "tools": [],
        "security": { "enabled": true, "ipWhitelist": [STRANGER] },
    });
    let gantry = Gantry::start(&config.to_string()).await;
    assert_eq!(curl(&gantry, STRANGER, "/api/tools", &[]).await.status, 200);
    let answer = curl(&gantry, "127.0.0.1", "/api/tools", &[]).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "E0426"));
}

#[tokio::test]
async fn what_is_hardly_meant_of_the_network_is_told_by_check_and_doctor() {
    let config = with_token(json!({
        "server": { "allow": ["10.0.0.0/8"], "connections": { "max": 5, "per_address": 5 } },
    }));
    let gantry = Gantry::start(&config).await;
    let checked = gantry.run(&["check"]).await;
    assert!(checked.status.success(), "{checked}");
    for words in ["`server.allow` leaves out the loopback", "`server.connections.per_address` can"]
    {
        assert!(checked.stdout.contains(words), "{words}: {checked}");
    }
    let looked = gantry.run(&["doctor"]).await;
    assert!(looked.stdout.contains("`server.allow` leaves out the loopback"), "{looked}");
}
