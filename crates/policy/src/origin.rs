//! Whether a request was meant for this gateway: the `Host` and `Origin` headers.
//!
//! A web page can send requests to the loopback and, by DNS rebinding, read the answers. Its
//! browser then sends the page's own name as `Host` or `Origin`, so names that are not ours are
//! refused, on every route and before authentication (MCP, streamable HTTP, security warning;
//! RFC 6454 for origins). This is no authentication: whoever is no browser sends what they like.
//!
//! Invariant: a header is either read in full by the narrow grammar of [`authority`] or refused;
//! nothing is decided by prefix, suffix or search.

mod authority;

use std::net::{IpAddr, SocketAddr};

use authority::{Authority, Host};

/// Most bytes of a header that are repeated in a refusal.
const SHOWN: usize = 128;

/// The names that the listeners answer to.
#[derive(Debug, Clone)]
pub struct HostPolicy {
    listen: Vec<IpAddr>,
    hosts: Vec<Authority>,
    origins: Vec<Origin>,
    is_open_to_pages: bool,
}

/// Why a request is refused; answer 403.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginRefusal {
    /// HTTP/1.1 requires the header.
    #[error("the `Host` header is missing")]
    NoHost,
    /// The request was meant for another host.
    #[error(
        "`{value}` in the `Host` header is not a name of this gateway; `server.allowed_hosts` \
         lists the names beyond the loopback"
    )]
    Host {
        /// The header, escaped and cut.
        value: String,
    },
    /// A foreign page caused the request.
    #[error(
        "`{value}` in the `Origin` header may not use this gateway; `server.allowed_origins` \
         lists the origins beyond the loopback"
    )]
    Origin {
        /// The header, escaped and cut.
        value: String,
    },
}

/// Why an entry of the configuration is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// Not a host.
    #[error("`{entry}` is not a host: write `name`, `name:port`, an address or `[v6]:port`")]
    Host {
        /// The entry.
        entry: String,
    },
    /// Not an origin.
    #[error("`{entry}` is not an origin: write `https://name`, `scheme://name:port` or `null`")]
    Origin {
        /// The entry.
        entry: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    /// A sandboxed frame, a file, a redirect across origins.
    Null,
    Web {
        secure: bool,
        authority: Authority,
    },
    /// Of an application or an extension, in lower case; equal to a configured one or refused.
    Other(String),
}

// === impl HostPolicy ===

impl HostPolicy {
    /// Makes the policy of a listener.
    ///
    /// `allowed_hosts` are names or addresses with or without a port; without one any port is
    /// meant. `allowed_origins` are origins as browsers send them.
    pub fn new(
        listen: SocketAddr,
        allowed_hosts: &[String],
        allowed_origins: &[String],
    ) -> Result<Self, BadPattern> {
        let hosts = allowed_hosts.iter().map(|entry| {
            Authority::parse(entry).ok_or_else(|| BadPattern::Host { entry: entry.clone() })
        });
        let origins = allowed_origins.iter().map(|entry| {
            let origin = entry.strip_suffix('/').unwrap_or(entry);
            Origin::parse(origin).ok_or_else(|| BadPattern::Origin { entry: entry.clone() })
        });
        Ok(Self {
            listen: vec![listen.ip().to_canonical()],
            hosts: hosts.collect::<Result<_, _>>()?,
            origins: origins.collect::<Result<_, _>>()?,
            is_open_to_pages: false,
        })
    }

    /// Adds the address of another listener. One policy serves them all: an address in `Host` was
    /// typed or configured by somebody, whichever of our ports it led to.
    #[must_use]
    pub fn and_on(mut self, listen: SocketAddr) -> Self {
        self.listen.push(listen.ip().to_canonical());
        self
    }

    /// Lets pages of every origin call. Their browsers are then no proof of anything: it has to be
    /// asked who calls, the loopback included.
    #[must_use]
    pub fn and_of_any_page(mut self) -> Self {
        self.is_open_to_pages = true;
        self
    }

    /// Decides on the headers of a request, `None` for absent ones.
    ///
    /// The caller refuses requests that repeat one of them, and takes the authority of the
    /// request line before the `Host` header where it has one (RFC 9112, section 3.2.2).
    ///
    /// # Errors
    /// [`OriginRefusal`]: answer 403 and do nothing else.
    pub fn check(&self, host: Option<&[u8]>, origin: Option<&[u8]>) -> Result<(), OriginRefusal> {
        let raw_host = host.ok_or(OriginRefusal::NoHost)?;
        let host = text(raw_host)
            .and_then(Authority::parse)
            .filter(|host| self.is_ours(host))
            .ok_or_else(|| OriginRefusal::Host { value: shown(raw_host) })?;
        let Some(raw_origin) = origin else { return Ok(()) };
        text(raw_origin)
            .and_then(Origin::parse)
            .filter(|origin| self.may_use(origin, &host))
            .map(|_| ())
            .ok_or_else(|| OriginRefusal::Origin { value: shown(raw_origin) })
    }

    fn is_ours(&self, host: &Authority) -> bool {
        let is_heard = |listen: &IpAddr| match host.host {
            // Everything that a listener on the unspecified address hears as an address was sent
            // to one of this machine's; rebinding needs a name.
            Host::Address(address) if listen.is_unspecified() => !address.is_unspecified(),
            Host::Address(address) => address == *listen,
            Host::Name(_) => false,
        };
        self.listen.iter().any(is_heard) || self.is_named(host)
    }

    fn is_named(&self, host: &Authority) -> bool {
        host.is_loopback() || self.hosts.iter().any(|allowed| allowed.covers(host))
    }

    fn may_use(&self, origin: &Origin, host: &Authority) -> bool {
        if self.is_open_to_pages || self.origins.contains(origin) {
            return true;
        }
        match origin {
            Origin::Null | Origin::Other(_) => false,
            Origin::Web { secure, authority } => {
                let default_port = if *secure { 443 } else { 80 };
                self.is_named(authority) || authority.same_as(host, default_port)
            }
        }
    }
}

// === impl Origin ===

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        if text == "null" {
            return Some(Self::Null);
        }
        let (scheme, rest) = text.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let secure = match scheme.as_str() {
            "http" => false,
            "https" => true,
            _ => return Self::other(&scheme, rest),
        };
        let authority = Authority::parse(rest)?.without_port(if secure { 443 } else { 80 });
        Some(Self::Web { secure, authority })
    }

    fn other(scheme: &str, rest: &str) -> Option<Self> {
        let mut letters = scheme.bytes();
        let scheme_is_fine = letters.next()?.is_ascii_lowercase()
            && letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        let rest_is_fine = !rest.is_empty()
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte));
        (scheme_is_fine && rest_is_fine)
            .then(|| Self::Other(format!("{scheme}://{}", rest.to_ascii_lowercase())))
    }
}

fn text(raw: &[u8]) -> Option<&str> {
    std::str::from_utf8(raw).ok()
}

fn shown(raw: &[u8]) -> String {
    let (cut, mark) = raw.get(..SHOWN).map_or((raw, ""), |start| (start, "..."));
    format!("{}{mark}", cut.escape_ascii())
}

#[cfg(test)]
mod tests;
