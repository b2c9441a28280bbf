//! What a [`Client`](crate::Client) is made from. Plain data; the environment is read elsewhere.

use std::path::PathBuf;
use std::time::Duration;

use crate::proxy::ProxyConfig;

/// How a client connects and how much it keeps.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// Time for name resolution, TCP, proxy and TLS together.
    pub connect_timeout: Duration,
    /// A PEM file of certificate authorities trusted beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// By which proxy what is reached; `None` connects directly.
    pub proxy: Option<ProxyConfig>,
    /// Idle connections kept for each authority, by each runtime.
    pub max_idle_per_host: usize,
    /// How long a connection may have been idle and still be reused. The common servers close
    /// idle connections after 5 s; a request must not meet that close on its way.
    pub idle_reuse: Duration,
    /// Size limit of a response's status line and headers, in bytes.
    pub max_response_head: usize,
}

/// Time limits of one request. `None` is no limit: the caller then has one of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// From sending to the response's headers, without the time to connect.
    pub head: Option<Duration>,
    /// Between two pieces of the response's body.
    pub body_idle: Option<Duration>,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            ca_file: None,
            proxy: None,
            max_idle_per_host: 128,
            idle_reuse: Duration::from_secs(4),
            max_response_head: 64 * 1024,
        }
    }
}
