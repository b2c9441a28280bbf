//! Which proxy a URL is reached by: the values of `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.
//!
//! The caller hands the values in; this crate does not read the environment. The loopback is never
//! reached by a proxy. How a tunnel is opened is in `tunnel`.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use url::{Host, Url};

/// Proxies by scheme, and what is reached without.
#[derive(Debug, Clone, Default)]
pub struct ProxyConfig {
    https: Option<Arc<Proxy>>,
    http: Option<Arc<Proxy>>,
    exceptions: Vec<Exception>,
}

/// One proxy.
pub(crate) struct Proxy {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The value of `Proxy-Authorization`.
    pub(crate) authorization: Option<HeaderValue>,
}

/// Why a proxy value cannot be used. The value itself may hold a password and is not shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// It is no URL.
    #[error("`{variable}` is not a valid URL: {problem}")]
    Malformed {
        /// Which value.
        variable: &'static str,
        /// What the parser says.
        problem: String,
    },
    /// It is not an HTTP proxy reached over plain TCP.
    #[error("`{variable}` has the scheme `{scheme}`, only `http` is supported")]
    Scheme {
        /// Which value.
        variable: &'static str,
        /// Its scheme.
        scheme: String,
    },
}

/// An entry of `NO_PROXY`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Exception {
    what: Matcher,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Matcher {
    Everything,
    /// A network; a single address is one with all its bits.
    Network {
        address: IpAddr,
        bits: u8,
    },
    /// A domain and all below it.
    Domain(String),
    /// All below a domain: written with a leading dot.
    Below(String),
}

// === impl ProxyConfig ===

impl ProxyConfig {
    /// Reads the three values; empty ones count as absent. `None` when there is no proxy.
    pub fn from_values(
        https: Option<&str>,
        http: Option<&str>,
        no_proxy: Option<&str>,
    ) -> Result<Option<Self>, ProxyError> {
        let https = https.map_or(Ok(None), |value| Proxy::parse("HTTPS_PROXY", value))?;
        let http = http.map_or(Ok(None), |value| Proxy::parse("HTTP_PROXY", value))?;
        if https.is_none() && http.is_none() {
            return Ok(None);
        }
        let exceptions =
            no_proxy.unwrap_or_default().split([',', ' ']).filter_map(Exception::parse).collect();
        Ok(Some(Self { https, http, exceptions }))
    }

    /// Returns the proxy for a host without brackets; `None` means directly.
    pub(crate) fn select(&self, https: bool, host: &str, port: u16) -> Option<&Arc<Proxy>> {
        let proxy = if https { &self.https } else { &self.http };
        let address: Option<IpAddr> = host.parse().ok();
        let loopback = host == "localhost" || address.is_some_and(|address| address.is_loopback());
        let excepted = self.exceptions.iter().any(|entry| entry.matches(host, address, port));
        if loopback || excepted { None } else { proxy.as_ref() }
    }
}

// === impl Proxy ===

impl Proxy {
    fn parse(variable: &'static str, value: &str) -> Result<Option<Arc<Self>>, ProxyError> {
        let value = value.trim();
        if value.is_empty() {
            return Ok(None);
        }
        let malformed = |problem: String| ProxyError::Malformed { variable, problem };
        // `proxy:3128` is common, and is no URL.
        let url = if value.contains("://") {
            Url::parse(value)
        } else {
            Url::parse(&format!("http://{value}"))
        };
        let url = url.map_err(|error| malformed(error.to_string()))?;
        if url.scheme() != "http" {
            return Err(ProxyError::Scheme { variable, scheme: url.scheme().to_owned() });
        }
        let host = match url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => return Err(malformed("it has no host".to_owned())),
        };
        let port = url.port_or_known_default().unwrap_or(80);
        Ok(Some(Arc::new(Self { host, port, authorization: basic(&url) })))
    }

    /// Returns host and port, for messages.
    pub(crate) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Proxy")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("authorization", &self.authorization.as_ref().map(|_| "redacted"))
            .finish()
    }
}

fn basic(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut credentials = percent_decode(url.username());
    credentials.push(b':');
    credentials.extend(percent_decode(url.password().unwrap_or_default()));
    let mut value =
        HeaderValue::try_from(format!("Basic {}", STANDARD.encode(credentials))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Decodes `%XX`; what is no escape stays as it is.
fn percent_decode(text: &str) -> Vec<u8> {
    let hex = |byte: Option<&u8>| byte.and_then(|byte| (*byte as char).to_digit(16));
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(&byte) = bytes.get(index) {
        let digits = (hex(bytes.get(index + 1)), hex(bytes.get(index + 2)));
        if let (b'%', (Some(high), Some(low))) = (byte, digits) {
            decoded.extend(u8::try_from(high * 16 + low));
            index += 3;
        } else {
            decoded.push(byte);
            index += 1;
        }
    }
    decoded
}

// === impl Exception ===

impl Exception {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        if text.is_empty() {
            return None;
        }
        if text == "*" {
            return Some(Self { what: Matcher::Everything, port: None });
        }
        if let Some(what) = network(&text) {
            return Some(Self { what, port: None });
        }
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) => (name, Some(port.parse().ok()?)),
            None => (text.as_str(), None),
        };
        let what = if let Some(what) = network(name.trim_matches(['[', ']'])) {
            what
        } else if let Some(rest) = name.strip_prefix("*.").or_else(|| name.strip_prefix('.')) {
            Matcher::Below(rest.to_owned())
        } else {
            Matcher::Domain(name.to_owned())
        };
        Some(Self { what, port })
    }

    fn matches(&self, host: &str, address: Option<IpAddr>, port: u16) -> bool {
        if self.port.is_some_and(|only| only != port) {
            return false;
        }
        match &self.what {
            Matcher::Everything => true,
            Matcher::Network { address: network, bits } => {
                address.is_some_and(|address| shares_prefix(address, *network, *bits))
            }
            Matcher::Domain(name) => host == name || is_below(host, name),
            Matcher::Below(name) => is_below(host, name),
        }
    }
}

/// Reads an address or `address/bits`.
fn network(text: &str) -> Option<Matcher> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    Some(Matcher::Network { address, bits: bits.unwrap_or(width).min(width) })
}

fn shares_prefix(left: IpAddr, right: IpAddr, bits: u8) -> bool {
    let (left, right, width) = match (left, right) {
        (IpAddr::V4(left), IpAddr::V4(right)) => {
            (u128::from(left.to_bits()), u128::from(right.to_bits()), 32)
        }
        (IpAddr::V6(left), IpAddr::V6(right)) => (left.to_bits(), right.to_bits(), 128),
        _ => return false,
    };
    // A shift by the whole width is not defined, and a prefix of no bits shares everything.
    bits == 0 || (left ^ right) >> (width - u32::from(bits)) == 0
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests;
