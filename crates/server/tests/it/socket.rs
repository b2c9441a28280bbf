//! Commands reach the running gateway by its socket, or make one of their own.

use gantry_server::{Admin, AdminError, Reach};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::support::upstream::Upstream;
use crate::support::{LIMIT, Site, state};

fn call(name: &str, arguments: &Value) -> Map<String, Value> {
    let params = json!({ "name": name, "arguments": arguments });
    params.as_object().cloned().unwrap()
}

#[tokio::test]
async fn a_command_beside_a_gateway_is_a_client_of_it() {
    let upstream = Upstream::start().await;
    let token = "auth: { tokens: [{ name: ann, token: 0123456789abcdef }] }";
    let site =
        Site::start(&format!("{token}\nservers: {{ up: {{ url: {} }} }}", upstream.url())).await;
    site.until(|ready| state(ready, "up") == "ready").await;
    let reach = Reach::open(&site.options()).await.unwrap();
    let mut all = reach.converse("").await.unwrap();
    let tools = all.list("tools/list", "tools").await.unwrap();
    assert_eq!(tools[0]["name"], "up__echo");
    let params = call("up__echo", &json!({ "text": "hi" }));
    let called = all.ask("tools/call", params).await.unwrap();
    assert_eq!(called["content"][0]["text"], "hi");
    let mut one = reach.converse("up").await.unwrap();
    assert_eq!(one.list("tools/list", "tools").await.unwrap()[0]["name"], "echo");
    let mut own = reach.converse("gantry").await.unwrap();
    let servers = own.ask("tools/call", call("list_servers", &json!({}))).await.unwrap();
    assert_eq!(servers["structuredContent"]["servers"][0]["state"], "ready");
    assert_eq!(upstream.count("server/discover"), 1, "nobody else was started");
    let refused = all.ask("tools/call", call("up__nothing", &json!({}))).await.unwrap_err();
    assert!(refused.to_string().contains("up__nothing"), "{refused}");
}

#[tokio::test]
async fn without_a_gateway_a_command_makes_its_own_and_keeps_nothing() {
    let upstream = Upstream::start().await;
    let site = Site::start(&format!("servers: {{ up: {{ url: {} }} }}", upstream.url())).await;
    let (mut options, folder) = (site.options(), tempfile::tempdir().unwrap());
    options.data = folder.path().join("none");
    let reach = Reach::open(&options).await.unwrap();
    let tools = reach.converse("").await.unwrap().list("tools/list", "tools").await.unwrap();
    assert_eq!(tools[0]["name"], "up__echo");
    reach.close().await;
    assert!(!options.data.exists());
}

#[tokio::test]
async fn whoever_speaks_mcp_on_the_socket_at_once_is_served() {
    let site = Site::start("").await;
    let mut stream = UnixStream::connect(site.data().join("gantry.sock")).await.unwrap();
    stream.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\"}\n").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(LIMIT, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer, json!({ "jsonrpc": "2.0", "id": 7, "result": {} }));
}

/// Says something on the socket and returns all that comes back.
async fn said(site: &Site, text: &str) -> String {
    let mut stream = UnixStream::connect(site.data().join("gantry.sock")).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(LIMIT, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn whoever_speaks_http_on_the_socket_gets_the_routes_with_the_same_rights() {
    let site = Site::start("").await;
    let get = |path: &str, more: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n")
    };
    let health = said(&site, &get("/health", "")).await;
    assert!(health.starts_with("HTTP/1.1 200 ") && health.contains("\"version\""), "{health}");
    let denied = said(&site, &get("/api/admin/tap", "")).await;
    assert!(denied.starts_with("HTTP/1.1 401 ") && denied.contains("E0404"), "{denied}");
    let foreign = said(&site, &get("/health", "").replace("localhost", "evil.example.com")).await;
    assert!(foreign.starts_with("HTTP/1.1 403 "), "{foreign}");
}

#[tokio::test]
async fn a_command_administers_the_running_gateway_and_no_other() {
    let site = Site::start("").await;
    let mut admin = Admin::open(&site.options()).await.unwrap();
    let servers = admin.get("/api/servers").await.unwrap();
    assert_eq!(servers["servers"], json!([]));
    let nothing = admin.post("/api/nothing").await.unwrap_err();
    assert!(matches!(nothing, AdminError::Refused { .. }), "{nothing}");
    let mut events =
        Admin::open(&site.options()).await.unwrap().events("/api/admin/tap").await.unwrap();
    let first = events.next().await.unwrap().unwrap();
    assert_eq!(&first[..], br#"{"watching":true}"#);
    let options = site.options();
    // Who watches does not hold up the end.
    let Site { running, folder } = site;
    assert!(tokio::time::timeout(LIMIT, running.shut_down()).await.unwrap());
    assert!(events.next().await.unwrap().is_none());
    let gone = Admin::open(&options).await.unwrap_err();
    assert!(matches!(gone, AdminError::NoGateway { .. }), "{gone}");
    drop(folder);
}
