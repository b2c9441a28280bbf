//! Opens a tunnel through an HTTP proxy with `CONNECT` (RFC 9110, section 9.3.6).
//!
//! Written by hand because nothing but a status line is wanted of the answer, and the bytes behind
//! it belong to somebody else.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::error::Error;
use crate::proxy::Proxy;

/// A proxy that says more than this before the tunnel stands is not one.
const MAX_HEAD: usize = 16 * 1024;

/// Asks the proxy for a tunnel to `destination`, which is `host:port`.
pub(crate) async fn open(
    mut stream: TcpStream,
    proxy: &Proxy,
    destination: &str,
) -> Result<TcpStream, Error> {
    let refuse = |problem: String| Error::Proxy { proxy: proxy.authority(), problem };
    let mut request = format!("CONNECT {destination} HTTP/1.1\r\nHost: {destination}\r\n");
    if let Some(value) = proxy.authorization.as_ref().and_then(|value| value.to_str().ok()) {
        request.push_str("Proxy-Authorization: ");
        request.push_str(value);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .map_err(|error| refuse(format!("it closed the connection ({error})")))?;
    let head = read_head(&mut stream).await.map_err(refuse)?;
    match status(&head) {
        Some(200..=299) => Ok(stream),
        Some(407) => Err(refuse("it asks for other credentials (status 407)".to_owned())),
        Some(status) => Err(refuse(format!("it answered with status {status}"))),
        None => Err(refuse("it does not speak HTTP/1".to_owned())),
    }
}

async fn read_head(stream: &mut TcpStream) -> Result<Vec<u8>, String> {
    let mut head = Vec::with_capacity(512);
    loop {
        let read = stream.read_buf(&mut head).await.map_err(|error| error.to_string())?;
        if read == 0 {
            return Err("it closed the connection".to_owned());
        }
        if let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            // The client speaks first in TLS and in HTTP, so nothing may follow yet.
            let alone = end + 4 == head.len();
            return if alone { Ok(head) } else { Err("it sent bytes of its own".to_owned()) };
        }
        if head.len() > MAX_HEAD {
            return Err("its answer is too long".to_owned());
        }
    }
}

fn status(head: &[u8]) -> Option<u16> {
    let line = head.strip_prefix(b"HTTP/1.")?;
    let digits = line.get(2..5)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
