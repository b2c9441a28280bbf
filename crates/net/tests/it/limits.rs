//! Limits on size and time, and answers that are none.

use std::time::Duration;

use bytes::Bytes;
use gantry_net::{BodyError, Client, ClientConfig, Error, Limits, Phase};
use http::{HeaderMap, Method};

use crate::server::{Reply, Server, ok};
use crate::{client, post, send, text};

const SOON: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_body_larger_than_the_limit_is_refused_by_its_length() {
    let server =
        Server::start(|_| Reply::Hang("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n".to_owned()))
            .await;
    let target = client().target(&server.url()).unwrap();
    let body = post(&target, "").await.unwrap().into_body();
    let error = body.collect(100).await.unwrap_err();
    assert!(matches!(error, BodyError::TooLarge { limit: 100 }), "{error}");
    server.closed(1).await;
}

#[tokio::test]
async fn a_body_larger_than_the_limit_is_refused_as_it_comes() {
    let server = Server::start(|_| {
        let chunk = format!("64\r\n{}\r\n", "x".repeat(100));
        Reply::Hang(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}{chunk}"))
    })
    .await;
    let target = client().target(&server.url()).unwrap();
    for limit in [99, 150] {
        let error = post(&target, "").await.unwrap().into_body().collect(limit).await.unwrap_err();
        assert!(matches!(error, BodyError::TooLarge { .. }), "{error}");
    }
    server.closed(2).await;
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_passes_whatever_its_size() {
    for size in [0, 1, 300, 20_000, 1_000_000] {
        let server = Server::start(move |_| Reply::Send(ok(&"x".repeat(size)))).await;
        let target = client().target(&server.url()).unwrap();
        for _ in 0..3 {
            let body = post(&target, "").await.unwrap().into_body();
            assert_eq!(body.collect(size).await.unwrap().len(), size);
        }
        assert_eq!(server.n_connections(), 1);
    }
}

#[tokio::test]
async fn a_large_request_arrives_whole() {
    let server = Server::start(|seen| Reply::Send(ok(&seen.body.len().to_string()))).await;
    let target = client().target(&server.url()).unwrap();
    let body = Bytes::from(vec![b'x'; 5_000_000]);
    for _ in 0..2 {
        let response =
            target.send(Method::POST, HeaderMap::new(), body.clone(), Limits::default()).await;
        assert_eq!(text(response.unwrap()).await, "5000000");
    }
    assert_eq!(server.n_connections(), 1);
}

#[tokio::test]
async fn the_beginning_of_a_body_can_be_enough() {
    let server = Server::start(|_| Reply::Send(ok("0123456789"))).await;
    let target = client().target(&server.url()).unwrap();
    let body = post(&target, "").await.unwrap().into_body();
    assert_eq!(body.collect_prefix(4).await.unwrap(), (Bytes::from("0123"), false));
    let body = post(&target, "").await.unwrap().into_body();
    assert_eq!(body.collect_prefix(10).await.unwrap(), (Bytes::from("0123456789"), true));
}

#[tokio::test]
async fn a_slow_answer_ends_at_the_limit_and_is_not_retried() {
    let server = Server::start(|_| Reply::Hang(String::new())).await;
    let target = client().target(&server.url()).unwrap();
    let limits = Limits { head: Some(SOON), ..Limits::default() };
    let error = send(&target, Method::POST, "", limits).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { phase: Phase::Head, .. }), "{error}");
    assert!(!error.is_unsent());
    let wanted = format!("{} exceeded the limit of 50ms to answer", server.address);
    assert_eq!(error.to_string(), wanted);
    server.closed(1).await;
}

#[tokio::test]
async fn a_body_that_stands_still_ends_at_the_limit() {
    let server = Server::start(|_| {
        Reply::Hang("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc".to_owned())
    })
    .await;
    let target = client().target(&server.url()).unwrap();
    let limits = Limits { body_idle: Some(SOON), ..Limits::default() };
    let body = send(&target, Method::POST, "", limits).await.unwrap().into_body();
    let error = body.collect(100).await.unwrap_err();
    assert!(matches!(error, BodyError::Idle { .. }), "{error}");
    server.closed(1).await;
}

#[tokio::test]
async fn a_body_cut_short_is_an_error() {
    for head in ["Content-Length: 9\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n9\r\nabc"] {
        let server =
            Server::start(move |_| Reply::SendAndClose(format!("HTTP/1.1 200 OK\r\n{head}"))).await;
        let target = client().target(&server.url()).unwrap();
        let body = post(&target, "").await.unwrap().into_body();
        let error = body.collect(100).await.unwrap_err();
        assert!(matches!(error, BodyError::Cut { .. }), "{error}");
        assert_eq!(target.idle_connections(), 0);
    }
}

#[tokio::test]
async fn a_body_without_length_ends_with_its_connection() {
    let server = Server::start(|_| Reply::SendAndClose("HTTP/1.0 200 OK\r\n\r\nabc".into())).await;
    let target = client().target(&server.url()).unwrap();
    assert_eq!(text(post(&target, "").await.unwrap()).await, "abc");
    assert_eq!(target.idle_connections(), 0);
}

#[tokio::test]
async fn rubbish_and_endless_heads_are_malformed() {
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}\r\n", "x".repeat(200_000));
    for reply in ["220 smtp.example.com ESMTP\r\n\r\n".to_owned(), endless] {
        let server = Server::start(move |_| Reply::Hang(reply.clone())).await;
        let target = client().target(&server.url()).unwrap();
        let error = post(&target, "").await.unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
        assert!(!error.is_unsent());
    }
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_named() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let target = client().target(&format!("http://{address}/mcp")).unwrap();
    let error = post(&target, "").await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot connect to {address}"));
    assert!(error.is_unsent());
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_named() {
    let target = client().target("http://nobody.invalid/mcp").unwrap();
    let error = post(&target, "").await.unwrap_err();
    assert!(matches!(error, Error::Dns { .. }), "{error:?}");
    assert!(error.is_unsent());
}

#[tokio::test]
async fn a_connection_that_is_never_made_ends_at_the_limit() {
    // A listener whose queue is full answers nobody.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(stream) = tokio::time::timeout(SOON, tokio::net::TcpStream::connect(address)).await
    {
        queue.push(stream.unwrap());
    }
    let config = ClientConfig { connect_timeout: SOON, ..ClientConfig::default() };
    let target = Client::new(config).target(&format!("http://{address}/")).unwrap();
    let error = post(&target, "").await.unwrap_err();
    assert!(matches!(error, Error::Timeout { phase: Phase::Connect, .. }), "{error:?}");
    assert!(error.is_unsent());
}
