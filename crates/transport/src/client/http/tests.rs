//! The client side against a server whose every byte the test writes itself.

use std::future::Future;

use gantry_net::{Client, ClientConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const CALL: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add"}}"#;
const RESULT: &str = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
const STREAM: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

struct Server {
    listener: TcpListener,
}

/// A connection as the server sees it.
struct Peer {
    stream: TcpStream,
}

impl Server {
    async fn start() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    fn upstream_with(&self, configured: &HeaderMap, limits: HttpLimits) -> HttpUpstream {
        let url = format!("http://{}/mcp", self.listener.local_addr().unwrap());
        let target = Client::new(ClientConfig::default()).target(&url).unwrap();
        HttpUpstream::new(target, configured, limits).unwrap()
    }

    fn upstream(&self) -> HttpUpstream {
        self.upstream_with(&HeaderMap::new(), HttpLimits::default())
    }

    async fn accept(&self) -> Peer {
        Peer { stream: self.listener.accept().await.unwrap().0 }
    }

    /// Runs a call while the server answers its request with `reply`.
    async fn answer<T>(&self, call: impl Future<Output = T>, reply: &str) -> (T, String, Peer) {
        let served = async {
            let mut peer = self.accept().await;
            let request = peer.request().await;
            peer.write(reply).await;
            (request, peer)
        };
        let (outcome, (request, peer)) = tokio::join!(call, served);
        (outcome, request, peer)
    }
}

impl Peer {
    /// Reads one request and returns it.
    async fn request(&mut self) -> String {
        let mut bytes = Vec::new();
        loop {
            assert_ne!(self.stream.read_buf(&mut bytes).await.unwrap(), 0, "no request came");
            let text = String::from_utf8(bytes.clone()).unwrap();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text;
            }
        }
    }

    async fn write(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    async fn chunk(&mut self, text: &str) {
        self.write(&format!("{:x}\r\n{text}\r\n", text.len())).await;
    }

    /// Waits for the client to close the connection.
    async fn closed(mut self) {
        let mut byte = [0];
        assert!(matches!(self.stream.read(&mut byte).await, Ok(0) | Err(_)), "more came");
    }
}

fn json(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn post(upstream: &HttpUpstream) -> Result<Posted, HttpError> {
    upstream.post(Bytes::from_static(CALL), &McpHeaders::default(), None).await
}

fn events(posted: Posted) -> Box<EventStream> {
    match posted.kind {
        PostedKind::Stream(events) => events,
        other => panic!("expected a stream, got {other:?}"),
    }
}

async fn data(events: &mut EventStream) -> String {
    let event = events.next().await.unwrap().expect("the stream goes on");
    String::from_utf8(event.data.to_vec()).unwrap()
}

#[tokio::test]
async fn a_message_goes_out_with_its_headers_and_unchanged() {
    let server = Server::start().await;
    let mut configured = HeaderMap::new();
    configured.insert("authorization", HeaderValue::from_static("Bearer token"));
    configured.insert("user-agent", HeaderValue::from_static("custom"));
    let upstream = server.upstream_with(&configured, HttpLimits::default());
    let extra =
        [(HeaderName::from_static("mcp-param-region"), HeaderValue::from_static("eu-west"))];
    let headers = McpHeaders {
        protocol_version: Some("2026-07-28"),
        session_id: Some("s-1"),
        method: Some("tools/call"),
        name: Some("größe"),
        extra: &extra,
    };
    let call = upstream.post(Bytes::from_static(CALL), &headers, None);
    let (posted, request, _peer) = server.answer(call, &json("200 OK", RESULT)).await;

    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<&str> = head.lines().collect();
    assert_eq!(lines.remove(0), "POST /mcp HTTP/1.1");
    lines.sort_unstable();
    let host = format!("host: {}", upstream.authority());
    let length = format!("content-length: {}", CALL.len());
    assert_eq!(
        lines,
        [
            "accept: application/json, text/event-stream",
            "authorization: Bearer token",
            &length,
            "content-type: application/json",
            &host,
            "mcp-method: tools/call",
            "mcp-name: =?base64?Z3LDtsOfZQ==?=",
            "mcp-param-region: eu-west",
            "mcp-protocol-version: 2026-07-28",
            "mcp-session-id: s-1",
            "user-agent: custom",
        ]
    );
    assert_eq!(body.as_bytes(), CALL);
    assert!(matches!(posted.unwrap().kind, PostedKind::Json(bytes) if bytes == RESULT));
    assert!(!format!("{upstream:?}").contains("Bearer"), "configured headers are not shown");
}

#[tokio::test]
async fn content_types_are_told_apart_whatever_their_spelling() {
    for (content_type, wanted) in [
        ("application/json", "json"),
        ("Application/JSON;charset=utf-8", "json"),
        ("application/json ; a=b", "json"),
        ("text/event-stream; charset=utf-8", "stream"),
        ("TEXT/EVENT-STREAM", "stream"),
        ("application/jsonp", "other"),
        ("text/html", "other"),
        ("", "other"),
    ] {
        let server = Server::start().await;
        let upstream = server.upstream();
        let reply = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: 2\r\n\r\n{{}}"
        );
        let (posted, _, _peer) = server.answer(post(&upstream), &reply).await;
        let kind = match posted.unwrap().kind {
            PostedKind::Json(_) => "json",
            PostedKind::Stream(_) => "stream",
            PostedKind::Accepted => "accepted",
            PostedKind::Other { .. } => "other",
        };
        assert_eq!(kind, wanted, "{content_type}");
    }
}

#[tokio::test]
async fn an_error_status_keeps_its_message_and_headers() {
    let server = Server::start().await;
    let upstream = server.upstream();
    let body = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"unknown"}}"#;
    let (posted, _, _peer) = server.answer(post(&upstream), &json("404 Not Found", body)).await;
    let posted = posted.unwrap();
    assert_eq!(posted.status, StatusCode::NOT_FOUND);
    assert!(matches!(posted.kind, PostedKind::Json(bytes) if bytes == body));

    let server = Server::start().await;
    let reply = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"a\"\r\n\
                 WWW-Authenticate: DPoP\r\nRetry-After: 7\r\nMcp-Session-Id: abc\r\n\
                 Location: /login\r\nContent-Type: text/html\r\nContent-Length: 3\r\n\r\n<p>";
    let upstream = server.upstream();
    let (posted, _, _peer) = server.answer(post(&upstream), reply).await;
    let posted = posted.unwrap();
    assert_eq!(posted.challenges().collect::<Vec<_>>(), ["Bearer realm=\"a\"", "DPoP"]);
    assert_eq!(posted.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!((posted.session_id(), posted.location()), (Some("abc"), Some("/login")));
    let PostedKind::Other { content_type, body } = posted.kind else { panic!("{posted:?}") };
    assert_eq!((content_type.as_str(), &body[..]), ("text/html", &b"<p>"[..]));
}

#[tokio::test]
async fn accepted_is_accepted_with_or_without_a_word() {
    for reply in [
        "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\nnull",
        "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ] {
        let server = Server::start().await;
        let upstream = server.upstream();
        let (posted, _, mut peer) = server.answer(post(&upstream), reply).await;
        let posted = posted.unwrap();
        assert!(matches!(posted.kind, PostedKind::Accepted), "{reply}: {posted:?}");
        // The connection serves the next message.
        let again = json("200 OK", RESULT);
        let (posted, ()) = tokio::join!(post(&upstream), async {
            peer.request().await;
            peer.write(&again).await;
        });
        assert!(matches!(posted.unwrap().kind, PostedKind::Json(_)));
    }
}

#[tokio::test]
async fn events_are_whole_wherever_the_bytes_are_split() {
    let first = format!(": comment\n\nid: 1\nretry: 250\ndata: \n\nid: 2\ndata: {RESULT}\n\n");
    let wire = format!("{first}event: message\r\ndata: a\r\ndata: b\r\n\r\n");
    for size in [1, 2, 3, 7, 50, wire.len()] {
        let server = Server::start().await;
        let upstream = server.upstream();
        let (posted, _, mut peer) = server.answer(post(&upstream), STREAM).await;
        let mut events = events(posted.unwrap());
        let served = async {
            for piece in wire.as_bytes().chunks(size) {
                peer.chunk(std::str::from_utf8(piece).unwrap()).await;
                tokio::task::yield_now().await;
            }
            peer.write("0\r\n\r\n").await;
        };
        let read = async {
            assert_eq!(data(&mut events).await, RESULT);
            assert_eq!(events.last_event_id(), Some("2"));
            assert_eq!(events.retry(), Some(Duration::from_millis(250)));
            assert_eq!(data(&mut events).await, "a\nb");
            assert!(events.next().await.unwrap().is_none());
            assert!(events.next().await.unwrap().is_none());
        };
        tokio::join!(served, read);
    }
}

#[tokio::test]
async fn a_stream_that_is_cut_says_so_and_where() {
    let server = Server::start().await;
    let upstream = server.upstream();
    let (posted, _, mut peer) = server.answer(post(&upstream), STREAM).await;
    let mut events = events(posted.unwrap());
    peer.chunk("id: e9\ndata: one\n\nid: e10\ndata: tw").await;
    drop(peer);
    assert_eq!(data(&mut events).await, "one");
    let error = events.next().await.unwrap_err();
    assert!(matches!(error, StreamError::Cut { .. }), "{error}");
    assert_eq!(events.last_event_id(), Some("e9"));
    assert!(events.next().await.unwrap().is_none());
}

#[tokio::test]
async fn an_event_that_is_too_large_does_not_end_the_stream() {
    let server = Server::start().await;
    let limits = HttpLimits { message: 100, ..HttpLimits::default() };
    let upstream = server.upstream_with(&HeaderMap::new(), limits);
    let (posted, _, mut peer) = server.answer(post(&upstream), STREAM).await;
    let mut events = events(posted.unwrap());
    peer.chunk(&format!("data: {}\n\ndata: small\n\n", "x".repeat(200))).await;
    let error = events.next().await.unwrap_err();
    assert!(matches!(error, StreamError::TooLarge { limit: 100 }), "{error}");
    assert_eq!(data(&mut events).await, "small");
}

#[tokio::test]
async fn a_json_answer_that_is_too_large_is_refused() {
    let server = Server::start().await;
    let limits = HttpLimits { message: 10, ..HttpLimits::default() };
    let upstream = server.upstream_with(&HeaderMap::new(), limits);
    let (posted, _, peer) = server.answer(post(&upstream), &json("200 OK", RESULT)).await;
    let error = posted.unwrap_err();
    let too_large =
        matches!(error, HttpError::Body { source: BodyError::TooLarge { limit: 10 }, .. });
    assert!(too_large && !error.is_unsent(), "{error:?}");
    peer.closed().await;
}

#[tokio::test]
async fn of_another_body_only_the_beginning_is_kept() {
    let server = Server::start().await;
    let upstream = server.upstream();
    let page = "x".repeat(100_000);
    let reply = format!("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 100000\r\n\r\n{page}");
    let (posted, _, _peer) = server.answer(post(&upstream), &reply).await;
    let PostedKind::Other { body, .. } = posted.unwrap().kind else { panic!("no other") };
    assert_eq!(body.len(), 64 * 1024);
}

#[tokio::test]
async fn dropping_a_stream_closes_its_connection() {
    let server = Server::start().await;
    let upstream = server.upstream();
    let (posted, _, mut peer) = server.answer(post(&upstream), STREAM).await;
    let mut events = events(posted.unwrap());
    peer.chunk("data: one\n\n").await;
    assert_eq!(data(&mut events).await, "one");
    drop(events);
    peer.closed().await;
}

#[tokio::test]
async fn a_stream_that_the_upstream_ends_gives_its_connection_back() {
    let server = Server::start().await;
    let upstream = server.upstream();
    let (posted, _, mut peer) = server.answer(post(&upstream), STREAM).await;
    let mut events = events(posted.unwrap());
    peer.chunk(&format!("data: {RESULT}\n\n")).await;
    assert_eq!(data(&mut events).await, RESULT);
    tokio::join!(events.finish(Duration::from_secs(5)), peer.write("0\r\n\r\n"));

    let again = json("200 OK", RESULT);
    let (posted, ()) = tokio::join!(post(&upstream), async {
        peer.request().await;
        peer.write(&again).await;
    });
    assert!(matches!(posted.unwrap().kind, PostedKind::Json(_)));
}

#[tokio::test]
async fn a_stream_is_opened_and_resumed_by_get() {
    let server = Server::start().await;
    let upstream = server.upstream();
    let headers = McpHeaders { session_id: Some("s"), ..McpHeaders::default() };
    let call = upstream.open_stream(&headers, Some("e7"), None);
    let (events, request, mut peer) = server.answer(call, STREAM).await;
    assert!(request.starts_with("GET /mcp HTTP/1.1\r\n"), "{request}");
    for line in ["accept: text/event-stream\r\n", "last-event-id: e7\r\n", "mcp-session-id: s\r\n"]
    {
        assert!(request.contains(line), "{request}");
    }
    assert!(!request.contains("content-"), "{request}");
    let mut events = events.unwrap();
    assert_eq!(events.last_event_id(), Some("e7"));
    peer.chunk("id: e8\ndata: x\n\n").await;
    assert_eq!(data(&mut events).await, "x");
    assert_eq!(events.last_event_id(), Some("e8"));
}

#[tokio::test]
async fn a_server_without_a_stream_is_told_by_its_status() {
    let server = Server::start().await;
    let upstream = server.upstream();
    let reply = "HTTP/1.1 405 Method Not Allowed\r\nAllow: POST\r\nContent-Length: 0\r\n\r\n";
    let headers = McpHeaders::default();
    let (outcome, _, _peer) =
        server.answer(upstream.open_stream(&headers, None, None), reply).await;
    let HttpError::NoStream { answer } = outcome.unwrap_err() else { panic!("not refused") };
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_session_is_ended_by_delete() {
    let server = Server::start().await;
    let upstream = server.upstream();
    let headers = McpHeaders { session_id: Some("s"), ..McpHeaders::default() };
    let reply = "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n";
    let (status, request, _peer) = server.answer(upstream.delete(&headers, None), reply).await;
    assert_eq!(status.unwrap(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(request.starts_with("DELETE /mcp HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("mcp-session-id: s\r\n"), "{request}");
}

#[tokio::test]
async fn a_slow_head_ends_at_the_limit_of_the_call() {
    let server = Server::start().await;
    let upstream = server.upstream();
    let limit = Some(Duration::from_millis(50));
    let headers = McpHeaders::default();
    let call = upstream.post(Bytes::from_static(CALL), &headers, limit);
    let (outcome, _, peer) = server.answer(call, "").await;
    let error = outcome.unwrap_err();
    assert!(matches!(error, HttpError::Request { .. }) && !error.is_unsent(), "{error:?}");
    peer.closed().await;
}

#[tokio::test]
async fn a_silent_stream_ends_at_its_limit() {
    let server = Server::start().await;
    let limits =
        HttpLimits { stream_idle: Some(Duration::from_millis(50)), ..HttpLimits::default() };
    let upstream = server.upstream_with(&HeaderMap::new(), limits);
    let (posted, _, peer) = server.answer(post(&upstream), STREAM).await;
    let error = events(posted.unwrap()).next().await.unwrap_err();
    assert!(matches!(error, StreamError::Idle { .. }), "{error}");
    peer.closed().await;
}

#[tokio::test]
async fn a_call_can_be_waited_for_in_turns() {
    let server = Server::start().await;
    let upstream = server.upstream();
    let (posted, _, mut peer) = server.answer(post(&upstream), STREAM).await;
    let mut events = events(posted.unwrap());
    for piece in ["data: o", "ne\n", "\n"] {
        peer.chunk(piece).await;
        // Each wait is given up after what has come was taken in; nothing of it is lost.
        tokio::select! {
            biased;
            event = events.next() => {
                assert_eq!(event.unwrap().unwrap().data, "one");
                return;
            }
            () = tokio::task::yield_now() => {}
        }
    }
    assert_eq!(data(&mut events).await, "one");
}

#[test]
fn headers_of_ours_cannot_be_configured() {
    for name in ["accept", "content-length", "mcp-session-id", "connection"] {
        let target = Client::new(ClientConfig::default()).target("http://example.com/mcp").unwrap();
        let mut configured = HeaderMap::new();
        configured.insert(HeaderName::from_static(name), HeaderValue::from_static("x"));
        let error = HttpUpstream::new(target, &configured, HttpLimits::default()).unwrap_err();
        assert!(matches!(error, HttpError::Reserved { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_value_that_no_header_can_carry_is_refused_before_sending() {
    let server = Server::start().await;
    let upstream = server.upstream();
    let headers = McpHeaders { session_id: Some("a\r\nb"), ..McpHeaders::default() };
    let error = upstream.post(Bytes::new(), &headers, None).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the header `mcp-session-id` cannot carry the value given for it"
    );
    assert!(error.is_unsent());
}
