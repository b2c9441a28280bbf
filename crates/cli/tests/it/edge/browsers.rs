//! What browsers are told, and answers that are packed.

use serde_json::json;

use super::{TOKEN, curl, with_token};
use crate::support::{
    client::Client,
    gantry::{Gantry, Setup},
};

const NEAR: &str = "127.0.0.1";
const PAGE: &str = "Origin: https://app.example.com";

#[tokio::test]
async fn a_page_is_told_what_it_may_do() {
    let cors = json!({
        "origins": ["https://app.example.com"], "methods": ["GET", "POST"],
        "headers": ["Authorization", "Mcp-Method"], "expose": ["X-Extra"],
        "max_age": "1h", "credentials": true,
    });
    let gantry = Gantry::start(&with_token(json!({ "server": { "cors": cors } }))).await;
    let wanted = ["-X", "OPTIONS", "-H", PAGE, "-H", "Access-Control-Request-Method: POST"];
    let answer = curl(&gantry, NEAR, "/mcp", &wanted).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    for (name, value) in [
        ("access-control-allow-origin", "https://app.example.com"),
        ("access-control-allow-methods", "GET, POST"),
        ("access-control-allow-headers", "authorization, mcp-method"),
        ("access-control-max-age", "3600"),
        ("access-control-allow-credentials", "true"),
        ("vary", "origin"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    // A refusal can be read, too, and so can what it says of limits.
    let answer = curl(&gantry, NEAR, "/mcp", &["-X", "POST", "-H", PAGE]).await;
    assert_eq!(answer.status, 401);
    let exposed = answer.header("access-control-expose-headers").unwrap_or_default();
    for name in [
        "mcp-session-id",
        "x-request-id",
        "x-ratelimit-remaining",
        "retry-after",
        "www-authenticate",
        "x-extra",
    ] {
        assert!(exposed.contains(name), "{name}: {exposed}");
    }
    let other = curl(&gantry, NEAR, "/health", &["-H", "Origin: https://evil.example.com"]).await;
    assert_eq!((other.status, other.code().as_str()), (403, "E0403"));
    assert_eq!(other.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn every_page_may_call_only_where_everybody_has_to_say_who_they_are() {
    let cors = json!({ "server": { "cors": { "origins": ["*"] } } });
    let refused = Setup::new(&cors.to_string()).try_start().await;
    let said = refused.expect_err("nobody is named");
    assert!(said.contains("E0109") && said.contains("server.cors.origins"), "{said}");
    let both = json!({ "server": { "cors": { "origins": ["*"], "credentials": true } } });
    let refused = Setup::new(&with_token(both)).try_start().await;
    let said = refused.expect_err("browsers would refuse it");
    assert!(said.contains("E0107") && said.contains("server.cors.credentials"), "{said}");

    let gantry = Gantry::start(&with_token(cors)).await;
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let answer = curl(&gantry, NEAR, "/api/tools", &["-H", PAGE, "-H", &bearer]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    // A page on this machine is not the machine.
    assert_eq!(curl(&gantry, NEAR, "/metrics", &["-H", PAGE]).await.status, 401);
    assert_eq!(curl(&gantry, NEAR, "/metrics", &[]).await.status, 200);
    // Names that are not ours stay refused: a page that rebound its own has no other.
    let rebound = curl(&gantry, NEAR, "/health", &["-H", PAGE, "-H", "Host: evil.example"]).await;
    assert_eq!(rebound.status, 403);
}

#[tokio::test]
async fn answers_make_browsers_strict_and_those_to_messages_go_without() {
    let gantry = Gantry::start("").await;
    for path in ["/", "/health", "/api/tools", "/nothing"] {
        let answer = curl(&gantry, NEAR, path, &[]).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path} {name}");
        }
        assert_eq!(answer.header("strict-transport-security"), None);
    }
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let listed = client.request("tools/list", json!({}));
    assert_eq!(listed.await.header("x-content-type-options"), None);
}

#[tokio::test]
async fn headers_of_the_operator_are_in_every_answer() {
    let set = json!({
        "X-XSS-Protection": "1; mode=block", "X-Frame-Options": "SAMEORIGIN", "Cache-Control": "",
        "Strict-Transport-Security": "max-age=63072000; includeSubDomains; preload",
    });
    let server = json!({ "security_headers": { "set": set }, "trusted_proxies": ["127.0.0.1"] });
    let gantry = Gantry::start(&json!({ "server": server }).to_string()).await;
    let answer = curl(&gantry, NEAR, "/health", &[]).await;
    assert_eq!(answer.header("x-xss-protection"), Some("1; mode=block"));
    assert_eq!(answer.header("x-frame-options"), Some("SAMEORIGIN"));
    assert_eq!(answer.header("cache-control"), None);
    assert_eq!(answer.header("strict-transport-security"), None);
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let listed = client.request("tools/list", json!({})).await;
    assert_eq!(listed.header("x-xss-protection"), Some("1; mode=block"));
    assert_eq!(listed.header("x-content-type-options"), None);
    // Behind a proxy that speaks TLS to the client.
    let forwarded = ["-H", "X-Forwarded-For: 198.51.100.1", "-H", "X-Forwarded-Proto: https"];
    let answer = curl(&gantry, NEAR, "/health", &forwarded).await;
    let hsts = answer.header("strict-transport-security");
    assert_eq!(hsts, Some("max-age=63072000; includeSubDomains; preload"));
}

#[tokio::test]
async fn answers_are_packed_for_those_who_take_it_and_not_with_a_credential() {
    let on = json!({ "server": { "compression": { "enabled": true } } });
    let gantry = Gantry::start(&with_token(on)).await;
    let gzip = "Accept-Encoding: br, gzip";
    let plain = curl(&gantry, NEAR, "/metrics", &[]).await;
    let packed = curl(&gantry, NEAR, "/metrics", &["-H", gzip]).await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.head.contains("vary: accept-encoding"), "{}", packed.head);
    assert_eq!(plain.header("content-encoding"), None);
    assert!(plain.head.contains("vary: accept-encoding"), "{}", plain.head);
    assert!(packed.body.len() * 3 < plain.body.len(), "{} {}", packed.body.len(), plain.body.len());
    let unpacked = curl(&gantry, NEAR, "/metrics", &["--compressed"]).await;
    assert!(unpacked.text().contains("gantry_build_info"), "{}", unpacked.text());
    // Small ones and those to somebody with a credential are not.
    let small = curl(&gantry, NEAR, "/health", &["-H", gzip]).await;
    assert_eq!(small.header("content-encoding"), None);
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let secret = curl(&gantry, NEAR, "/metrics", &["-H", gzip, "-H", &bearer]).await;
    assert_eq!((secret.status, secret.header("content-encoding")), (200, None));
}

#[tokio::test]
async fn nothing_is_packed_unasked() {
    let gantry = Gantry::start("").await;
    let answer = curl(&gantry, NEAR, "/metrics", &["-H", "Accept-Encoding: gzip"]).await;
    assert_eq!(answer.header("content-encoding"), None);
    assert!(!answer.head.contains("accept-encoding"), "{}", answer.head);
}
