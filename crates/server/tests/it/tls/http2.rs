//! HTTP/2 over TLS: agreed on in the handshake, and bounded.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

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

/// A connection of a client that knows nothing but HTTP/2.
struct Connection {
    sender: http2::SendRequest<Empty<Bytes>>,
    /// Ends when the connection is closed.
    open: JoinHandle<hyper::Result<()>>,
}

impl Connection {
    #[expect(clippy::disallowed_methods, reason = "the client of a test, which ends with it")]
    async fn open(folder: &Path, site: &Site) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(folder.join("ca.pem")).unwrap() {
            roots.add(certificate.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let stream = TcpStream::connect(("127.0.0.1", port(site))).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        let io = TokioIo::new(stream);
        let (sender, open) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
        Self { sender, open: tokio::spawn(open) }
    }

    /// Asks for `/health`; `None` once the connection takes no more requests.
    async fn ask(&mut self) -> Option<StatusCode> {
        self.sender.ready().await.ok()?;
        let request = http::Request::get("https://localhost/health").body(Empty::new()).unwrap();
        self.sender.send_request(request).await.ok().map(|answer| answer.status())
    }

    async fn until_closed(self) {
        let closed = tokio::time::timeout(LIMIT, self.open).await;
        closed.expect("it should be closed").unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_connection_has_so_many_requests() {
    const MOST: usize = 3;
    let (folder, _) = folder_with_pair();
    let limits = format!("connections: {{ max_requests: {MOST} }}");
    let site = Site::start(&format!("server: {{ {}, {limits} }}", https(folder.path(), ""))).await;
    let mut connection = Connection::open(folder.path(), &site).await;
    let mut n_answered = 0;
    while let Some(status) = connection.ask().await {
        assert_eq!(status, StatusCode::OK);
        n_answered += 1;
        // The farewell comes while the last one is answered, so that one more may be on its way.
        assert!(n_answered <= MOST + 2, "it goes on and on");
    }
    assert!(n_answered >= MOST, "only {n_answered} were answered");
    connection.until_closed().await;
    let mut other = Connection::open(folder.path(), &site).await;
    assert_eq!(other.ask().await, Some(StatusCode::OK), "another one is opened as ever");
}

#[tokio::test]
async fn a_connection_on_which_nothing_happens_is_closed() {
    const KEPT: Duration = Duration::from_secs(1);
    let (folder, _) = folder_with_pair();
    let limits = "connections: { keep_alive: 1s }";
    let site = Site::start(&format!("server: {{ {}, {limits} }}", https(folder.path(), ""))).await;
    let mut connection = Connection::open(folder.path(), &site).await;
    let begun = Instant::now();
    assert_eq!(connection.ask().await, Some(StatusCode::OK));
    connection.until_closed().await;
    assert!(begun.elapsed() >= KEPT, "it was kept for {:?} only", begun.elapsed());
}
