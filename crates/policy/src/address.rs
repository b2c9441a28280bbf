//! From where a request comes, where proxies stand before the gateway, and whether anybody may come
//! from there.
//!
//! Only a proxy that the configuration trusts is believed what it says of those for whom it speaks.
//! Pure decisions over addresses and the bytes of headers; which headers there are is the server's.

mod forwarded;
mod networks;

use std::net::{IpAddr, Ipv6Addr};

pub use networks::Networks;

/// Trusted proxies in a row; whoever has more of them has a loop.
pub const MOST_HOPS: usize = 16;
/// The part of an IPv6 address that one subscriber has as a rule (RFC 6177).
const SUBSCRIBERS: u128 = !0 << 64;
/// Most bytes of an entry that are repeated in a refusal.
const SHOWN: usize = 64;

/// Which addresses are proxies to be believed, and which may use the gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    /// Proxies that say for whom they speak.
    pub trusted_proxies: Networks,
    /// The only ones that may come; without it all may.
    pub allowed: Option<Networks>,
    /// Those that may not; wins over [`Self::allowed`].
    pub denied: Networks,
}

/// What a proxy said of its client: the lines of each header, in the order in which they came.
#[derive(Debug, Clone, Copy, Default)]
pub struct Told<'a> {
    /// Of `X-Forwarded-For`.
    pub x_forwarded_for: &'a [&'a [u8]],
    /// Of `Forwarded`.
    pub forwarded: &'a [&'a [u8]],
}

/// A trusted proxy does not say in a way that can be understood for whom it speaks; answer 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// No address stands where one must.
    #[error("`{entry}` stands where a trusted proxy names its client, and is no address")]
    Entry {
        /// What stands there, escaped and cut.
        entry: String,
    },
    /// One proxy after another.
    #[error("more than {MOST_HOPS} trusted proxies stand in a row: the request goes in a circle")]
    Hops,
    /// Two headers name two clients.
    #[error(
        "`Forwarded` and `X-Forwarded-For` name two clients: let the proxy set one of them and \
         take the other away"
    )]
    Ambiguous,
}

/// Nobody may use the gateway from there; answer 403.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Barred {
    /// It is on a list.
    #[error("nobody may use the gateway from `{address}`, by `server.deny`")]
    Denied {
        /// The client's.
        address: IpAddr,
    },
    /// It is not on a list.
    #[error("nobody may use the gateway from `{address}`, which is not in `server.allow`")]
    NotAllowed {
        /// The client's.
        address: IpAddr,
    },
}

/// Returns what is counted together with an address: an address of IPv4 alone, one of IPv6 with the
/// rest of its network of 64 bits, of which one subscriber has all.
pub fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & SUBSCRIBERS).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

// === impl AddressPolicy ===

impl AddressPolicy {
    /// Tells whether a proxy at an address is believed.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.contains(peer)
    }

    /// Finds the client behind trusted proxies: the last address in the list that is none of theirs,
    /// or the first one of all where every one is. `None` if the proxy names nobody, and so asks for
    /// itself.
    ///
    /// # Errors
    ///
    /// [`Unreadable`]: the request must be refused, because whoever it comes from could be anybody.
    pub fn client(&self, told: Told<'_>) -> Result<Option<IpAddr>, Unreadable> {
        let by_standard = match told.forwarded {
            [] => None,
            lines => {
                let elements = forwarded::forwarded(lines)?.into_iter();
                self.nearest(elements.map(|element| element.node))?
            }
        };
        let by_habit = match told.x_forwarded_for {
            [] => None,
            lines => self.nearest(forwarded::x_forwarded_for(lines))?,
        };
        match (by_standard, by_habit) {
            // A proxy passes on what it does not know, and so a header that its client made up.
            (Some(one), Some(other)) if one != other => Err(Unreadable::Ambiguous),
            (found, other) => Ok(found.or(other)),
        }
    }

    /// Tells whether the client's own connection was encrypted, as the trusted proxy to which it was
    /// open says in `Forwarded`; `None` if it does not say.
    pub fn is_https(&self, forwarded: &[&[u8]]) -> Option<bool> {
        let mut is_https = None;
        for element in forwarded::forwarded(forwarded).ok()?.into_iter().take(MOST_HOPS) {
            is_https = element.is_https;
            // What stands before was written by whoever this is.
            if element.node.is_ok_and(|address| !self.trusts(address)) {
                break;
            }
        }
        is_https
    }

    fn nearest(
        &self,
        entries: impl Iterator<Item = Result<IpAddr, Unreadable>>,
    ) -> Result<Option<IpAddr>, Unreadable> {
        let mut farthest = None;
        for (n_hops, entry) in entries.enumerate() {
            if n_hops >= MOST_HOPS {
                return Err(Unreadable::Hops);
            }
            let address = entry?;
            if !self.trusts(address) {
                return Ok(Some(address));
            }
            farthest = Some(address);
        }
        Ok(farthest)
    }

    /// Tells whether anybody may use the gateway from an address.
    ///
    /// # Errors
    ///
    /// [`Barred`]: answer 403 and do nothing else.
    pub fn may_come(&self, address: IpAddr) -> Result<(), Barred> {
        if self.denied.contains(address) {
            return Err(Barred::Denied { address });
        }
        match &self.allowed {
            Some(allowed) if !allowed.contains(address) => Err(Barred::NotAllowed { address }),
            _ => Ok(()),
        }
    }
}

// === impl Unreadable ===

impl Unreadable {
    fn entry(raw: &[u8]) -> Self {
        let (cut, mark) = raw.get(..SHOWN).map_or((raw, ""), |start| (start, "..."));
        Self::Entry { entry: format!("{}{mark}", cut.escape_ascii()) }
    }
}

#[cfg(test)]
mod tests;
