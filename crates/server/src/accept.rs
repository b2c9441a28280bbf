//! Everything about runtimes and accepting: which threads there are, who accepts on which, and how
//! a connection is served.
//!
//! The ordinary runtime accepts and does what goes on in the background. Connections are served by
//! [`Workers`], one runtime of one thread for each core: a call and its upstream's answer then stay
//! on one thread, and nobody is woken on another one to carry them further. The price is that a
//! connection stays where it was put, so whatever takes long must not be computed in a request.
//!
//! Which listeners there are is decided in `listeners`; what happens on a connection is in
//! [`connection`].

mod connection;
mod doorkeeper;
mod http2;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use gantry_core::Tasks;
use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

#[cfg(unix)]
pub(crate) use connection::serve_user;
pub(crate) use doorkeeper::Doorkeeper;

use crate::http_stack::{Face, Front, Peer};
#[cfg(unix)]
use crate::local;
use crate::tls::Tls;
use doorkeeper::Place;

/// Connections on their way to a worker; when there are more, accepting waits for it.
const ON_THEIR_WAY: usize = 64;
/// How long to wait after the system refused a connection for want of something.
const PAUSE: Duration = Duration::from_millis(100);
/// How often a worker's clock ticks: sooner than any time limit of a request.
const TICK: Duration = Duration::from_secs(1);

/// A socket that listens.
#[derive(Debug)]
pub(crate) enum Listening {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

/// What is true of every connection of a listener.
#[derive(Debug)]
pub(crate) struct Entrance {
    /// Which routes it shows.
    pub(crate) face: Face,
    /// Set where TLS is spoken.
    pub(crate) tls: Option<Arc<Tls>>,
    /// Connections at a time, where that is not for the configuration to say.
    pub(crate) limit: Option<usize>,
}

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
    errands: mpsc::Sender<Errand>,
    /// How many it serves.
    n_open: Arc<AtomicUsize>,
}

/// What a worker is asked to do.
#[derive(Debug)]
enum Errand {
    Serve(Arrived),
    /// Say that it is alive.
    Answer(oneshot::Sender<()>),
}

/// A connection that was accepted. It belongs to no runtime, so that a worker's can take it.
#[derive(Debug)]
struct Arrived {
    stream: Loose,
    peer: Peer,
    entrance: Arc<Entrance>,
    /// Whom it ends with: those who accepted it.
    tasks: Tasks,
    held: Held,
}

/// A stream without a runtime.
#[derive(Debug)]
enum Loose {
    Tcp(std::net::TcpStream),
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixStream),
}

/// A stream of the runtime that serves it.
#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// What a connection takes up as long as it is open.
#[derive(Debug)]
struct Held {
    n_open: Arc<AtomicUsize>,
    _place: Place,
}

/// Makes the runtime of this process.
pub(crate) fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().thread_name("gantry").enable_all().build()
}

/// Takes a port, and says which it was. `SO_REUSEADDR` is set, so that a restart need not wait for
/// old connections.
pub(crate) async fn bind(address: SocketAddr) -> io::Result<(Listening, SocketAddr)> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    Ok((Listening::Tcp(listener), address))
}

/// Takes a port at once; within the runtime that accepts there.
pub(crate) fn bind_now(address: SocketAddr) -> io::Result<(Listening, SocketAddr)> {
    adopt(std::net::TcpListener::bind(address)?)
}

/// Takes a port that somebody else has bound.
pub(crate) fn adopt(listener: std::net::TcpListener) -> io::Result<(Listening, SocketAddr)> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let address = listener.local_addr()?;
    Ok((Listening::Tcp(listener), address))
}

/// Takes a unix socket that somebody else has bound.
#[cfg(unix)]
pub(crate) fn adopt_unix(listener: std::os::unix::net::UnixListener) -> io::Result<Listening> {
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener).map(Listening::Unix)
}

/// Accepts until `tasks` is told to stop, and gives each connection to the worker that serves the
/// fewest, where it is a task of the same group.
///
/// Stopping lets requests that are under way finish and closes every connection after its answer.
pub(crate) async fn accept(
    listening: Listening,
    entrance: Entrance,
    workers: Vec<Inbox>,
    doorkeeper: Arc<Doorkeeper>,
    tasks: Tasks,
) {
    let entrance = Arc::new(entrance);
    let n_here = Arc::default();
    let accepting = async {
        loop {
            let (stream, peer) = match listening.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    pause_after(&error).await;
                    continue;
                }
            };
            let place = match doorkeeper.admit(peer, entrance.limit, &n_here) {
                Ok(place) => place,
                Err(refused) => {
                    // Over TLS nothing can be said before a handshake, which would cost more.
                    let stream = stream.plain().filter(|_| entrance.tls.is_none());
                    doorkeeper.refuse(refused, peer, stream, &tasks);
                    continue;
                }
            };
            let fewest = workers.iter().min_by_key(|inbox| inbox.n_open.load(Ordering::Relaxed));
            let Some(Inbox { errands, n_open }) = fewest else { return };
            let held = Held::new(n_open, place);
            let (entrance, tasks) = (Arc::clone(&entrance), tasks.clone());
            let arrived = Arrived { stream, peer, entrance, tasks, held };
            if errands.send(Errand::Serve(arrived)).await.is_err() {
                gantry_core::log::error!(
                    "A connection found no thread to serve it; this is a bug."
                );
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
        gantry_core::log::error!(%error, "A connection could not be accepted.");
        tokio::time::sleep(PAUSE).await;
    }
}

impl Workers {
    /// Starts one worker for each core.
    pub(crate) fn start(front: &Arc<Front>) -> io::Result<Self> {
        let ending = CancellationToken::new();
        let mut workers = Self { inboxes: Vec::new(), _ending: ending.clone().drop_guard() };
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            let (sender, receiver) = mpsc::channel(ON_THEIR_WAY);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let (front, ending) = (Arc::clone(front), ending.clone());
            thread::Builder::new().name("gantry-worker".to_owned()).spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = ending.cancelled() => {}
                        () = take_up(receiver, &front) => ending.cancelled().await,
                        () = tick() => {}
                    }
                });
            })?;
            workers.inboxes.push(Inbox { errands: sender, n_open: Arc::default() });
        }
        Ok(workers)
    }

    /// Returns the ways to all of them.
    pub(crate) fn inboxes(&self) -> Vec<Inbox> {
        self.inboxes.clone()
    }
}

impl Inbox {
    /// Waits until the worker says that it is alive. Cancel safe.
    pub(crate) async fn answers(&self) {
        let (sender, receiver) = oneshot::channel();
        if self.errands.send(Errand::Answer(sender)).await.is_ok() {
            // A worker that has ended answers nobody, and that is no fault of it.
            let _ = receiver.await;
        }
    }
}

impl Listening {
    /// Waits for the next connection. Cancel safe.
    async fn accept(&self) -> io::Result<(Loose, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok((Loose::Tcp(stream.into_std()?), Peer::At(peer)))
            }
            #[cfg(unix)]
            Self::Unix(listener) => loop {
                let (stream, _) = listener.accept().await?;
                if local::is_same_user(&stream)? {
                    return Ok((Loose::Unix(stream.into_std()?), Peer::SameUser));
                }
                gantry_core::log::warn!(
                    "A process of another user was turned away from the socket."
                );
            },
        }
    }
}

impl Loose {
    /// Returns the stream if it is one of TCP.
    fn plain(self) -> Option<std::net::TcpStream> {
        match self {
            Self::Tcp(stream) => Some(stream),
            #[cfg(unix)]
            Self::Unix(_) => None,
        }
    }

    /// Gives the stream to the runtime of this thread.
    fn bound(self) -> io::Result<Stream> {
        match self {
            Self::Tcp(stream) => TcpStream::from_std(stream).map(Stream::Tcp),
            #[cfg(unix)]
            Self::Unix(stream) => UnixStream::from_std(stream).map(Stream::Unix),
        }
    }
}

impl Held {
    fn new(n_open: &Arc<AtomicUsize>, place: Place) -> Self {
        n_open.fetch_add(1, Ordering::Relaxed);
        Self { n_open: Arc::clone(n_open), _place: place }
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
async fn take_up(mut inbox: mpsc::Receiver<Errand>, front: &Arc<Front>) {
    while let Some(errand) = inbox.recv().await {
        let Arrived { stream, peer, entrance, tasks, held } = match errand {
            Errand::Serve(arrived) => arrived,
            Errand::Answer(asked) => {
                // Whoever asked may have given up.
                let _ = asked.send(());
                continue;
            }
        };
        let stream = match stream.bound() {
            Ok(stream) => stream,
            Err(error) => {
                gantry_core::log::error!(%error, "A connection could not be served.");
                continue;
            }
        };
        let (front, stopping) = (Arc::clone(front), tasks.clone());
        tasks.spawn("connection", async move {
            let _held = held;
            connection::serve(stream, peer, &entrance, front, &stopping).await;
        });
    }
}
