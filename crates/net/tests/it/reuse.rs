//! When a connection is used again, and when a request is sent again.

use std::time::Duration;

use futures_util::future::join_all;
use gantry_net::{ClientConfig, Error, Limits};
use http::{Method, StatusCode};

use crate::server::{Reply, Server, ok};
use crate::{client, post, send, text};

#[tokio::test]
async fn requests_one_after_the_other_share_a_connection() {
    let server =
        Server::start(|seen| Reply::Send(ok(&format!("{}:{}", seen.request, seen.body)))).await;
    let target = client().target(&server.url()).unwrap();

    for number in 0..5 {
        let response = post(&target, "hello").await.unwrap();
        assert_eq!(text(response).await, format!("{number}:hello"));
    }
    assert_eq!(server.n_connections(), 1);
    assert_eq!(target.idle_connections(), 1);
}

#[tokio::test]
async fn the_request_is_what_was_asked_for() {
    let server = Server::start(|seen| Reply::Send(ok(&seen.head))).await;
    let target = client().target(&format!("http://{}/a%20b?q=1#x", server.address)).unwrap();

    let head = text(post(&target, "12345").await.unwrap()).await;
    let lines: Vec<&str> = head.lines().collect();
    assert_eq!(lines[0], "post /a%20b?q=1 http/1.1");
    assert!(lines.contains(&format!("host: {}", server.address).as_str()), "{head}");
    assert!(lines.contains(&"content-length: 5"), "{head}");

    let other = target.with_path("/other").unwrap();
    let head = text(send(&other, Method::GET, "", Limits::default()).await.unwrap()).await;
    assert!(head.starts_with("get /other http/1.1"), "{head}");
    assert_eq!(server.n_connections(), 1);
}

#[tokio::test]
async fn targets_of_one_authority_share_connections() {
    let server = Server::start(|_| Reply::Send(ok("x"))).await;
    let client = client();
    let targets = ["a", "b", "a"]
        .map(|path| client.target(&format!("http://{}/{path}", server.address)).unwrap());
    for target in &targets {
        text(post(target, "").await.unwrap()).await;
    }
    assert_eq!(server.n_connections(), 1);
}

#[tokio::test]
async fn thirty_two_at_once_open_thirty_two_connections_and_keep_them() {
    let server = Server::start(|seen| Reply::Send(ok(&seen.body))).await;
    let target = client().target(&server.url()).unwrap();

    for _ in 0..10 {
        let calls = (0..32).map(|_| async { text(post(&target, "x").await.unwrap()).await });
        assert_eq!(join_all(calls).await, vec!["x"; 32]);
    }
    assert!(server.n_connections() <= 32, "{}", server.n_connections());
    assert_eq!(server.n_requests(), 320);
    assert_eq!(target.idle_connections(), server.n_connections());
}

#[tokio::test]
async fn idle_connections_are_bounded() {
    let server = Server::start(|_| Reply::Send(ok(""))).await;
    let config = ClientConfig { max_idle_per_host: 3, ..ClientConfig::default() };
    let target = gantry_net::Client::new(config).target(&server.url()).unwrap();

    let responses = join_all((0..8).map(|_| post(&target, ""))).await;
    assert!(responses.iter().all(Result::is_ok));
    assert_eq!(target.idle_connections(), 3);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_while_idle_is_replaced() {
    let server = Server::start(|seen| Reply::SendAndClose(ok(&seen.connection.to_string()))).await;
    let target = client().target(&server.url()).unwrap();

    for number in 0..3 {
        assert_eq!(text(post(&target, "").await.unwrap()).await, number.to_string());
        server.closed(number + 1).await;
    }
    assert_eq!(server.n_requests(), 3);
}

#[tokio::test]
async fn a_request_that_was_received_is_never_sent_again() {
    let server = Server::start(|seen| match seen.request {
        0 => Reply::Send(ok("first")),
        _ => Reply::Close,
    })
    .await;
    let target = client().target(&server.url()).unwrap();

    assert_eq!(text(post(&target, "").await.unwrap()).await, "first");
    let error = post(&target, "second").await.unwrap_err();
    assert!(matches!(error, Error::Closed { .. }), "{error:?}");
    assert!(!error.is_unsent());
    assert_eq!((server.n_connections(), server.n_requests()), (1, 2));
}

#[tokio::test]
async fn a_connection_idle_for_too_long_is_not_used_again() {
    let server = Server::start(|seen| Reply::Send(ok(&seen.connection.to_string()))).await;
    let target = client().target(&server.url()).unwrap();

    assert_eq!(text(post(&target, "").await.unwrap()).await, "0");
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(3900)).await;
    tokio::time::resume();
    assert_eq!(text(post(&target, "").await.unwrap()).await, "0");
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(4100)).await;
    tokio::time::resume();
    assert_eq!(text(post(&target, "").await.unwrap()).await, "1");
}

#[tokio::test]
async fn a_sweep_closes_what_is_too_old() {
    let server = Server::start(|_| Reply::Send(ok(""))).await;
    let client = client();
    let target = client.target(&server.url()).unwrap();

    post(&target, "").await.unwrap();
    client.sweep();
    assert_eq!(target.idle_connections(), 1);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(5)).await;
    tokio::time::resume();
    client.sweep();
    assert_eq!(target.idle_connections(), 0);
    server.closed(1).await;
}

#[tokio::test]
async fn a_server_that_keeps_connections_for_less_is_believed() {
    let server = Server::start(|_| {
        let head = "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1, max=9\r\nContent-Length: 0\r\n\r\n";
        Reply::Send(head.to_owned())
    })
    .await;
    let target = client().target(&server.url()).unwrap();
    post(&target, "").await.unwrap();
    assert_eq!(target.idle_connections(), 0);
}

#[tokio::test]
async fn a_connection_marked_for_closing_is_not_kept() {
    let server = Server::start(|_| {
        Reply::SendAndClose(
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok".to_owned(),
        )
    })
    .await;
    let target = client().target(&server.url()).unwrap();
    assert_eq!(text(post(&target, "").await.unwrap()).await, "ok");
    assert_eq!(target.idle_connections(), 0);
}

#[tokio::test]
async fn answers_without_a_body_free_the_connection_at_once() {
    let server = Server::start(|seen| {
        Reply::Send(if seen.head.starts_with("head") {
            "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n".to_owned()
        } else {
            "HTTP/1.1 204 No Content\r\n\r\n".to_owned()
        })
    })
    .await;
    let target = client().target(&server.url()).unwrap();

    for method in [Method::HEAD, Method::DELETE, Method::HEAD] {
        let response = send(&target, method, "", Limits::default()).await.unwrap();
        assert_eq!(target.idle_connections(), 1, "freed before the body was asked for");
        assert_eq!(response.into_body().collect(0).await.unwrap(), "");
    }
    assert_eq!(server.n_connections(), 1);
}

#[tokio::test]
async fn a_chunked_answer_is_put_together_and_the_connection_kept() {
    let server = Server::start(|_| {
        Reply::Send(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
             3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\nTrailer: x\r\n\r\n"
                .to_owned(),
        )
    })
    .await;
    let target = client().target(&server.url()).unwrap();
    for _ in 0..2 {
        assert_eq!(text(post(&target, "").await.unwrap()).await, "abcde");
    }
    assert_eq!(server.n_connections(), 1);
}

#[tokio::test]
async fn a_redirect_is_reported_and_not_followed() {
    let server = Server::start(|_| {
        let head = "HTTP/1.1 308 Permanent Redirect\r\nLocation: /there\r\n";
        Reply::Send(format!("{head}Content-Length: 0\r\n\r\n"))
    })
    .await;
    let target = client().target(&server.url()).unwrap();
    let response = post(&target, "").await.unwrap();
    assert_eq!(response.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(response.headers()["location"], "/there");
    assert_eq!(server.n_requests(), 1);
}

#[tokio::test]
async fn dropping_a_body_closes_its_connection() {
    let server = Server::start(|_| {
        Reply::Hang("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n".to_owned())
    })
    .await;
    let target = client().target(&server.url()).unwrap();
    let mut body = post(&target, "").await.unwrap().into_body();
    assert_eq!(body.chunk().await.unwrap().unwrap(), "abc");
    drop(body);
    server.closed(1).await;
    assert_eq!(target.idle_connections(), 0);
}

#[tokio::test]
async fn dropping_the_request_closes_its_connection() {
    let server = Server::start(|_| Reply::Hang(String::new())).await;
    let target = client().target(&server.url()).unwrap();
    tokio::select! {
        answer = post(&target, "") => panic!("there is no answer, but got {answer:?}"),
        () = server.received(1) => {}
    }
    server.closed(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_may_wander_between_tasks_and_threads() {
    let body = "x".repeat(30_000);
    let answer = ok(&body);
    let server = Server::start(move |_| Reply::Send(answer.clone())).await;
    let target = client().target(&server.url()).unwrap();

    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let target = target.clone();
        calls.spawn(async move {
            for _ in 0..50 {
                let response = post(&target, "x").await.unwrap();
                tokio::task::yield_now().await;
                assert_eq!(text(response).await.len(), 30_000);
            }
        });
    }
    while let Some(outcome) = calls.join_next().await {
        outcome.unwrap();
    }
    assert_eq!(server.n_requests(), 800);
    assert!(server.n_connections() <= 16, "{}", server.n_connections());
}
