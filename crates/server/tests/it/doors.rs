//! Who gets in: hosts, origins, tokens, limits, ids.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::client::Request;
use crate::support::{LIMIT, Site};

const TOKEN: &str = "0123456789abcdef";

fn with_token(more: &str) -> String {
    format!("auth: {{ tokens: [{{ name: ann, token: {TOKEN} }}] }}\n{more}")
}

#[tokio::test]
async fn foreign_hosts_and_origins_are_refused_on_every_route() {
    let site = Site::start("").await;
    for path in ["/", "/health", "/ready", "/metrics", "/mcp", "/mcp/gantry", "/api/servers", "/x"]
    {
        let foreign = Request::get(path).without("host").header("host", "evil.example:80");
        let answer = foreign.send(site.address()).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "E0402"), "{path}");
        let page = Request::get(path).header("origin", "https://evil.example");
        let answer = page.send(site.address()).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "E0403"), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
    }
    let none = Request::get("/health").without("host").send(site.address()).await;
    assert_eq!(none.status, 403);
    // Health checks of HTTP/1.0 have no host; a page that rebound its name would have one.
    for path in ["/health", "/ready", "/actuator/health/readiness"] {
        let old = Request::new(&format!("GET {path} HTTP/1.0"));
        assert_eq!(old.clone().send(site.address()).await.status, 200, "{path}");
        let named = old.clone().header("host", "evil.example").send(site.address()).await;
        assert_eq!(named.status, 403, "{path}");
        let page = old.header("origin", "https://evil.example").send(site.address()).await;
        assert_eq!(page.status, 403, "{path}");
    }
    for path in ["/", "/metrics", "/mcp", "/actuator/configprops", "/api/servers"] {
        let old = Request::new(&format!("GET {path} HTTP/1.0")).send(site.address()).await;
        assert_eq!((old.status, old.code().as_str()), (403, "E0402"), "{path}");
    }
    let twice = Request::get("/health").header("host", "evil.example").send(site.address()).await;
    assert_eq!((twice.status, twice.code().as_str()), (400, "E0305"));
}

#[tokio::test]
async fn pages_of_allowed_origins_may_read_answers() {
    let site = Site::start("server: { allowed_origins: ['https://app.example.com'] }").await;
    let origin = "https://app.example.com";
    let preflight = Request::new("OPTIONS /mcp HTTP/1.1")
        .header("host", "localhost")
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type, mcp-param-region");
    let answer = preflight.send(site.address()).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
    let allowed = answer.header("access-control-allow-headers").unwrap();
    assert!(allowed.contains("mcp-param-region"));
    let listed = Request::modern("/mcp", "tools/list", json!({})).header("origin", origin);
    let answer = listed.send(site.address()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
    assert!(answer.header("access-control-expose-headers").unwrap().contains("mcp-session-id"));
}

#[tokio::test]
async fn once_there_is_a_token_the_endpoints_need_one() {
    let site = Site::start(&with_token("")).await;
    let list = Request::modern("/mcp", "tools/list", json!({}));
    let answer = list.clone().send(site.address()).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "E0401"));
    assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer realm="gantry""#));
    let wrong = list.clone().bearer("fedcba9876543210").send(site.address()).await;
    assert_eq!(wrong.status, 401);
    assert!(wrong.header("www-authenticate").unwrap().contains("invalid_token"));
    assert_eq!(list.clone().bearer(TOKEN).send(site.address()).await.status, 200);
    // The administrator's token is for the admin routes alone, the client's for the endpoints.
    assert_eq!(list.bearer(&site.admin_token()).send(site.address()).await.status, 401);
    let servers = Request::get("/api/servers");
    assert_eq!(servers.clone().send(site.address()).await.code(), "E0401");
    assert_eq!(servers.clone().bearer(TOKEN).send(site.address()).await.status, 200);
    assert_eq!(servers.bearer(&site.admin_token()).send(site.address()).await.status, 200);
    let admins = Request::get("/api/admin/anything");
    assert_eq!(admins.clone().send(site.address()).await.code(), "E0404");
    assert_eq!(admins.clone().bearer(TOKEN).send(site.address()).await.status, 401);
    let nothing = admins.bearer(&site.admin_token()).send(site.address()).await;
    assert_eq!(nothing.refusal(), (404, "RESOURCE_NOT_FOUND".to_owned()));
    for open in ["/health", "/ready", "/"] {
        assert_eq!(site.get(open).await.status, 200, "{open}");
    }
}

#[tokio::test]
async fn the_admin_routes_need_the_token_on_the_loopback_too() {
    let site = Site::start("").await;
    for path in ["/api/admin/tap", "/api/admin/anything"] {
        let refused = site.get(path).await;
        assert_eq!(refused.refusal(), (401, "AUTHENTICATION_FAILED".to_owned()), "{path}");
        assert_eq!(refused.code(), "E0404", "{path}");
    }
}

#[tokio::test]
async fn what_a_proxy_passes_on_needs_authentication() {
    let open = Site::start("").await;
    let forwarded = |path| Request::get(path).header("x-forwarded-for", "203.0.113.7");
    assert_eq!(forwarded("/mcp").send(open.address()).await.status, 401);
    assert_eq!(forwarded("/metrics").send(open.address()).await.status, 401);
    assert_eq!(forwarded("/api/servers").send(open.address()).await.status, 401);
    assert_eq!(forwarded("/health").send(open.address()).await.status, 200);
    let closed = Site::start(&with_token("")).await;
    let list = Request::modern("/mcp", "tools/list", json!({}));
    let list = list.header("x-forwarded-for", "203.0.113.7").bearer(TOKEN);
    assert_eq!(list.send(closed.address()).await.status, 200);
}

#[tokio::test]
async fn paths_that_are_nobodys_are_refused_in_the_form_of_their_kind() {
    let site = Site::start("").await;
    let nothing = site.get("/nothing").await;
    assert_eq!((nothing.status, nothing.code().as_str()), (404, "E0301"));
    assert!(nothing.json()["error"]["message"].as_str().unwrap().contains("/nothing"));
    let unknown = Request::modern("/mcp/nobody", "tools/list", json!({}));
    let unknown = unknown.send(site.address()).await;
    assert_eq!(unknown.status, 404);
    assert_eq!(unknown.json()["jsonrpc"], "2.0");
    let posted = Request::post("/health", "{}").send(site.address()).await;
    assert_eq!(posted.status, 405);
    assert_eq!(Request::get("/mcp/a/b").send(site.address()).await.status, 404);
}

#[tokio::test]
async fn every_route_that_the_index_names_is_there() {
    let site = Site::start("health: { path: /healthz }").await;
    let index = site.get("/").await.json();
    let routes: Vec<_> =
        index["routes"].as_array().unwrap().iter().map(|route| route.as_str().unwrap()).collect();
    for known in ["POST /mcp", "GET /healthz", "GET /api/servers/{id}/health", "GET /api/admin/tap"]
    {
        assert!(routes.contains(&known), "{known}: {routes:?}");
    }
    for route in routes {
        let (method, path) = route.split_once(' ').unwrap();
        // What names nothing is a route all the same.
        let path =
            path.replace("{path}", "liveness").replace("{name}", "gantry").replace("{id}", "up");
        let path = path.replace("{tool}", "t").replace("{prefix}", "log");
        let request =
            Request::new(&format!("{method} {path} HTTP/1.1")).header("host", "localhost");
        let request = request.header("content-length", "0").bearer(&site.admin_token());
        let answer = request.send_for_head(site.address()).await;
        let is_nowhere = answer.body.contains("there is nothing at");
        // Without a session MCP has nothing to get or delete.
        let is_mcp = path.starts_with("/mcp");
        assert!(!is_nowhere && (is_mcp || answer.status != 405), "{route}: {answer:?}");
    }
}

#[tokio::test]
async fn refusals_below_api_have_the_form_of_the_api() {
    let site = Site::start("").await;
    for (method, path, status) in [
        ("DELETE", "/api/admin/log-level", 405),
        ("POST", "/api/admin/tap", 405),
        ("GET", "/api/admin/nothing", 404),
        ("PATCH", "/api/servers", 405),
    ] {
        let request =
            Request::new(&format!("{method} {path} HTTP/1.1")).header("host", "localhost");
        let request = request.header("x-correlation-id", "whole").header("content-length", "0");
        let answer = request.bearer(&site.admin_token()).send(site.address()).await;
        let error = &answer.json()["error"];
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(
            error["timestamp"].is_string() && error["details"]["code"].is_string(),
            "{answer:?}"
        );
        assert_eq!(error["request_id"], "whole", "{answer:?}");
    }
    let named = Request::get("/api/servers/nobody").header("x-request-id", "part");
    let error = named.header("x-correlation-id", "whole").send(site.address()).await.json();
    let names = (&error["error"]["request_id"], &error["error"]["correlation_id"]);
    assert_eq!(names, (&json!("part"), &json!("whole")));
}

#[tokio::test]
async fn requests_have_names() {
    let site = Site::start("").await;
    let own = Request::get("/health").header("x-request-id", "edge-42").send(site.address()).await;
    assert_eq!(own.header("x-request-id"), Some("edge-42"));
    let odd = Request::get("/health").header("x-request-id", "a b").send(site.address()).await;
    let made = odd.header("x-request-id").unwrap().to_owned();
    assert_ne!(made, "a b");
    let refused = site.get("/nothing").await;
    assert_eq!(refused.json()["error"]["request_id"], refused.header("x-request-id").unwrap());
}

#[tokio::test]
async fn heads_and_bodies_have_limits() {
    let site = Site::start("server: { limits: { header: 8KiB, body: 16KiB } }").await;
    let long = Request::get("/health").header("x-long", &"x".repeat(20_000));
    assert_eq!(long.send(site.address()).await.status, 431);
    let mut many = Request::get("/health");
    for index in 0..200 {
        many = many.header(&format!("x-{index}"), "1");
    }
    assert_eq!(many.send(site.address()).await.status, 431);
    let text = "x".repeat(20_000);
    let large = Request::modern("/mcp", "tools/call", json!({ "name": "x", "arguments": text }));
    let answer = large.send(site.address()).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "E0304"));
    assert!(answer.json()["error"]["message"].as_str().unwrap().contains("server.limits.body"));
}

#[tokio::test]
async fn a_head_that_does_not_end_is_not_waited_for() {
    let site = Site::start("server: { limits: { request_timeout: 1s } }").await;
    let mut stream = TcpStream::connect(site.address()).await.unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n").await.unwrap();
    let mut rest = Vec::new();
    let read = tokio::time::timeout(LIMIT, stream.read_to_end(&mut rest)).await;
    assert!(read.is_ok(), "the connection should be closed");
    assert!(!String::from_utf8_lossy(&rest).starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn connections_are_kept_and_rubbish_harms_nobody() {
    let site = Site::start("").await;
    for rubbish in [&b"\x16\x03\x01\x02\x00\x01\x00"[..], b"GET / HTTP/3\r\n\r\n", b"\r\n\r\n\0\0"]
    {
        let mut stream = TcpStream::connect(site.address()).await.unwrap();
        stream.write_all(rubbish).await.unwrap();
    }
    let mut stream = TcpStream::connect(site.address()).await.unwrap();
    for _ in 0..3 {
        stream.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut answer = [0; 4096];
        let read = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut answer)).await;
        assert!(answer[..read.unwrap().unwrap()].starts_with(b"HTTP/1.1 200"));
    }
}

#[tokio::test]
async fn listening_beyond_the_loopback_without_tokens_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let other = Site::start("").await;
    let mut options = other.options();
    options.data = folder.path().join("data");
    options.source.listen = Some("0.0.0.0:0".to_owned());
    let error = gantry_server::Running::start(options).await.unwrap_err();
    assert_eq!(error.code(), gantry_core::ErrorCode::ListenWithoutAuthentication);
    assert!(!folder.path().join("data").exists(), "nothing is made before it is allowed");
}

#[tokio::test]
async fn a_resource_behind_a_proxy_is_called_as_clients_of_the_proxy_call_it() {
    const METADATA: &str = "/.well-known/oauth-protected-resource/mcp";
    let auth = "auth: { oauth: { issuer: 'http://127.0.0.1:9' } }\n";
    let server = "server: { trusted_proxies: [127.0.0.1], allowed_hosts: [gate.example] }\n";
    let trusting = Site::start(&format!("{server}{auth}")).await;
    let doubting =
        Site::start(&format!("{}{auth}", server.replace("127.0.0.1", "192.0.2.1"))).await;
    let habit = [("x-forwarded-for", "203.0.113.7"), ("x-forwarded-proto", "https")];
    let standard = [("forwarded", "for=203.0.113.7;proto=https")];
    for (site, told, scheme) in [
        (&trusting, &habit[..], "https"),
        (&trusting, &standard, "https"),
        (&trusting, &[("x-forwarded-proto", "https")], "https"),
        (&trusting, &[], "http"),
        (&doubting, &habit, "http"),
        (&doubting, &standard, "http"),
    ] {
        let ask = async |request: Request| {
            let request = request.without("host").header("host", "gate.example");
            let add = |request: Request, (name, value): &(&str, &str)| request.header(name, value);
            told.iter().fold(request, add).send(site.address()).await
        };
        let resource = &ask(Request::get(METADATA)).await.json()["resource"];
        assert_eq!(*resource, format!("{scheme}://gate.example/mcp"), "{told:?}");
        let refused = ask(Request::modern("/mcp", "tools/list", json!({}))).await;
        assert_eq!(refused.status, 401, "{refused:?}");
        let challenge = refused.header("www-authenticate").unwrap_or_default();
        let expected = format!("resource_metadata=\"{scheme}://gate.example{METADATA}\"");
        assert!(challenge.contains(&expected), "{told:?}: {challenge}");
    }
}
