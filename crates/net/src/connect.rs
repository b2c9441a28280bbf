//! From a host name to a TCP connection: resolution, the address guard, and trying addresses.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;

use crate::address::AddressGuard;
use crate::error::Error;

/// Head start of one address over the next, as RFC 8305 recommends: long enough for a healthy
/// network to answer, short enough that a dead IPv6 route is not felt.
const STAGGER: Duration = Duration::from_millis(250);
/// A name with more addresses than this is a mistake or an attack on our sockets.
const MAX_ADDRESSES: usize = 16;

/// Returns the addresses of a host in the order to try them. One address that the guard refuses
/// refuses the host: a name that mixes inside and outside is not trusted for either.
pub(crate) async fn resolve(
    host: &str,
    port: u16,
    guard: AddressGuard,
) -> Result<Vec<SocketAddr>, Error> {
    let failed = |source| Error::Dns { host: host.to_owned(), source };
    let addresses: Vec<SocketAddr> = match host.parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, port)],
        Err(_) => tokio::net::lookup_host((host, port))
            .await
            .map_err(failed)?
            .take(MAX_ADDRESSES)
            .collect(),
    };
    if addresses.is_empty() {
        return Err(failed(io::Error::new(io::ErrorKind::NotFound, "the name has no address")));
    }
    match addresses.iter().find(|address| !guard.permits(address.ip())) {
        Some(refused) => {
            Err(Error::AddressRefused { host: host.to_owned(), address: refused.ip() })
        }
        None => Ok(interleave(addresses)),
    }
}

/// Connects to the first address that answers.
pub(crate) async fn tcp(addresses: Vec<SocketAddr>) -> Result<TcpStream, Error> {
    let mut waiting = addresses.into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut failure = None;
    loop {
        attempts.extend(waiting.next().map(dial));
        let more = waiting.len() > 0;
        tokio::select! {
            Some(outcome) = attempts.next() => match outcome {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = Some(error),
            },
            () = tokio::time::sleep(STAGGER), if more => {}
            else => break,
        }
    }
    let none = || (String::new(), io::Error::from(io::ErrorKind::AddrNotAvailable));
    let (address, source) = failure.unwrap_or_else(none);
    Err(Error::Connect { address, source })
}

async fn dial(address: SocketAddr) -> Result<TcpStream, (String, io::Error)> {
    let failed = |error| (address.to_string(), error);
    let stream = TcpStream::connect(address).await.map_err(failed)?;
    // A request is written at once; waiting to fill a packet would only delay it.
    stream.set_nodelay(true).map_err(failed)?;
    keep_alive(&stream).map_err(failed)?;
    Ok(stream)
}

/// A stream that is silent for hours must not outlive the peer's power cut by as much.
#[cfg(unix)]
fn keep_alive(stream: &TcpStream) -> io::Result<()> {
    use rustix::net::sockopt;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, Duration::from_secs(30))?;
    sockopt::set_tcp_keepintvl(stream, Duration::from_secs(10))?;
    sockopt::set_tcp_keepcnt(stream, 3)?;
    Ok(())
}

#[cfg(not(unix))]
fn keep_alive(_stream: &TcpStream) -> io::Result<()> {
    Ok(())
}

/// Alternates the families, beginning with the one the resolver put first.
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first().map(SocketAddr::is_ipv6) else { return addresses };
    let n_addresses = addresses.len();
    let (preferred, other): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first);
    let (mut preferred, mut other) = (preferred.into_iter(), other.into_iter());
    let mut ordered = Vec::with_capacity(n_addresses);
    while ordered.len() < n_addresses {
        ordered.extend(preferred.next());
        ordered.extend(other.next());
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_families_alternate() {
        let parse = |text: &&str| text.parse().unwrap();
        let given: Vec<SocketAddr> =
            ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"].iter().map(parse).collect();
        let wanted: Vec<SocketAddr> =
            ["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"].iter().map(parse).collect();
        assert_eq!(interleave(given), wanted);
    }

    #[tokio::test]
    async fn a_refused_address_does_not_hold_up_the_next() {
        let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let dead = closed.local_addr().unwrap();
        drop(closed);
        let open = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = tcp(vec![dead, open.local_addr().unwrap()]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), open.local_addr().unwrap());
    }

    #[tokio::test]
    async fn a_host_inside_is_refused_by_the_guard() {
        let error = resolve("localhost", 80, AddressGuard::PublicOnly).await.unwrap_err();
        assert!(matches!(error, Error::AddressRefused { .. }), "{error}");
        assert!(error.is_unsent());
    }
}
