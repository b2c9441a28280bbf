//! TLS towards clients: the handshake, and a certificate that is replaced while the gateway serves.
//!
//! Where a certificate comes from is in [`identity`], what may be wrong with it in [`error`], and
//! when its files are looked at again in `reload::certificates`. The calls to upstreams have a TLS
//! of their own (`gantry_net`).

mod error;
mod identity;
mod metrics;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::crypto::{CryptoProvider, ring};
use rustls::sign::SingleCertAndKey;
use rustls::{ServerConfig, SupportedCipherSuite, SupportedProtocolVersion, version};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub(crate) use error::TlsError;
pub(crate) use identity::{Loaded, Validity, load};
pub(crate) use metrics::TlsMetrics;

use crate::config::{Https, TlsVersion};
use metrics::Outcome;

/// The suites that are spoken: those with forward secrecy and authenticated encryption. They are
/// listed, so that a newer library does not add to them unseen.
const SUITES: [SupportedCipherSuite; 9] = [
    ring::cipher_suite::TLS13_AES_256_GCM_SHA384,
    ring::cipher_suite::TLS13_AES_128_GCM_SHA256,
    ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
    ring::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ring::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ring::cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ring::cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ring::cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ring::cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];
/// The name of HTTP/2 in a handshake (RFC 9113, section 3.2).
const H2: &[u8] = b"h2";
const HTTP_1_1: &[u8] = b"http/1.1";
/// The longest that a client may take to agree on a connection.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Handshakes at a time; further ones wait within their own time.
const MAX_HANDSHAKES: usize = 512;

/// The TLS of a listener.
#[derive(Debug)]
pub(crate) struct Tls {
    config: ArcSwap<ServerConfig>,
    turns: Semaphore,
    metrics: TlsMetrics,
}

// === impl Tls ===

impl Tls {
    /// Reads the certificate and its key.
    pub(crate) fn new(https: &Https, metrics: TlsMetrics) -> Result<Self, TlsError> {
        let (config, validity) = server_config(https)?;
        metrics.use_until(validity);
        let turns = Semaphore::new(MAX_HANDSHAKES);
        Ok(Self { config: ArcSwap::from_pointee(config), turns, metrics })
    }

    /// Reads the certificate and its key again, for all handshakes that come; connections that are
    /// open stay as they are.
    ///
    /// # Errors
    /// What is there now cannot be used; the one before stays in force.
    pub(crate) fn renew(&self, https: &Https) -> Result<(), TlsError> {
        let (config, validity) = server_config(https)?;
        self.metrics.use_until(validity);
        self.config.store(Arc::new(config));
        Ok(())
    }

    /// Agrees with a client on a connection, or says why not. Cancel safe: the connection is gone.
    pub(crate) async fn handshake(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let shaken = tokio::time::timeout(HANDSHAKE, self.agree(stream)).await;
        let shaken = shaken.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        self.metrics.count(if shaken.is_ok() { Outcome::Agreed } else { Outcome::Failed });
        shaken
    }

    async fn agree(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let _turn = self.turns.acquire().await.map_err(io::Error::other)?;
        if speaks_plain_http(&stream).await? {
            answer_plain_http(stream).await?;
            let message = "the client spoke HTTP without TLS";
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        TlsAcceptor::from(self.config.load_full()).accept(stream).await
    }
}

/// Tells whether a client and we agreed on HTTP/2.
pub(crate) fn is_http2(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(H2)
}

fn server_config(https: &Https) -> Result<(ServerConfig, Option<Validity>), TlsError> {
    let provider = Arc::new(provider());
    let Loaded { certified, validity } = load(&https.identity, &provider)?;
    let versions: &[&SupportedProtocolVersion] = match https.min_version {
        TlsVersion::V1_2 => &[&version::TLS13, &version::TLS12],
        TlsVersion::V1_3 => &[&version::TLS13],
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|source| TlsError::Library { source })?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![H2.to_vec(), HTTP_1_1.to_vec()];
    Ok((config, validity))
}

/// The library's, named so that nothing depends on one installed for the whole process, with our
/// suites.
pub(crate) fn provider() -> CryptoProvider {
    CryptoProvider { cipher_suites: SUITES.to_vec(), ..ring::default_provider() }
}

/// Looks at the first byte: a method of HTTP begins with a capital letter, a record of TLS never.
async fn speaks_plain_http(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    Ok(stream.peek(&mut first).await? == 1 && first[0].is_ascii_uppercase())
}

/// Tells a client that forgot the `s` what is wrong, which it would otherwise have to guess.
async fn answer_plain_http(mut stream: TcpStream) -> io::Result<()> {
    use tokio::io::AsyncReadExt as _;
    use tokio::io::AsyncWriteExt as _;

    const ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\n\
        connection: close\r\ncontent-length: 57\r\n\r\n\
        This port speaks TLS alone: begin the URL with https://.\n";
    // A connection that is closed with bytes unread is reset, and the answer with it.
    let _ = stream.read(&mut [0; 4096]).await?;
    stream.write_all(ANSWER).await?;
    stream.shutdown().await
}

#[cfg(test)]
mod tests;
