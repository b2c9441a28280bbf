//! A scripted HTTP server. It reads requests whole and answers with the bytes that the test's
//! function returns, valid or not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// A request as it came.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Counted from 0.
    pub(crate) connection: usize,
    /// Counted from 0 within the connection.
    pub(crate) request: usize,
    /// Request line and headers.
    pub(crate) head: String,
    pub(crate) body: String,
}

/// What to do with it.
pub(crate) enum Reply {
    /// Write this and wait for the next request.
    Send(String),
    /// Write this and close.
    SendAndClose(String),
    /// Close without a word.
    Close,
    /// Keep the connection open and say nothing (more than this).
    Hang(String),
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    n_connections: Arc<AtomicUsize>,
    n_requests: Arc<AtomicUsize>,
    n_closed: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Server {
    pub(crate) async fn start<F>(answer: F) -> Self
    where
        F: Fn(Seen) -> Reply + Send + Sync + 'static,
    {
        Self::start_with(None, answer).await
    }

    pub(crate) async fn start_with<F>(tls: Option<TlsAcceptor>, answer: F) -> Self
    where
        F: Fn(Seen) -> Reply + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let [n_connections, n_requests, n_closed]: [Arc<AtomicUsize>; 3] =
            std::array::from_fn(|_| Arc::default());
        let counters = (Arc::clone(&n_connections), Arc::clone(&n_requests), Arc::clone(&n_closed));
        let answer = Arc::new(answer);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let (n_connections, n_requests, n_closed) = counters;
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let number = n_connections.fetch_add(1, Ordering::SeqCst);
                let (answer, tls) = (Arc::clone(&answer), tls.clone());
                let (n_requests, n_closed) = (Arc::clone(&n_requests), Arc::clone(&n_closed));
                connections.spawn(async move {
                    let answer = |seen: Seen| {
                        n_requests.fetch_add(1, Ordering::SeqCst);
                        answer(seen)
                    };
                    match tls {
                        None => serve(stream, number, answer).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, number, answer).await;
                            }
                        }
                    }
                    n_closed.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, n_connections, n_requests, n_closed, _tasks: tasks }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    pub(crate) fn n_connections(&self) -> usize {
        self.n_connections.load(Ordering::SeqCst)
    }

    pub(crate) fn n_requests(&self) -> usize {
        self.n_requests.load(Ordering::SeqCst)
    }

    /// Waits until the server has read that many requests.
    pub(crate) async fn received(&self, n_wanted: usize) {
        while self.n_requests() < n_wanted {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until the server has ended that many connections, whoever closed them, and the
    /// client's reactor has had a chance to notice.
    pub(crate) async fn closed(&self, n_wanted: usize) {
        while self.n_closed.load(Ordering::SeqCst) < n_wanted {
            tokio::task::yield_now().await;
        }
        tokio::task::yield_now().await;
    }
}

/// Makes a response with a length.
pub(crate) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

async fn serve<S>(mut stream: S, connection: usize, answer: impl Fn(Seen) -> Reply)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut buffer = Vec::new();
    for request in 0.. {
        let Some((head, body)) = read_request(&mut stream, &mut buffer).await else { return };
        match answer(Seen { connection, request, head, body }) {
            Reply::Send(bytes) => write(&mut stream, &bytes).await,
            Reply::SendAndClose(bytes) => return write(&mut stream, &bytes).await,
            Reply::Close => return,
            Reply::Hang(bytes) => {
                write(&mut stream, &bytes).await;
                // Until the client gives up.
                let _ = stream.read_buf(&mut buffer).await;
                return;
            }
        }
    }
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &str) {
    let _ = stream.write_all(bytes.as_bytes()).await;
    let _ = stream.flush().await;
}

async fn read_request<S>(stream: &mut S, buffer: &mut Vec<u8>) -> Option<(String, String)>
where
    S: AsyncRead + Unpin,
{
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(buffer.drain(..end).collect()).ok()?.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length = length.map_or(0, |length| length.trim().parse().unwrap());
    while buffer.len() < length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(buffer.drain(..length).collect()).ok()?;
    Some((head, body))
}
