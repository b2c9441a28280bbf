//! Listeners beside the main one: what each shows, to whom, and how they come to be.

use std::net::SocketAddr;

use gantry_core::ErrorCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixStream};

use crate::support::client::Request;
use crate::support::{LIMIT, Site};

const TOKEN: &str = "0123456789abcdef";
const BESIDE: &str = "server: { management: { listen: '127.0.0.1:0' } }\n\
                      metrics: { listen: '127.0.0.1:0' }";

async fn statuses(address: SocketAddr, paths: &[&str]) -> Vec<u16> {
    let mut statuses = Vec::new();
    for path in paths {
        statuses.push(Request::get(path).send(address).await.status);
    }
    statuses
}

#[tokio::test]
async fn each_listener_shows_what_it_is_for() {
    let site = Site::start(BESIDE).await;
    let management = site.running.management_address().unwrap();
    let metrics = site.running.metrics_address().unwrap();
    let paths =
        ["/health", "/ready", "/metrics", "/", "/api/servers", "/mcp/gantry", "/mcp", "/sse"];
    assert_eq!(statuses(management, &paths).await, [200, 200, 200, 200, 200, 404, 404, 404]);
    assert_eq!(statuses(metrics, &paths).await, [404, 404, 200, 404, 404, 404, 404, 404]);
    assert_eq!(statuses(management, &["/api/admin/log-level"]).await, [401]);
    let hidden = Request::modern("/mcp", "tools/list", json!({})).send(management).await;
    assert_eq!((hidden.status, hidden.code().as_str()), (404, "E0301"));
    assert_eq!(site.ask("tools/list", json!({})).await.status, 200, "the main one shows all");
    let admin = Request::get("/api/servers").bearer(&site.admin_token());
    assert_eq!(admin.send(management).await.status, 200);
    // Foreign pages are kept out of each.
    for address in [management, metrics] {
        let foreign = Request::get("/metrics").without("host").header("host", "evil.example");
        assert_eq!(foreign.send(address).await.code(), "E0402");
    }
}

#[tokio::test]
async fn on_the_address_of_the_main_one_the_others_are_none_of_their_own() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let yaml = format!(
        "server: {{ management: {{ listen: '{free}' }} }}\nmetrics: {{ listen: '{free}' }}"
    );
    let site = Site::start_on(&yaml, &free.to_string()).await;
    assert_eq!(site.running.management_address(), None);
    assert_eq!(site.running.metrics_address(), None);
    assert_eq!(site.ask("tools/list", json!({})).await.status, 200);
    assert_eq!(site.get("/metrics").await.status, 200);
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_with_its_key_and_nothing_is_started() {
    let holder = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = holder.local_addr().unwrap();
    for (yaml, key) in [
        (format!("server: {{ management: {{ listen: '{taken}' }} }}"), "server.management.listen"),
        (format!("metrics: {{ listen: '{taken}' }}"), "metrics.listen"),
    ] {
        let error = Site::try_start(&yaml).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::BindFailed);
        let text = error.to_string();
        assert!(text.contains(key) && text.contains(&taken.to_string()), "{text}");
        assert!(error.hints()[0].contains("ss -ltnp"), "{:?}", error.hints());
    }
}

#[tokio::test]
async fn figures_are_open_to_everybody_only_where_that_is_said() {
    let token = format!("auth: {{ tokens: [{{ name: ann, token: {TOKEN} }}] }}\n");
    let closed = format!("{token}metrics: {{ listen: '0.0.0.0:0' }}");
    let site = Site::start(&closed).await;
    let address = reached_as_a_stranger(site.running.metrics_address().unwrap());
    let ask = |path| Request::get(path).header("x-forwarded-for", "203.0.113.7");
    assert_eq!(ask("/metrics").send(address).await.code(), "E0401");
    assert_eq!(ask("/metrics").bearer(TOKEN).send(address).await.status, 200);
    let error = Site::try_start("metrics: { listen: '0.0.0.0:0' }").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ListenWithoutAuthentication);
    let open = "metrics: { listen: '0.0.0.0:0', anonymous: true }";
    let site = Site::start(open).await;
    let address = reached_as_a_stranger(site.running.metrics_address().unwrap());
    assert_eq!(ask("/metrics").send(address).await.status, 200);
    assert_eq!(ask("/mcp").send(address).await.status, 404);
    // The main listener is as closed as ever.
    assert_eq!(ask("/metrics").send(site.address()).await.status, 401);
}

fn reached_as_a_stranger(listening: SocketAddr) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], listening.port()))
}

#[tokio::test]
async fn a_reload_that_would_open_a_listener_is_refused() {
    let token = format!("auth: {{ tokens: [{{ name: ann, token: {TOKEN} }}] }}\n");
    let site =
        Site::start(&format!("{token}server: {{ management: {{ listen: '0.0.0.0:0' }} }}")).await;
    site.write_config("server: { management: { listen: '127.0.0.1:0' } }");
    assert!(!site.running.reload().await, "it still listens beyond the loopback");
    let ready = site.get("/ready").await.json();
    assert!(ready["config_refused"].as_str().unwrap().contains("0.0.0.0"), "{ready}");
    site.write_config(&format!("{token}server: {{ management: {{ listen: '127.0.0.1:0' }} }}"));
    assert!(site.running.reload().await);
}

#[tokio::test]
async fn the_socket_serves_its_user_without_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("http.sock");
    let token = format!("auth: {{ tokens: [{{ name: ann, token: {TOKEN} }}] }}\n");
    let site = Site::start(&format!("{token}server: {{ socket: {} }}", path.display())).await;
    let list = Request::modern("/mcp", "tools/list", json!({}));
    assert_eq!(list.clone().send(site.address()).await.status, 401);
    let answer = on_socket(&path, &list).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let body: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert!(body["result"]["tools"].as_array().is_some_and(|tools| !tools.is_empty()), "{body}");
    // A proxy of the same user is not that user.
    let forwarded = list.header("x-forwarded-for", "203.0.113.7");
    assert!(on_socket(&path, &forwarded).await.starts_with("HTTP/1.1 401"));
    assert!(on_socket(&path, &Request::get("/api/servers")).await.starts_with("HTTP/1.1 200"));
    let admin = on_socket(&path, &Request::get("/api/admin/log-level")).await;
    assert!(admin.starts_with("HTTP/1.1 401"), "the admin token is needed everywhere: {admin}");
    let foreign = Request::get("/ready").without("host").header("host", "evil.example");
    assert!(on_socket(&path, &foreign).await.starts_with("HTTP/1.1 403"));
    assert!(site.running.shut_down().await);
    assert!(!path.exists(), "it is taken away at the end");
}

async fn on_socket(path: &std::path::Path, request: &Request) -> String {
    let mut stream = UnixStream::connect(path).await.unwrap();
    stream.write_all(&request.clone().header("connection", "close").bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(LIMIT, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn what_is_at_the_path_of_the_socket_is_told_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "notes").unwrap();
    let error = Site::try_start(&format!("server: {{ socket: {} }}", path.display())).await;
    let error = error.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SocketUnusable);
    let text = gantry_core::chain(&error);
    assert!(text.contains("`server.socket`") && text.contains("no socket"), "{text}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "notes");
}
