//! Why a request had no answer, and why an answer could not be read.
//!
//! No text names more of a URL than its authority: paths and queries may hold secrets.

use std::error::Error as StdError;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The cause below an error, whatever library it came from.
pub type Cause = Box<dyn StdError + Send + Sync>;

/// Why a request had no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name is unknown, or the resolver is not reachable.
    #[error("cannot resolve `{host}`")]
    Dns {
        /// The name.
        host: String,
        /// What the resolver said.
        #[source]
        source: std::io::Error,
    },
    /// The address guard does not let this address pass.
    #[error("`{host}` has the address {address}, which is not public and so not allowed here")]
    AddressRefused {
        /// The name in the URL.
        host: String,
        /// The address it resolved to.
        address: IpAddr,
    },
    /// No TCP connection could be made.
    #[error("cannot connect to {address}")]
    Connect {
        /// The last address tried, with its port.
        address: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The proxy did not open a tunnel.
    #[error("the proxy {proxy} did not open a tunnel: {problem}")]
    Proxy {
        /// Its authority.
        proxy: String,
        /// What it answered.
        problem: String,
    },
    /// The TLS handshake failed.
    #[error("cannot make a TLS connection to `{host}`")]
    Tls {
        /// The name the certificate must be for.
        host: String,
        /// What was wrong with the handshake or the certificate.
        #[source]
        source: std::io::Error,
    },
    /// No certificate authority could be loaded, or the configured file is unusable.
    #[error("cannot load certificate authorities{}: {problem}", in_file(.path.as_ref()))]
    TrustStore {
        /// The configured file; `None` when the system's store is meant.
        path: Option<PathBuf>,
        /// What is wrong with it.
        problem: String,
    },
    /// A time limit passed.
    #[error("{authority} exceeded the limit of {limit:?} {phase}")]
    Timeout {
        /// Who was too slow.
        authority: String,
        /// What was waited for.
        phase: Phase,
        /// The limit.
        limit: Duration,
    },
    /// The connection was closed before anything of the request was written.
    #[error("{authority} closed the connection before the request was sent")]
    Unsent {
        /// Who closed it.
        authority: String,
        /// What the connection reported.
        #[source]
        source: Cause,
    },
    /// The connection ended between the request and the response's headers.
    #[error("{authority} closed the connection without an answer")]
    Closed {
        /// Who closed it.
        authority: String,
        /// What the connection reported.
        #[source]
        source: Cause,
    },
    /// What came back is not HTTP/1.1, or its headers are larger than allowed.
    #[error("{authority} sent an answer that is not valid HTTP")]
    Malformed {
        /// Who sent it.
        authority: String,
        /// What the parser says.
        #[source]
        source: Cause,
    },
}

/// What a time limit was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Name resolution, TCP, proxy and TLS.
    Connect,
    /// From the request to the response's headers.
    Head,
}

/// Why a response's body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is larger than the caller wants.
    #[error("the response is larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// The connection ended, or the framing broke, before the body's end.
    #[error("the response ended before it was complete")]
    Cut {
        /// What the connection reported.
        #[source]
        source: Cause,
    },
    /// Nothing came for too long.
    #[error("the response stood still for {limit:?}")]
    Idle {
        /// The limit.
        limit: Duration,
    },
}

/// Why a text is no URL that can be called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is no URL at all.
    #[error("not a valid URL: {problem}")]
    Malformed {
        /// What the parser says.
        problem: String,
    },
    /// It is neither `http` nor `https`.
    #[error("the scheme `{scheme}` is not supported, use `http` or `https`")]
    Scheme {
        /// What it is.
        scheme: String,
    },
    /// It holds a name or a password.
    #[error("a URL must not hold credentials, send them in a header")]
    Credentials,
}

impl Error {
    /// Returns whether nothing of the request can have reached the other side, so that sending it
    /// again is safe whatever it asks for.
    pub fn is_unsent(&self) -> bool {
        match self {
            Self::Dns { .. }
            | Self::AddressRefused { .. }
            | Self::Connect { .. }
            | Self::Proxy { .. }
            | Self::Tls { .. }
            | Self::TrustStore { .. }
            | Self::Unsent { .. }
            | Self::Timeout { phase: Phase::Connect, .. } => true,
            Self::Timeout { phase: Phase::Head, .. }
            | Self::Closed { .. }
            | Self::Malformed { .. } => false,
        }
    }
}

impl std::fmt::Display for Phase {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Connect => "to connect",
            Self::Head => "to answer",
        })
    }
}

fn in_file(path: Option<&PathBuf>) -> String {
    path.map_or_else(String::new, |path| format!(" from `{}`", path.display()))
}
