//! Who may open another connection: so many at a time on a listener, so many from one address, and
//! so many in a time.
//!
//! It stands before the handshake and before the first byte is read, so it knows nobody but the
//! peer. That a proxy is trusted is known by its address, and its connections, which are those of
//! many clients, are not counted by address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use gantry_core::Tasks;
use gantry_policy::address::subscriber;
use gantry_policy::rate::{Meters, Rate};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::http_stack::Peer;
use crate::shared::Shared;

/// Connections that are told why they are refused, at a time; further ones are closed.
const MOST_TOLD: usize = 64;
/// How long one of them may take to hear it.
const TELLING: Duration = Duration::from_secs(1);
/// Bytes that are read of what it says meanwhile.
const HEARD: u64 = 64 * 1024;
/// How often a refusal is written into the log, at most.
const LOGGED: Duration = Duration::from_secs(10);
/// Seconds after which a client may come again that found all places taken.
const COME_AGAIN: u64 = 1;

/// Why a connection is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The listener has as many as it may.
    Full,
    /// The address has.
    ManyOfOne,
    /// The address opens them too fast; it may come again after this time.
    Fast(Duration),
}

/// Counts connections, of all listeners.
#[derive(Debug)]
pub(crate) struct Doorkeeper {
    /// Weak, because what accepts is itself part of what is shared.
    shared: Weak<Shared>,
    began: Instant,
    /// How many are open by address; those that have none are not in it. Held for a few instructions.
    open: Mutex<HashMap<IpAddr, u32>>,
    /// How many were opened by address, for the rate in force. Held while one is counted.
    opened: Mutex<Option<Meters<IpAddr>>>,
    /// Room for those that are told why.
    told: Arc<Semaphore>,
    /// When a refusal was last logged: seconds since it began, and one, so that zero means never.
    logged: AtomicU64,
}

/// The place of a connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    n_open: Arc<AtomicUsize>,
    counted: Option<(Arc<Doorkeeper>, IpAddr)>,
}

// === impl Refused ===

impl Refused {
    /// Returns the key of the configuration that says so.
    fn limit(self) -> &'static str {
        match self {
            Self::Full => "max",
            Self::ManyOfOne => "per_address",
            Self::Fast(_) => "rate",
        }
    }

    /// Makes the answer: the whole of it, since no request was read.
    fn answer(self) -> String {
        let seconds = match self {
            Self::Full | Self::ManyOfOne => COME_AGAIN,
            Self::Fast(time) => time.as_secs() + u64::from(time.subsec_nanos() > 0),
        };
        let body = format!(
            "{{\"error\":{{\"code\":\"{}\",\"message\":\"too many connections, by \
             `server.connections.{}`\",\"retryAfter\":{seconds}}}}}\n",
            gantry_core::ErrorCode::TooManyConnections,
            self.limit(),
        );
        format!(
            "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nretry-after: {seconds}\r\nconnection: close\r\n\r\n{body}",
            body.len(),
        )
    }
}

// === impl Doorkeeper ===

impl Doorkeeper {
    pub(crate) fn new(shared: &Arc<Shared>) -> Arc<Self> {
        Arc::new(Self {
            shared: Arc::downgrade(shared),
            began: Instant::now(),
            open: Mutex::default(),
            opened: Mutex::default(),
            told: Arc::new(Semaphore::new(MOST_TOLD)),
            logged: AtomicU64::new(0),
        })
    }

    /// Gives a connection a place; `limit` is the listener's own, if it does not go by the
    /// configuration, and `n_open` how many it has.
    ///
    /// # Errors
    ///
    /// There is none for it.
    pub(super) fn admit(
        self: &Arc<Self>,
        peer: Peer,
        limit: Option<usize>,
        n_open: &Arc<AtomicUsize>,
    ) -> Result<Place, Refused> {
        // Only while the process ends is there nothing to go by.
        let shared = self.shared.upgrade().ok_or(Refused::Full)?;
        let live = shared.live.load();
        let connections = &live.config.server.connections;
        // Ordering: one task accepts on a listener, so that nobody adds between look and count.
        if n_open.load(Ordering::Relaxed) >= limit.unwrap_or(connections.max) {
            return Err(Refused::Full);
        }
        let is_counted = connections.per_address.is_some() || connections.rate.is_some();
        let address = peer.address().filter(|peer| is_counted && !live.addresses.trusts(*peer));
        let counted = match address {
            None => None,
            Some(address) => {
                let address = subscriber(address);
                self.opens(address, connections.rate)?;
                self.count(address, connections.per_address)?;
                Some((Arc::clone(self), address))
            }
        };
        n_open.fetch_add(1, Ordering::Relaxed);
        Ok(Place { n_open: Arc::clone(n_open), counted })
    }

    fn opens(&self, address: IpAddr, rate: Option<Rate>) -> Result<(), Refused> {
        let mut opened = self.opened.lock();
        let Some(rate) = rate else {
            *opened = None;
            return Ok(());
        };
        let known = opened.take().filter(|meters| *meters.rate() == rate);
        let meters = opened.insert(known.unwrap_or_else(|| Meters::new(rate)));
        let reading = meters.take(&address, self.began.elapsed());
        if reading.is_allowed { Ok(()) } else { Err(Refused::Fast(reading.retry_after)) }
    }

    fn count(&self, address: IpAddr, most: Option<u32>) -> Result<(), Refused> {
        let mut open = self.open.lock();
        let n_open = open.entry(address).or_default();
        if most.is_some_and(|most| *n_open >= most) {
            return Err(Refused::ManyOfOne);
        }
        *n_open += 1;
        Ok(())
    }

    fn leave(&self, address: IpAddr) {
        let mut open = self.open.lock();
        if let Some(n_open) = open.get_mut(&address) {
            *n_open -= 1;
            if *n_open == 0 {
                open.remove(&address);
            }
        }
    }

    /// Sends a connection away: with the reason where it speaks plain HTTP and not too many are told
    /// already, else without a word.
    pub(super) fn refuse(
        &self,
        refused: Refused,
        peer: Peer,
        stream: Option<std::net::TcpStream>,
        tasks: &Tasks,
    ) {
        if let Some(shared) = self.shared.upgrade() {
            shared.http_metrics.connection_refused(refused.limit());
        }
        self.log(refused, peer);
        let Some(stream) = stream else { return };
        let Ok(permit) = Arc::clone(&self.told).try_acquire_owned() else { return };
        tasks.spawn("refusal", async move {
            let _permit = permit;
            // Whoever does not listen is not waited for.
            let _ = tokio::time::timeout(TELLING, tell(stream, refused)).await;
        });
    }

    fn log(&self, refused: Refused, peer: Peer) {
        let now = self.began.elapsed().as_secs() + 1;
        let last = self.logged.load(Ordering::Relaxed);
        if last != 0 && now < last + LOGGED.as_secs() {
            return;
        }
        self.logged.store(now, Ordering::Relaxed);
        gantry_core::log::warn!(%peer, limit = refused.limit(), "Connections are refused.");
    }
}

/// Writes the answer and reads on for a while: closed with something unread, the connection would be
/// reset, and its client might never see the answer.
async fn tell(stream: std::net::TcpStream, refused: Refused) -> std::io::Result<()> {
    let mut stream = TcpStream::from_std(stream)?;
    stream.write_all(refused.answer().as_bytes()).await?;
    stream.shutdown().await?;
    tokio::io::copy(&mut stream.take(HEARD), &mut tokio::io::sink()).await.map(drop)
}

// === impl Place ===

impl Drop for Place {
    fn drop(&mut self) {
        self.n_open.fetch_sub(1, Ordering::Relaxed);
        if let Some((doorkeeper, address)) = &self.counted {
            doorkeeper.leave(*address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_a_whole_answer_that_says_when_to_come_again() {
        for (refused, limit, seconds) in [
            (Refused::Full, "max", 1),
            (Refused::ManyOfOne, "per_address", 1),
            (Refused::Fast(Duration::from_millis(1500)), "rate", 2),
            (Refused::Fast(Duration::from_secs(3)), "rate", 3),
        ] {
            let answer = refused.answer();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with("HTTP/1.1 503 ") && head.contains("connection: close"));
            assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
            assert!(head.contains(&format!("retry-after: {seconds}\r\n")), "{head}");
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(body["error"]["code"], "E0427");
            assert_eq!(body["error"]["retryAfter"], seconds);
            let message = body["error"]["message"].as_str().unwrap();
            assert!(message.ends_with(&format!("`server.connections.{limit}`")), "{message}");
        }
    }
}
