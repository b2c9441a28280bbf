//! Decides which IP addresses may be connected to.
//!
//! A URL that an operator configured may point anywhere. A URL that came with a request must not
//! reach the host itself, its network or a cloud's metadata service; it is checked after name
//! resolution, on the very address that is then connected to, so a name that resolves differently
//! the second time gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which addresses a target may resolve to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum AddressGuard {
    /// All: for URLs from the configuration.
    #[default]
    Any,
    /// Only addresses of the public internet: for URLs that a caller chose.
    PublicOnly,
}

impl AddressGuard {
    /// Returns whether the address may be connected to.
    pub fn permits(self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::Any, _) => true,
            (Self::PublicOnly, IpAddr::V4(address)) => is_public_v4(address),
            (Self::PublicOnly, IpAddr::V6(address)) => is_public_v6(address),
        }
    }
}

/// Follows the IANA registry of special-purpose addresses.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (18..20).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99);
    !special
}

/// Only `2000::/3` is public, less what is special in it; and NAT64 and mapped addresses, by the
/// IPv4 address that they stand for.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let embedded = |high: u16, low: u16| {
        let ([first, second], [third, fourth]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(first, second, third, fourth))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] => embedded(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        // 6to4 carries an IPv4 address.
        [0x2002, high, low, ..] => embedded(high, low),
        // Teredo, ORCHID and other protocols; then two blocks for documentation.
        [0x2001, 0..0x200 | 0xdb8, ..] | [0x3fff, 0..0x1000, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(public: bool, addresses: &[&str]) {
        for text in addresses {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(AddressGuard::PublicOnly.permits(address), public, "{text}");
            assert!(AddressGuard::Any.permits(address));
        }
    }

    #[test]
    fn public_addresses_pass() {
        check(true, &["1.1.1.1", "93.184.215.14", "172.32.0.1", "100.128.0.1", "198.20.0.1"]);
        check(true, &["2606:4700::1111", "64:ff9b::101:101", "2002:101:101::", "::ffff:1.1.1.1"]);
    }

    #[test]
    fn everything_inside_is_refused() {
        check(false, &["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"]);
        check(false, &["0.0.0.0", "100.64.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255"]);
        check(false, &["::1", "::", "fe80::1", "fc00::1", "fd00::1", "ff02::1", "2001:db8::1"]);
    }

    #[test]
    fn an_inside_address_in_another_dress_is_refused() {
        check(false, &["::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"]);
        check(false, &["::ffff:169.254.169.254", "2001::1", "64:ff9b:1::1", "100::1"]);
    }
}
