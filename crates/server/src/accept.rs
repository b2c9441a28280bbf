//! Everything about runtimes and accepting: which threads there are, who accepts on which, and how
//! a connection is served.
//!
//! One ordinary runtime serves everything. All that is given to it is `Send` and reaches shared
//! state through [`Front`] alone, so that one current-thread runtime per core with a listener each
//! (`SO_REUSEPORT`) can be tried by changing this file and no other.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gantry_core::Tasks;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

use crate::http_stack::{Front, http_stack};

/// Connections served at a time; further ones wait in the system's queue.
const MAX_CONNECTIONS: usize = 10_000;
/// More than any client sends; bounds the work of reading a head.
const MAX_HEADERS: usize = 128;
/// Read at once from a connection at most; large bodies come in pieces of this.
const BUFFER: usize = 256 * 1024;
/// How long to wait after the system refused a connection for want of something.
const PAUSE: Duration = Duration::from_millis(100);

/// Makes the runtime of this process.
pub(crate) fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().thread_name("gantry").enable_all().build()
}

/// Takes the port. `SO_REUSEADDR` is set, so that a restart need not wait for old connections.
pub(crate) async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Accepts until `tasks` is told to stop, and serves each connection as a task of the same group.
///
/// Stopping lets requests that are under way finish and closes every connection after its answer.
pub(crate) async fn accept(listener: TcpListener, front: Arc<Front>, tasks: Tasks) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let accepting = async {
        loop {
            if permits.available_permits() == 0 {
                tracing::warn!(limit = MAX_CONNECTIONS, "All connections are taken; others wait.");
            }
            let permit = Arc::clone(&permits).acquire_owned().await;
            let permit = permit.expect("the semaphore is never closed");
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    pause_after(&error).await;
                    continue;
                }
            };
            let (front, stopping) = (Arc::clone(&front), tasks.clone());
            tasks.spawn("connection", async move {
                let _permit = permit;
                serve(stream, peer, front, &stopping).await;
            });
        }
    };
    tokio::select! {
        () = tasks.stopping().cancelled() => {}
        () = accepting => {}
    }
}

/// A connection that its client gave up before it was accepted is the client's affair; anything
/// else is a shortage, of file descriptors mostly, which only time can end.
async fn pause_after(error: &io::Error) {
    let is_the_clients = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    );
    if !is_the_clients {
        tracing::error!(%error, "A connection could not be accepted.");
        tokio::time::sleep(PAUSE).await;
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, front: Arc<Front>, tasks: &Tasks) {
    // Answers are small and whole: waiting for more to send with them only costs time.
    let _ = stream.set_nodelay(true);
    let gauge = front.shared.http_metrics.connections.clone();
    gauge.inc();
    let _open = Open(gauge);
    let limits = front.shared.live.load().config.server.limits.clone();
    let service = service_fn(move |request| {
        let answer = http_stack(Arc::clone(&front), peer, request);
        async move { Ok::<_, std::convert::Infallible>(answer.await) }
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
    if let Err(error) = served {
        tracing::debug!(%peer, error = gantry_core::chain(&error), "A connection ended early.");
    }
}

/// Counts a connection for as long as it is open.
struct Open(prometheus_client::metrics::gauge::Gauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}
