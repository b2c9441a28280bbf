//! HTTP/1.1 round the answers: one acceptor, and a few threads that each serve their own connections.
//!
//! Connections are handed out in turn, so that two threads have the same load at any number of connections; nothing
//! is shared between them but the count of calls, which `GET /calls` tells.

use std::convert::Infallible;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;
use tokio::task::LocalSet;

use crate::answer::{Answers, Reply};

/// Larger request bodies are refused.
const MAX_BODY_BYTES: usize = 1 << 20;

/// Connections that may wait for one thread to take them.
const WAITING_CONNECTIONS: usize = 1024;

/// What all threads share.
#[derive(Debug)]
struct Shared {
    answers: Answers,
    /// Calls answered since the start.
    n_calls: AtomicU64,
}

/// Accepts connections on `listener` for ever and serves them on `threads` threads.
pub(crate) fn serve(listener: &TcpListener, threads: u8, answers: Answers) -> anyhow::Result<()> {
    let shared = Arc::new(Shared { answers, n_calls: AtomicU64::new(0) });
    let mut workers = Vec::new();
    for index in 0..threads {
        let (sender, receiver) = mpsc::channel(WAITING_CONNECTIONS);
        let shared = Arc::clone(&shared);
        thread::Builder::new()
            .name(format!("echo-{index}"))
            .spawn(move || work(receiver, &shared))
            .context("failed to start a thread")?;
        workers.push(sender);
    }
    for worker in workers.iter().cycle() {
        let (stream, _) = listener.accept().context("failed to accept a connection")?;
        worker.blocking_send(stream).context("a serving thread has ended")?;
    }
    Ok(())
}

/// Serves the connections that come through `receiver`, all on this thread.
fn work(mut receiver: mpsc::Receiver<TcpStream>, shared: &Arc<Shared>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    LocalSet::new().block_on(&runtime, async {
        while let Some(stream) = receiver.recv().await {
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let stream = tokio::net::TcpStream::from_std(stream)?;
            let shared = Arc::clone(shared);
            tokio::task::spawn_local(async move {
                let service = service_fn(|request| handle(&shared, request));
                // A client that goes away is the ordinary end of a connection.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
        Ok(())
    })
}

/// Answers one HTTP request.
async fn handle(
    shared: &Shared,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path() == "/calls" {
        let count = shared.n_calls.load(Ordering::Relaxed).to_string();
        return Ok(Response::new(Full::from(count)));
    }
    if request.method() != Method::POST {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return Ok(response);
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY_BYTES).collect().await else {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return Ok(response);
    };
    let revision = parts.headers.get("mcp-protocol-version").map(HeaderValue::as_bytes);
    let reply = shared.answers.reply(revision, &body.to_bytes());
    if reply.is_call {
        shared.n_calls.fetch_add(1, Ordering::Relaxed);
    }
    Ok(response(reply))
}

/// Puts a reply into an HTTP response.
fn response(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests;
