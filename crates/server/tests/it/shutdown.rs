//! The end of a gateway: nothing new, what is under way finished, what hangs cut off.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::support::client::Request;
use crate::support::upstream::Upstream;
use crate::support::{LIMIT, Site, state};

#[tokio::test]
async fn a_call_under_way_is_answered_before_the_end() {
    let upstream = Upstream::start().await;
    let site = Site::start(&format!("servers: {{ up: {{ url: {} }} }}", upstream.url())).await;
    site.until(|ready| state(ready, "up") == "ready").await;
    let address = site.address();
    let params = json!({ "name": "up__wait", "arguments": {} });
    let call = Request::modern("/mcp", "tools/call", params).send(address);
    let end = async {
        upstream.until_waiting(1).await;
        let ending = site.running.shut_down();
        let release = async {
            // The door is closed while the call goes on.
            while TcpStream::connect(address).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            upstream.let_go();
        };
        tokio::join!(ending, release).0
    };
    let (answer, is_clean) =
        tokio::time::timeout(LIMIT, async { tokio::join!(call, end) }).await.unwrap();
    assert_eq!(answer.json()["result"]["content"][0]["text"], "done");
    assert!(is_clean);
}

#[tokio::test]
async fn a_call_that_hangs_is_cut_off_at_the_limit() {
    let upstream = Upstream::start().await;
    let limit = "server: { limits: { shutdown: 1s } }";
    let yaml = format!("{limit}\nservers: {{ up: {{ url: {} }} }}", upstream.url());
    let site = Site::start(&yaml).await;
    site.until(|ready| state(ready, "up") == "ready").await;
    let params = json!({ "name": "up__wait", "arguments": {} });
    let _open = Request::modern("/mcp", "tools/call", params).open(site.address()).await;
    upstream.until_waiting(1).await;
    let begun = Instant::now();
    site.running.shut_down().await;
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn streams_that_only_listen_do_not_hold_up_the_end() {
    let site = Site::start("").await;
    let greeting = json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": { "name": "test", "version": "1" },
        },
    });
    let opened = Request::post("/mcp", greeting.to_string()).send(site.address()).await;
    let session = opened.header("mcp-session-id").unwrap();
    let listen = Request::get("/mcp")
        .header("accept", "text/event-stream")
        .header("mcp-protocol-version", "2025-11-25")
        .header("mcp-session-id", session);
    let mut legacy = listen.open(site.address()).await;
    let filter = json!({ "notifications": { "toolsListChanged": true } });
    let modern = Request::modern("/mcp", "subscriptions/listen", filter);
    let mut modern = modern.open(site.address()).await;
    for stream in [&mut legacy, &mut modern] {
        let mut head = [0; 12];
        stream.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200");
    }
    let begun = Instant::now();
    assert!(site.running.shut_down().await);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    for stream in [&mut legacy, &mut modern] {
        let mut rest = String::new();
        tokio::time::timeout(LIMIT, stream.read_to_string(&mut rest)).await.unwrap().unwrap();
        assert!(rest.ends_with("0\r\n\r\n"), "the stream should end, not break: {rest:?}");
    }
}

#[tokio::test]
async fn idle_connections_are_closed_and_the_folder_is_free_again() {
    let site = Site::start("").await;
    let mut idle = Request::get("/health").open(site.address()).await;
    let mut head = [0; 12];
    idle.read_exact(&mut head).await.unwrap();
    let options = site.options();
    let data = site.data();
    assert!(data.join("gantry.sock").exists());
    assert!(site.running.shut_down().await);
    let mut rest = Vec::new();
    tokio::time::timeout(LIMIT, idle.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert!(!data.join("gantry.sock").exists());
    let again = gantry_server::Running::start(options).await.unwrap();
    assert!(again.shut_down().await);
}

#[tokio::test]
async fn a_second_gateway_on_the_same_folder_is_refused() {
    let site = Site::start("").await;
    let error = gantry_server::Running::start(site.options()).await.unwrap_err();
    assert_eq!(error.code(), gantry_core::ErrorCode::DataFolderLocked);
    assert_eq!(site.get("/health").await.status, 200, "the first one goes on");
}
