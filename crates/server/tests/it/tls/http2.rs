//! HTTP/2 over TLS: agreed on in the handshake, and bounded.

use serde_json::Value;

use super::*;
use crate::support::state;
use crate::support::upstream::Upstream;

async fn site_with_upstream(folder: &Path) -> (Site, Upstream) {
    let upstream = Upstream::start().await;
    let server = format!("server: {{ {} }}", https(folder, ""));
    let site =
        Site::start(&format!("{server}\nservers: {{ up: {{ url: {} }} }}", upstream.url())).await;
    site.until(|ready| state(ready, "up") == "ready").await;
    (site, upstream)
}

/// What curl needs to make a modern request.
fn modern(method: &str, name: Option<&str>, mut params: Value) -> Vec<String> {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let mut headers = vec![
        "content-type: application/json".to_owned(),
        "accept: application/json, text/event-stream".to_owned(),
        "mcp-protocol-version: 2026-07-28".to_owned(),
        format!("mcp-method: {method}"),
    ];
    headers.extend(name.map(|name| format!("mcp-name: {name}")));
    let mut arguments: Vec<_> =
        headers.into_iter().flat_map(|header| ["--header".to_owned(), header]).collect();
    arguments.extend(["--data".to_owned(), message.to_string()]);
    arguments
}

async fn ask(folder: &Path, port: u16, arguments: &[String], more: &[&str]) -> String {
    let url = format!("https://localhost:{port}/mcp");
    let mut all: Vec<&str> = arguments.iter().map(String::as_str).collect();
    all.extend(more);
    all.push(&url);
    curl(folder, &all).await.unwrap()
}

#[tokio::test]
async fn calls_and_streams_work_in_both_versions_of_http() {
    let (folder, _) = folder_with_pair();
    let (site, _upstream) = site_with_upstream(folder.path()).await;
    let params = json!({ "name": "up__echo", "arguments": { "text": "hello" } });
    let call = modern("tools/call", Some("up__echo"), params);
    for (flag, version) in [("--http2", "HTTP/2"), ("--http1.1", "HTTP/1.1")] {
        let answer = ask(folder.path(), port(&site), &call, &[flag]).await;
        assert!(answer.contains(r#""text":"hello""#), "{answer}");
        assert!(answer.ends_with(&format!("200 {version}")), "{answer}");
    }
    // A stream that only listens goes on until it is told that the gateway ends.
    let listen = modern(
        "subscriptions/listen",
        None,
        json!({ "notifications": { "toolsListChanged": true } }),
    );
    let stream = ask(folder.path(), port(&site), &listen, &["--http2", "--no-buffer"]);
    let ending = async {
        until("the stream is open", async || {
            let metrics = site.get("/metrics").await.body;
            metrics.contains("gantry_streams 1\n").then_some(())
        })
        .await;
        site.running.reload().await;
    };
    let mut stream = std::pin::pin!(stream);
    tokio::select! {
        ended = &mut stream => panic!("it should go on: {ended}"),
        () = ending => {}
    }
    let (ended, is_clean) = tokio::join!(stream, site.running.shut_down());
    assert!(is_clean);
    assert!(ended.ends_with("200 HTTP/2") && ended.contains("data:"), "{ended}");
}

#[tokio::test]
async fn a_call_under_way_is_answered_before_the_end() {
    let (folder, _) = folder_with_pair();
    let (site, upstream) = site_with_upstream(folder.path()).await;
    let params = json!({ "name": "up__wait", "arguments": {} });
    let call = modern("tools/call", Some("up__wait"), params);
    let asked = ask(folder.path(), port(&site), &call, &["--http2"]);
    let mut asked = std::pin::pin!(asked);
    tokio::select! {
        answer = &mut asked => panic!("it should wait: {answer}"),
        () = upstream.until_waiting(1) => {}
    }
    let address = site.address();
    let release = async {
        until("the door is closed", async || {
            TcpStream::connect(address).await.is_err().then_some(())
        })
        .await;
        upstream.let_go();
    };
    let (answer, is_clean, ()) = tokio::join!(asked, site.running.shut_down(), release);
    assert!(answer.contains("done") && answer.ends_with("200 HTTP/2"), "{answer}");
    assert!(is_clean);
}

#[tokio::test]
async fn heads_have_limits_in_http2_too() {
    let (folder, _) = folder_with_pair();
    let limits = "limits: { header: 8KiB }";
    let site = Site::start(&format!("server: {{ {}, {limits} }}", https(folder.path(), ""))).await;
    let url = format!("https://localhost:{}/health", port(&site));
    let long = format!("x-long: {}", "x".repeat(20_000));
    let answer = curl(folder.path(), &["--http2", "--header", &long, &url]).await;
    // It is refused on its stream or with the connection; in neither way is it answered.
    assert!(!answer.is_ok_and(|answer| answer.ends_with("200 HTTP/2")));
    assert!(curl(folder.path(), &[&url]).await.unwrap().ends_with("200 HTTP/2"));
}
