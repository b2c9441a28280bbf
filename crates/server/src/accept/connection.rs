//! One connection, from its first byte to its last: the handshake where there is one, then HTTP.

use std::convert::Infallible;
use std::sync::Arc;

use gantry_core::Tasks;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::metrics::gauge::Gauge;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::{Entrance, Stream, http2};
use crate::config::Limits;
use crate::http_stack::{Face, Front, Peer, Via, http_stack};
use crate::tls::{self, Tls};

/// More than any client sends; bounds the work of reading a head.
const MAX_HEADERS: usize = 128;
/// Read at once from a connection at most; large bodies come in pieces of this.
const BUFFER: usize = 256 * 1024;

/// What is true of a connection in either version of HTTP.
pub(super) struct Serving<'a> {
    pub(super) via: Via,
    pub(super) limits: Limits,
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
    let limits = front.shared.live.load().config.server.limits.clone();
    let via = Via { face: entrance.face, is_tls: entrance.tls.is_some(), peer };
    let serving = Serving { via, limits, front, tasks };
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
        tracing::debug!(%peer, error, "A connection ended early.");
    }
}

/// Serves HTTP to the user whose gateway this is, over whatever leads to a process of theirs.
#[cfg(unix)]
pub(crate) async fn serve_user<S>(stream: S, front: Arc<Front>, tasks: &Tasks)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let limits = front.shared.live.load().config.server.limits.clone();
    let via = Via { face: Face::Everything, is_tls: false, peer: Peer::SameUser };
    if let Err(error) = serve_http1(stream, Serving { via, limits, front, tasks }).await {
        tracing::debug!(error, "A connection to the socket ended early.");
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
    let Serving { via, limits, front, tasks } = serving;
    let service = service_fn(move |request| {
        let answer = http_stack(Arc::clone(&front), via, request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.request_timeout)
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

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}
