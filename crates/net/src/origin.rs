//! One authority as seen by a client: how it is reached, and the stack of its idle connections.
//!
//! A stack is last in, first out: the warmest connection is used, and those that a burst left
//! over grow old at the bottom. Each runtime has a stack of its own: a connection is woken by the
//! runtime that opened it, so a call that takes one of another runtime's would be woken across
//! threads each time.

use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderName;
use http::{HeaderValue, Response};
use hyper::body::Incoming;
use parking_lot::Mutex;
use tokio::runtime;
use tokio::time::{Instant, timeout};

use crate::address::AddressGuard;
use crate::body::ResponseBody;
use crate::client::Shared;
use crate::config::Limits;
use crate::connect;
use crate::connection::{Connection, Outgoing};
use crate::error::{Error, Phase};
use crate::proxy::Proxy;
use crate::stream::Stream;
use crate::tunnel;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
/// Taken off the time a server promises to keep a connection, for the way there.
const KEEP_ALIVE_MARGIN: Duration = Duration::from_secs(1);

/// What tells one origin from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) https: bool,
    /// A name or an address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) guard: AddressGuard,
}

/// How connections are made.
#[derive(Debug, Clone)]
pub(crate) enum Route {
    Direct,
    /// The proxy is sent requests with absolute URLs.
    Forward(Arc<Proxy>),
    /// The proxy opens a tunnel.
    Tunnel(Arc<Proxy>),
}

/// An authority with its idle connections.
pub(crate) struct Origin {
    pub(crate) key: Key,
    pub(crate) route: Route,
    /// Host and port as the `Host` header shows them.
    pub(crate) host_header: HeaderValue,
    shared: Arc<Shared>,
    /// Held for a push or a pop only, never across an await, and nothing is dropped under it.
    idle: Mutex<Vec<Stack>>,
}

/// The idle connections of one runtime.
struct Stack {
    home: runtime::Id,
    idle: Vec<Idle>,
}

struct Idle {
    connection: Connection,
    /// Not to be used from here on.
    stale_at: Instant,
}

impl Origin {
    pub(crate) fn new(key: Key, route: Route, host: HeaderValue, shared: Arc<Shared>) -> Self {
        Self { key, route, host_header: host, shared, idle: Mutex::new(Vec::new()) }
    }

    /// Sends the request in the slot, by an idle connection if one is open, else by a new one.
    ///
    /// A slot and not a value: a request is large, and is passed on through several functions.
    pub(crate) async fn send(
        self: &Arc<Self>,
        slot: &mut Option<Outgoing>,
        limits: Limits,
    ) -> Result<Response<ResponseBody>, Error> {
        loop {
            let (mut connection, is_new) = match self.take() {
                Some(connection) => (connection, false),
                // Boxed: connecting is rare and its future is large.
                None => (Box::pin(self.connect()).await?, true),
            };
            let exchange = connection.exchange(slot);
            let outcome = match limits.head {
                None => exchange.await,
                Some(limit) => timeout(limit, exchange).await.map_err(|_| Error::Timeout {
                    authority: self.authority(),
                    phase: Phase::Head,
                    limit,
                })?,
            };
            match outcome {
                Ok(response) => return Ok(self.answered(response, connection, limits)),
                // Unsent: what was idle was closed meanwhile, and the next may be open.
                Err(_) if slot.is_some() && !is_new => {}
                Err(source) if slot.is_some() => {
                    return Err(Error::Unsent {
                        authority: self.authority(),
                        source: source.into(),
                    });
                }
                Err(error) => return Err(self.lost(error)),
            }
        }
    }

    fn answered(
        self: &Arc<Self>,
        response: Response<Incoming>,
        connection: Connection,
        limits: Limits,
    ) -> Response<ResponseBody> {
        let reuse = self.reuse_time(&response);
        response.map(|incoming| {
            let origin = Arc::clone(self);
            ResponseBody::new(incoming, connection, origin, reuse).with_idle_limit(limits.body_idle)
        })
    }

    fn lost(&self, error: hyper::Error) -> Error {
        let authority = self.authority();
        // What came, came from the other side: a parse error is its fault, the rest is a close.
        if error.is_parse() || error.is_parse_too_large() || error.is_parse_status() {
            return Error::Malformed { authority, source: error.into() };
        }
        Error::Closed { authority, source: error.into() }
    }

    /// Returns how long the connection may idle: less if the server says it will close it sooner.
    fn reuse_time(&self, response: &Response<Incoming>) -> Duration {
        let limit = self.shared.config.idle_reuse;
        let promised = response.headers().get(KEEP_ALIVE).and_then(|value| {
            let mut parameters = value.to_str().ok()?.split(',');
            let seconds = parameters.find_map(|one| one.trim().strip_prefix("timeout="))?;
            seconds.parse().ok().map(Duration::from_secs)
        });
        promised.map_or(limit, |promised| limit.min(promised.saturating_sub(KEEP_ALIVE_MARGIN)))
    }

    async fn connect(&self) -> Result<Connection, Error> {
        let limit = self.shared.config.connect_timeout;
        timeout(limit, self.dial()).await.map_err(|_| Error::Timeout {
            authority: self.authority(),
            phase: Phase::Connect,
            limit,
        })?
    }

    async fn dial(&self) -> Result<Connection, Error> {
        let Key { https, host, port, guard } = &self.key;
        let tcp = match &self.route {
            Route::Direct => connect::tcp(connect::resolve(host, *port, *guard).await?).await?,
            Route::Forward(proxy) => dial_proxy(proxy).await?,
            Route::Tunnel(proxy) => {
                // Under the guard the proxy is given the address that was checked: given the
                // name, it would resolve it once more, and perhaps to something else.
                let destination = match guard {
                    AddressGuard::Any => self.full_authority(),
                    AddressGuard::PublicOnly => {
                        let checked = connect::resolve(host, *port, *guard).await?;
                        checked.first().map_or_else(String::new, ToString::to_string)
                    }
                };
                tunnel::open(dial_proxy(proxy).await?, proxy, &destination).await?
            }
        };
        let stream =
            if *https { self.shared.tls.handshake(tcp, host).await? } else { Stream::Plain(tcp) };
        tracing::debug!(function = "dial", authority = self.authority(), "Connected.");
        Connection::open(stream, self.shared.config.max_response_head)
            .await
            .map_err(|error| Error::Unsent { authority: self.authority(), source: error.into() })
    }

    /// Returns the authority for messages.
    pub(crate) fn authority(&self) -> String {
        String::from_utf8_lossy(self.host_header.as_bytes()).into_owned()
    }

    /// Returns host and port, the port even if it is the scheme's own.
    fn full_authority(&self) -> String {
        let Key { host, port, .. } = &self.key;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// Takes back a connection whose exchange is over; closes it if it cannot be used again.
    pub(crate) fn put(&self, mut connection: Connection, reuse: Duration) {
        if reuse.is_zero() || !connection.settle() {
            return;
        }
        let idle = Idle { connection, stale_at: Instant::now() + reuse };
        let surplus = {
            let home = idle.connection.home();
            let mut stacks = self.idle.lock();
            match stacks.iter_mut().find(|stack| stack.home == home) {
                Some(stack) if stack.idle.len() >= self.shared.config.max_idle_per_host => {
                    Some(idle)
                }
                Some(stack) => {
                    stack.idle.push(idle);
                    None
                }
                None => {
                    stacks.push(Stack { home, idle: vec![idle] });
                    None
                }
            }
        };
        drop(surplus);
    }

    fn take(&self) -> Option<Connection> {
        let here = runtime::Handle::current().id();
        let (candidate, below) = {
            let mut stacks = self.idle.lock();
            let stack = &mut stacks.iter_mut().find(|stack| stack.home == here)?.idle;
            let candidate = stack.pop()?;
            // Whatever lies below a stale one is older still.
            let stale = candidate.stale_at <= Instant::now();
            if stale { (None, std::mem::take(stack)) } else { (Some(candidate), Vec::new()) }
        };
        drop(below);
        candidate.map(|idle| idle.connection)
    }

    /// Closes the connections that are too old to be used.
    pub(crate) fn sweep(&self) {
        let now = Instant::now();
        let mut stale: Vec<Idle> = Vec::new();
        self.idle.lock().retain_mut(|Stack { idle, .. }| {
            let n_stale = idle.iter().take_while(|idle| idle.stale_at <= now).count();
            stale.extend(idle.drain(..n_stale));
            !idle.is_empty()
        });
        drop(stale);
    }

    pub(crate) fn n_idle(&self) -> usize {
        self.idle.lock().iter().map(|stack| stack.idle.len()).sum()
    }
}

async fn dial_proxy(proxy: &Proxy) -> Result<tokio::net::TcpStream, Error> {
    // The operator chose the proxy, so the guard has no say in where it stands.
    let addresses = connect::resolve(&proxy.host, proxy.port, AddressGuard::Any).await?;
    connect::tcp(addresses).await
}

impl std::fmt::Debug for Origin {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Origin").field("key", &self.key).finish_non_exhaustive()
    }
}
