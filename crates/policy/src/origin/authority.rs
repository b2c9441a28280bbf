//! Reads `host[:port]` by a grammar that leaves nothing to interpretation.
//!
//! Narrower than RFC 3986 on purpose: no user information, no percent-encoding, no zone ids, no
//! numbers in disguise (`127.1`, `0x7f.1`): what two parsers could read differently is refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longest name of DNS.
const MOST_NAME: usize = 253;

/// A host and perhaps a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Authority {
    pub(super) host: Host,
    port: Option<u16>,
}

/// A host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    /// IPv4-mapped IPv6 addresses stand as IPv4.
    Address(IpAddr),
    /// Lower case, without the dot of an absolute name.
    Name(String),
}

impl Authority {
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix('[') {
            let (address, rest) = rest.split_once(']')?;
            let address = IpAddr::V6(address.parse::<Ipv6Addr>().ok()?).to_canonical();
            let port = match rest {
                "" => None,
                _ => Some(port(rest.strip_prefix(':')?)?),
            };
            return Some(Self { host: Host::Address(address), port });
        }
        let (host, port) = match text.split_once(':') {
            None => (text, None),
            Some((host, digits)) => (host, Some(port(digits)?)),
        };
        Some(Self { host: Host::parse(host)?, port })
    }

    pub(super) fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Address(address) => address.is_loopback(),
            Host::Name(name) => name == "localhost",
        }
    }

    /// Tells whether this pattern names the other; without a port it names every port.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.host == other.host && self.port.is_none_or(|port| other.port == Some(port))
    }

    /// Tells whether both are the same place.
    pub(super) fn same_as(&self, other: &Self, default_port: u16) -> bool {
        let port = |authority: &Self| authority.port.unwrap_or(default_port);
        self.host == other.host && port(self) == port(other)
    }

    /// Drops the port if it is the scheme's own.
    pub(super) fn without_port(self, default_port: u16) -> Self {
        Self { port: self.port.filter(|port| *port != default_port), ..self }
    }
}

impl Host {
    fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Some(Self::Address(IpAddr::V4(address)));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let labels_are_fine = name.split('.').all(|label| {
            !label.is_empty()
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        });
        // A last label that is a number makes browsers read the whole as an IPv4 address.
        let last = name.rsplit('.').next()?.to_ascii_lowercase();
        let is_number = last.bytes().all(|byte| byte.is_ascii_digit())
            || last
                .strip_prefix("0x")
                .is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        (labels_are_fine && !is_number && name.len() <= MOST_NAME)
            .then(|| Self::Name(name.to_ascii_lowercase()))
    }
}

fn port(digits: &str) -> Option<u16> {
    // `parse` alone would take a sign.
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}
