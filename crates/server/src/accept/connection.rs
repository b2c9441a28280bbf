//! One connection, from its first byte to its last: the handshake where there is one, then HTTP.

use std::cell::Cell;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use gantry_core::Tasks;
use http::HeaderValue;
use http::header::CONNECTION;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::metrics::gauge::Gauge;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::{Entrance, Stream, http2};
use crate::config::{Connections, Limits};
use crate::http_stack::{Face, Front, Peer, Remembered, Via, http_stack};
use crate::tls::{self, Tls};

/// More than any client sends; bounds the work of reading a head.
const MAX_HEADERS: usize = 128;
/// Read at once from a connection at most; large bodies come in pieces of this.
const BUFFER: usize = 256 * 1024;

/// What is true of a connection in either version of HTTP.
pub(super) struct Serving<'a> {
    pub(super) via: Via,
    pub(super) limits: Limits,
    pub(super) connections: Connections,
    pub(super) front: Arc<Front>,
    pub(super) tasks: &'a Tasks,
}

/// Counts a connection for as long as it is open.
struct Open(Gauge);

/// Serves a connection until its client closes it, or until `tasks` is told to stop and the
/// requests that are under way are answered.
pub(super) async fn serve(
    stream: Stream,
    peer: Peer,
    entrance: &Entrance,
    front: Arc<Front>,
    tasks: &Tasks,
) {
    let gauge = front.shared.http_metrics.connections.clone();
    gauge.inc();
    let _open = Open(gauge);
    let via = Via { face: entrance.face, is_tls: entrance.tls.is_some(), peer };
    let serving = Serving::new(via, front, tasks);
    let served = match (stream, &entrance.tls) {
        (Stream::Tcp(stream), None) => {
            // Answers are small and whole: waiting for more to send with them only costs time.
            let _ = stream.set_nodelay(true);
            serve_http1(stream, serving).await
        }
        (Stream::Tcp(stream), Some(tls)) => {
            let _ = stream.set_nodelay(true);
            Box::pin(serve_tls(stream, tls, serving)).await
        }
        #[cfg(unix)]
        (Stream::Unix(stream), _) => Box::pin(serve_http1(stream, serving)).await,
    };
    if let Err(error) = served {
        gantry_core::log::debug!(%peer, error, "A connection ended early.");
    }
}

/// Serves HTTP to the user whose gateway this is, over whatever leads to a process of theirs.
#[cfg(unix)]
pub(crate) async fn serve_user<S>(stream: S, front: Arc<Front>, tasks: &Tasks)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let via = Via { face: Face::Everything, is_tls: false, peer: Peer::SameUser };
    if let Err(error) = serve_http1(stream, Serving::new(via, front, tasks)).await {
        gantry_core::log::debug!(error, "A connection to the socket ended early.");
    }
}

async fn serve_tls(stream: TcpStream, tls: &Tls, serving: Serving<'_>) -> Result<(), String> {
    let shaken = tokio::select! {
        shaken = tls.handshake(stream) => shaken,
        () = serving.tasks.stopping().cancelled() => return Ok(()),
    };
    let stream = shaken.map_err(|error| gantry_core::chain(&error))?;
    if tls::is_http2(&stream) {
        http2::serve(stream, serving).await
    } else {
        serve_http1(stream, serving).await
    }
}

async fn serve_http1<S>(stream: S, serving: Serving<'_>) -> Result<(), String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let keep_alive = serving.keep_alive();
    let Serving { via, limits, connections, front, tasks } = serving;
    let (left, remembered) = (Cell::new(connections.max_requests), Remembered::default());
    // No holders of their own for requests: processors would take the count of holders from each other.
    let (front, from) = (&*front, (via, &remembered));
    let service = service_fn(move |request| {
        let is_last = count_down(&left);
        async move {
            let mut response = http_stack(front, from, request).await;
            if is_last {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(response)
        }
    });
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            // It runs from the end of the last answer on.
            .header_read_timeout(keep_alive)
            .max_header_size(limits.header)
            .max_headers(MAX_HEADERS)
            .max_buf_size(BUFFER.max(limits.header))
            .serve_connection(TokioIo::new(stream), service)
    );
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = tasks.stopping().cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    served.map_err(|error| gantry_core::chain(&error))
}

/// Counts a request of a connection; tells whether it is the last one that it may have.
fn count_down(left: &Cell<Option<u32>>) -> bool {
    let n_left = left.get().map(|n_left| n_left.saturating_sub(1));
    left.set(n_left);
    n_left == Some(0)
}

impl<'a> Serving<'a> {
    fn new(via: Via, front: Arc<Front>, tasks: &'a Tasks) -> Self {
        let live = front.shared.live.load();
        let server = &live.config.server;
        let (limits, connections) = (server.limits.clone(), server.connections.clone());
        drop(live);
        Self { via, limits, connections, front, tasks }
    }

    /// Returns how long the connection may wait for the head of its next request.
    pub(super) fn keep_alive(&self) -> Duration {
        self.connections.keep_alive.unwrap_or(self.limits.request_timeout)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}
