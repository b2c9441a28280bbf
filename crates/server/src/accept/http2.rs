//! HTTP/2 on a connection (RFC 9113), with a bound on everything a client can make grow: streams,
//! headers, resets, and the time of a connection on which nothing happens.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use gantry_core::Tasks;
use http_body::{Body, Frame, SizeHint};
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;

use super::connection::Serving;
use crate::http_stack::{Answer, http_stack};

/// Requests of one connection at a time; clients wait with further ones.
const MAX_STREAMS: u32 = 200;
/// Requests that were taken back before they were looked at. A client that has more of them is no
/// client (CVE-2023-44487), and its connection is closed.
const MAX_RESETS: usize = 20;
/// Streams that we had to reset because of what the client did on them.
const MAX_ERRORS: usize = 64;
/// Bytes of one request, and of all of a connection, that wait to be read.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// Bytes of one answer that wait to be sent.
const SEND_BUFFER: usize = 256 * 1024;
/// How often a client is asked whether it is there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(30);
const PONG: Duration = Duration::from_secs(20);

/// Runs what a connection does beside itself, as supervised tasks.
#[derive(Clone)]
struct Supervised(Tasks);

/// What goes on on a connection. A clone of the inner value is held for each open answer.
#[derive(Clone, Default)]
struct Traffic {
    open: Arc<()>,
    n_begun: Arc<AtomicUsize>,
    /// How many requests may be begun.
    most: Option<u32>,
    /// Told when as many were.
    spent: Arc<Notify>,
}

/// An answer that counts as open until it is sent or given up.
struct Counted {
    answer: Answer,
    _open: Arc<()>,
}

/// Serves a connection until its client closes it or leaves it idle, or until `tasks` is told to
/// stop and the requests that are under way are answered.
pub(super) async fn serve<S>(stream: S, serving: Serving<'_>) -> Result<(), String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let keep_alive = serving.keep_alive();
    let Serving { via, limits, connections, front, tasks } = serving;
    let traffic = Traffic { most: connections.max_requests, ..Traffic::default() };
    let (counted, remembered) = (traffic.clone(), Arc::default());
    let service = service_fn(move |request| {
        let open = counted.begin();
        let (front, remembered) = (Arc::clone(&front), Arc::clone(&remembered));
        async move {
            let response = http_stack(&front, (via, &remembered), request).await;
            Ok::<_, Infallible>(response.map(|answer| Counted { answer, _open: open }))
        }
    });
    let mut connection = std::pin::pin!(
        http2::Builder::new(Supervised(tasks.clone()))
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(u32::try_from(limits.header).unwrap_or(u32::MAX))
            .max_pending_accept_reset_streams(MAX_RESETS)
            .max_local_error_reset_streams(MAX_ERRORS)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(SEND_BUFFER)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PONG)
            .serve_connection(TokioIo::new(stream), service)
    );
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = traffic.idle_for(keep_alive) => {
            connection.as_mut().graceful_shutdown();
            // A client that does not answer to the farewell either is not waited for.
            let ended = tokio::time::timeout(PONG, connection).await;
            ended.unwrap_or(Ok(()))
        }
        () = traffic.spent.notified() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        () = tasks.stopping().cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    served.map_err(|error| gantry_core::chain(&error))
}

// === impl Traffic ===

impl Traffic {
    fn begin(&self) -> Arc<()> {
        let n_begun = self.n_begun.fetch_add(1, Ordering::Relaxed) + 1;
        if self.most.is_some_and(|most| n_begun >= most as usize) {
            self.spent.notify_one();
        }
        Arc::clone(&self.open)
    }

    /// Waits until nothing was open or begun for a time; at most twice as long as that.
    async fn idle_for(&self, time: Duration) {
        // This one and the service's own.
        const AT_REST: usize = 2;
        let mut seen = self.n_begun.load(Ordering::Relaxed);
        loop {
            tokio::time::sleep(time).await;
            let now = self.n_begun.load(Ordering::Relaxed);
            if now == seen && Arc::strong_count(&self.open) <= AT_REST {
                return;
            }
            seen = now;
        }
    }
}

impl<F> Executor<F> for Supervised
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, task: F) {
        self.0.spawn("http2-stream", task);
    }
}

impl Body for Counted {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.get_mut().answer).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.answer.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.answer.size_hint()
    }
}
