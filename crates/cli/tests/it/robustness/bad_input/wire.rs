//! The same below MCP: hosts, headers, methods, and bytes that are no HTTP.

use std::{fmt::Write as _, time::Duration};

use super::{
    super::raw_http::{closes_within, exchange},
    call, end, start,
};
use crate::support::{client::MODERN, gantry::Gantry};

fn post(host: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST /mcp HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
    .into_bytes()
}

/// The gateway's own host and port.
fn host_of(gantry: &Gantry) -> String {
    gantry.url("").trim_start_matches("http://").to_owned()
}

/// The headers of a good call.
fn headers() -> String {
    format!("MCP-Protocol-Version: {MODERN}\r\nMcp-Method: tools/call\r\nMcp-Name: good__good\r\n")
}

#[tokio::test]
async fn hosts_and_headers_that_no_client_would_send_are_refused() {
    let (gantry, _good, bystander) = start().await;
    let (own, good) = (host_of(&gantry), headers());
    let body = call(r#""name":"good__good""#);
    let answer = exchange(&gantry, &post(&own, &good, &body)).await;
    assert_eq!(answer.status, 200, "what the others differ from: {answer:?}");

    for host in
        ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "[::1", "a b"]
    {
        let answer = exchange(&gantry, &post(host, &good, &body)).await;
        assert!(matches!(answer.status, 400 | 403), "{host}: {answer:?}");
    }
    let mut long = String::new();
    for number in 0..40 {
        let _ = write!(long, "X-Long-{number}: {}\r\n", "x".repeat(4000));
    }
    let many: String = (0..2000).fold(String::new(), |mut all, number| {
        let _ = write!(all, "X-{number}: y\r\n");
        all
    });
    for (what, headers) in [("long headers", &long), ("many headers", &many)] {
        let answer = exchange(&gantry, &post(&own, &format!("{good}{headers}"), &body)).await;
        assert_eq!(answer.status, 431, "{what}: {answer:?}");
    }
    let twice = format!("{good}Host: {own}\r\n");
    assert_eq!(exchange(&gantry, &post(&own, &twice, &body)).await.status, 400);
    let twice = format!("{good}Mcp-Name: good__good\r\n");
    let answer = exchange(&gantry, &post(&own, &twice, &body)).await;
    assert_eq!((answer.status, answer.code()), (400, Some(-32020)), "{answer:?}");
    end(gantry, bystander).await;
}

#[tokio::test]
async fn methods_and_bytes_that_are_no_request_are_refused_or_closed() {
    let (gantry, _good, bystander) = start().await;
    let own = host_of(&gantry);
    for verb in ["PUT", "PATCH", "TRACE", "CONNECT", "NONSENSE"] {
        let request = format!("{verb} /mcp HTTP/1.1\r\nHost: {own}\r\nContent-Length: 0\r\n\r\n");
        let answer = exchange(&gantry, request.as_bytes()).await;
        assert!(matches!(answer.status, 400 | 404 | 405 | 501), "{verb}: {answer:?}");
        assert!(answer.status != 405 || answer.head.contains("\r\nallow:"), "{verb}: {answer:?}");
    }
    for verb in ["GET", "DELETE"] {
        let request =
            format!("{verb} /mcp HTTP/1.1\r\nHost: {own}\r\nAccept: text/event-stream\r\n\r\n");
        let answer = exchange(&gantry, request.as_bytes()).await;
        assert_eq!(answer.status, 405, "{verb}: {answer:?}");
        assert!(answer.head.contains("\r\nallow: post"), "{verb}: {answer:?}");
    }
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let answer = exchange(&gantry, garbage).await;
        assert!(
            matches!(answer.status, 0 | 400 | 403 | 404 | 405 | 505),
            "{garbage:?}: {answer:?}"
        );
    }
    end(gantry, bystander).await;
}

#[tokio::test]
async fn bodies_that_are_too_large_or_never_end_are_given_up() {
    let (gantry, _good, bystander) = start().await;
    let (own, headers) = (host_of(&gantry), headers());
    let large =
        call(&format!(r#""name":"good__good","arguments":{{"a":"{}"}}"#, "x".repeat(20_000_000)));
    let answer = exchange(&gantry, &post(&own, &headers, &large)).await;
    assert_eq!(answer.status, 413, "{answer:?}");
    assert!(answer.body.contains("limits.body") || answer.body.contains("bytes"), "{answer:?}");
    let mut chunked = format!("POST /mcp HTTP/1.1\r\nHost: {own}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n{headers}\r\n").into_bytes();
    for piece in large.as_bytes().chunks(64 * 1024) {
        chunked.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        chunked.extend_from_slice(piece);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let answer = exchange(&gantry, &chunked).await;
    assert_eq!(answer.status, 413, "{answer:?}");

    // `request_timeout` is a second here.
    let limit = Duration::from_secs(10);
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: {own}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n{headers}\r\n{{"
    );
    assert!(closes_within(&gantry, head.as_bytes(), limit).await, "a body that never ends");
    let half = format!("POST /mcp HTTP/1.1\r\nHost: {own}\r\nConte");
    assert!(closes_within(&gantry, half.as_bytes(), limit).await, "headers that never end");
    end(gantry, bystander).await;
}
