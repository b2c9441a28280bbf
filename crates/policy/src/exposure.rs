//! Where the gateway may listen: nobody beyond this machine commands it without authentication.

use std::net::SocketAddr;

/// Why an address is not listened on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "listening on `{address}` without authentication would let everybody who reaches it command \
     the gateway: name clients under `auth`, or listen on a loopback address such as `127.0.0.1`"
)]
pub struct Exposed {
    /// The address that was asked for.
    pub address: SocketAddr,
}

/// Decides whether the gateway may listen on an address.
///
/// The loopback is always allowed; any other address, the unspecified one included, only once
/// clients must authenticate.
///
/// # Errors
/// [`Exposed`]: the start must fail, or the listener must not be opened.
pub fn may_listen(address: SocketAddr, must_authenticate: bool) -> Result<(), Exposed> {
    if must_authenticate || is_loopback(address) { Ok(()) } else { Err(Exposed { address }) }
}

/// Tells whether an address is reached from this machine alone; `::ffff:127.0.0.1` is.
pub fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::may_listen;

    #[track_caller]
    fn check(address: &str, without_tokens: bool) {
        let address = address.parse().unwrap();
        assert_eq!(may_listen(address, false).is_ok(), without_tokens, "{address}");
        assert!(may_listen(address, true).is_ok(), "{address}");
    }

    #[test]
    fn the_loopback_needs_no_token() {
        check("127.0.0.1:8080", true);
        check("127.8.9.1:0", true);
        check("[::1]:8080", true);
        check("[::ffff:127.0.0.1]:8080", true);
    }

    #[test]
    fn every_other_address_needs_one() {
        check("0.0.0.0:8080", false);
        check("[::]:8080", false);
        check("192.168.1.5:8080", false);
        check("[fe80::1]:8080", false);
        check("[::ffff:10.0.0.1]:8080", false);
        // Formerly read as the loopback by some stacks; it is not.
        check("[::127.0.0.1]:8080", false);
    }

    #[test]
    fn the_refusal_says_what_to_do() {
        let refusal = may_listen("0.0.0.0:8080".parse().unwrap(), false).unwrap_err().to_string();
        assert!(refusal.contains("`0.0.0.0:8080`") && refusal.contains("`auth`"));
    }
}
