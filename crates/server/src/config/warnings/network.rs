//! What is hardly meant of who reaches the gateway, and how.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use gantry_core::ErrorCode;
use gantry_policy::access::Network;
use gantry_policy::address::Networks;
use gantry_policy::exposure::is_loopback;

use super::at;
use crate::config::problem::Problem;
use crate::config::{Config, Server};

/// Looks for listeners and lists of addresses that do what nobody wants.
pub(super) fn find(config: &Config) -> Vec<Problem> {
    let server = &config.server;
    let clear = in_the_clear(server).into_iter();
    clear.chain(everybody_trusted(server)).chain(nobody_allowed(server)).collect()
}

/// Listeners without TLS that others than this machine reach. With a trusted proxy it is the proxy
/// that speaks TLS.
fn in_the_clear(server: &Server) -> Vec<Problem> {
    if !server.trusted_proxies.is_empty() {
        return Vec::new();
    }
    let redirects = server.https.as_ref().is_some_and(|https| https.redirect);
    let listeners = [
        ("server.listen", Some(server.listen).filter(|_| !redirects)),
        ("server.management.listen", server.management),
    ];
    let is_open = |address: &SocketAddr| !is_loopback(*address);
    let open =
        listeners.into_iter().filter_map(|(key, address)| Some((key, address.filter(is_open)?)));
    let warning = |(key, address)| {
        let path = at(key);
        let message = format!(
            "`{path}` is `{address}`, beyond the loopback and without TLS: tokens and keys travel in \
             the clear"
        );
        let hint = "let clients come by `server.https` with `redirect: true`, or listen on \
                    `127.0.0.1` behind a proxy with TLS, or name that proxy in \
                    `server.trusted_proxies`";
        Problem::new(ErrorCode::SecretsInTheClear, &path, message).with_hint(Some(hint))
    };
    open.map(warning).collect()
}

/// A list of proxies that everybody is on: each client then says itself where it comes from.
fn everybody_trusted(server: &Server) -> Option<Problem> {
    let trusted: Networks = server.trusted_proxies.iter().collect();
    let path = at("server.trusted_proxies");
    trusted.is_everybody().then(|| {
        let message = format!(
            "`{path}` trusts every address, so that each client can say that it comes from anywhere"
        );
        Problem::new(ErrorCode::EverybodyTrusted, &path, message)
            .with_hint(Some("name the addresses that your proxies connect from, and no others"))
    })
}

/// Lists that leave nobody.
fn nobody_allowed(server: &Server) -> Option<Problem> {
    if server.allow.is_empty() {
        return None;
    }
    let path = at("server.allow");
    let denied: Networks = server.deny.iter().collect();
    let (message, hint) = if server.allow.iter().all(|network| denied.covers(network)) {
        (
            format!("everything in `{path}` is in `server.deny` too, which wins"),
            "shorten one of them",
        )
    } else if is_on_loopback_alone(server) && !reaches_loopback(&server.allow) {
        (
            format!("`{path}` leaves out the loopback, and the gateway listens on nothing else"),
            "add `127.0.0.1` and `::1`, or name the proxy before the gateway in \
             `server.trusted_proxies`",
        )
    } else {
        return None;
    };
    Some(Problem::new(ErrorCode::NobodyAllowed, &path, message).with_hint(Some(hint)))
}

fn is_on_loopback_alone(server: &Server) -> bool {
    let https = server.https.as_ref().map(|https| https.listen);
    let listeners = [Some(server.listen), https];
    server.trusted_proxies.is_empty() && listeners.into_iter().flatten().all(is_loopback)
}

fn reaches_loopback(allowed: &[Network]) -> bool {
    let near = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()];
    near.into_iter().any(|near| allowed.iter().any(|network| network.contains(near)))
}

#[cfg(test)]
mod tests {
    use super::super::super::{Config, Env, Source};

    #[track_caller]
    fn codes(server: &str) -> Vec<&'static str> {
        let auth = "auth: { required: true }";
        let text = format!("{auth}\nserver: {{ {server} }}");
        let checked = Config::check_text(&text, &Source::default(), &Env::default()).unwrap();
        checked.warnings.iter().map(|warning| warning.code.code()).collect()
    }

    #[test]
    fn what_travels_in_the_clear_is_told() {
        assert_eq!(codes("listen: '127.0.0.1:8080'"), [""; 0]);
        assert_eq!(codes("listen: '[::1]:8080'"), [""; 0]);
        assert_eq!(codes("listen: '0.0.0.0:8080'"), ["E0130"]);
        assert_eq!(codes("listen: '192.0.2.1:8080', management: { listen: '0.0.0.0:1' }").len(), 2);
        assert_eq!(codes("listen: '0.0.0.0:8080', trusted_proxies: [10.0.0.1]"), [""; 0]);
    }

    #[test]
    fn a_list_of_proxies_with_everybody_on_it_is_told() {
        assert_eq!(codes("trusted_proxies: [10.0.0.0/8, fd00::/8]"), [""; 0]);
        assert_eq!(codes("trusted_proxies: ['0.0.0.0/0']"), ["E0132"]);
        assert_eq!(codes("trusted_proxies: ['::/0', 10.0.0.1]"), ["E0132"]);
    }

    #[test]
    fn lists_that_leave_nobody_are_told() {
        assert_eq!(codes("allow: [127.0.0.0/8, 10.0.0.0/8]"), [""; 0]);
        assert_eq!(codes("allow: [10.0.0.0/8]"), ["E0133"]);
        assert_eq!(codes("allow: [10.0.0.0/8], trusted_proxies: [127.0.0.1]"), [""; 0]);
        assert_eq!(
            codes("allow: [10.1.0.0/16, 127.0.0.1], deny: [10.0.0.0/8, 127.0.0.1]"),
            ["E0133"]
        );
        assert_eq!(codes("allow: [10.1.0.0/16, 127.0.0.1], deny: [10.0.0.0/8]"), [""; 0]);
    }

    #[test]
    fn a_limit_of_connections_that_is_never_reached_is_told() {
        assert_eq!(codes("connections: { max: 10, per_address: 9 }"), [""; 0]);
        assert_eq!(codes("connections: { max: 10, per_address: 10 }"), ["E0434"]);
    }
}
