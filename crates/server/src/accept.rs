//! Everything about runtimes and accepting: which threads there are, who accepts on which, and how
//! a connection is served.
//!
//! The ordinary runtime accepts and does what goes on in the background. Connections are served by
//! [`Workers`], one runtime of one thread for each core: a call and its upstream's answer then stay
//! on one thread, and nobody is woken on another one to carry them further. The price is that a
//! connection stays where it was put, so whatever takes long must not be computed in a request.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use gantry_core::Tasks;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::http_stack::{Front, http_stack};

/// Connections served at a time; further ones wait in the system's queue.
const MAX_CONNECTIONS: usize = 10_000;
/// Connections on their way to a worker; when there are more, accepting waits for it.
const ON_THEIR_WAY: usize = 64;
/// More than any client sends; bounds the work of reading a head.
const MAX_HEADERS: usize = 128;
/// Read at once from a connection at most; large bodies come in pieces of this.
const BUFFER: usize = 256 * 1024;
/// How long to wait after the system refused a connection for want of something.
const PAUSE: Duration = Duration::from_millis(100);
/// How often a worker's clock ticks: sooner than any time limit of a request.
const TICK: Duration = Duration::from_secs(1);

/// The threads that serve connections, each with a runtime of its own. They end when this is
/// dropped, and with them whatever is still under way there.
#[derive(Debug)]
pub(crate) struct Workers {
    inboxes: Vec<Inbox>,
    _ending: DropGuard,
}

/// The way to a worker.
#[derive(Debug, Clone)]
pub(crate) struct Inbox {
    connections: mpsc::Sender<Arrived>,
    /// How many it serves.
    n_open: Arc<AtomicUsize>,
}

/// A connection that was accepted. It belongs to no runtime, so that a worker's can take it.
#[derive(Debug)]
struct Arrived {
    stream: std::net::TcpStream,
    peer: SocketAddr,
    held: Held,
}

/// What a connection takes up as long as it is open.
#[derive(Debug)]
struct Held {
    n_open: Arc<AtomicUsize>,
    _permit: OwnedSemaphorePermit,
}

/// Makes the runtime of this process.
pub(crate) fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().thread_name("gantry").enable_all().build()
}

/// Takes the port. `SO_REUSEADDR` is set, so that a restart need not wait for old connections.
pub(crate) async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Accepts until `tasks` is told to stop, and gives each connection to the worker that serves the
/// fewest, where it is a task of the same group.
///
/// Stopping lets requests that are under way finish and closes every connection after its answer.
pub(crate) async fn accept(listener: TcpListener, workers: Vec<Inbox>, tasks: Tasks) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let accepting = async {
        loop {
            if permits.available_permits() == 0 {
                tracing::warn!(limit = MAX_CONNECTIONS, "All connections are taken; others wait.");
            }
            let permit = Arc::clone(&permits).acquire_owned().await;
            let permit = permit.expect("the semaphore is never closed");
            let accepted = listener.accept().await;
            let accepted = accepted.and_then(|(stream, peer)| Ok((stream.into_std()?, peer)));
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    pause_after(&error).await;
                    continue;
                }
            };
            let fewest = workers.iter().min_by_key(|inbox| inbox.n_open.load(Ordering::Relaxed));
            let Some(Inbox { connections, n_open }) = fewest else { return };
            let held = Held::new(n_open, permit);
            if connections.send(Arrived { stream, peer, held }).await.is_err() {
                tracing::error!("A connection found no thread to serve it; this is a bug.");
            }
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

impl Workers {
    /// Starts one worker for each core.
    pub(crate) fn start(front: &Arc<Front>, tasks: &Tasks) -> io::Result<Self> {
        let ending = CancellationToken::new();
        let mut workers = Self { inboxes: Vec::new(), _ending: ending.clone().drop_guard() };
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            let (sender, receiver) = mpsc::channel(ON_THEIR_WAY);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let (front, tasks, ending) = (Arc::clone(front), tasks.clone(), ending.clone());
            thread::Builder::new().name("gantry-worker".to_owned()).spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = ending.cancelled() => {}
                        () = take_up(receiver, &front, &tasks) => ending.cancelled().await,
                        () = tick() => {}
                    }
                });
            })?;
            workers.inboxes.push(Inbox { connections: sender, n_open: Arc::default() });
        }
        Ok(workers)
    }

    /// Returns the ways to all of them.
    pub(crate) fn inboxes(&self) -> Vec<Inbox> {
        self.inboxes.clone()
    }
}

impl Held {
    fn new(n_open: &Arc<AtomicUsize>, permit: OwnedSemaphorePermit) -> Self {
        n_open.fetch_add(1, Ordering::Relaxed);
        Self { n_open: Arc::clone(n_open), _permit: permit }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.n_open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Always has a timer that is due before those of requests. A runtime wakes its event loop, by a
/// system call, when a timer is set that is due before all others; without this, that would be one
/// of every call's own.
async fn tick() {
    loop {
        tokio::time::sleep(TICK).await;
    }
}

/// Serves the connections that come, in the runtime of this worker.
async fn take_up(mut inbox: mpsc::Receiver<Arrived>, front: &Arc<Front>, tasks: &Tasks) {
    while let Some(Arrived { stream, peer, held }) = inbox.recv().await {
        let stream = match TcpStream::from_std(stream) {
            Ok(stream) => stream,
            Err(error) => {
                tracing::error!(%error, "A connection could not be served.");
                continue;
            }
        };
        let (front, stopping) = (Arc::clone(front), tasks.clone());
        tasks.spawn("connection", async move {
            let _held = held;
            serve(stream, peer, front, &stopping).await;
        });
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
