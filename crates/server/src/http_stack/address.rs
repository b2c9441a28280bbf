//! From where a request comes: the one place where proxies are believed, or not.
//!
//! What follows sees the client behind a trusted proxy as [`Peer::Behind`] it, and takes its
//! address for that of the request. Headers of anybody else change nothing here; `gate` refuses
//! them where nobody has to say who they are.

use gantry_core::ErrorCode;
use gantry_policy::address::{Told, Unreadable};
use http::header::FORWARDED;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::gate;
use super::refusal::Refusal;
use super::route::Route;
use super::via::{Peer, Via};
use crate::live::Live;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Finds out how a request came: from the client, or from a trusted proxy that says from whom.
///
/// What cannot be understood is told beside it and refused later, once it is known that the request
/// was meant for us; until then it comes from the proxy.
pub(super) fn find(live: &Live, via: Via, headers: &HeaderMap) -> (Via, Result<(), Unreadable>) {
    let policy = &live.addresses;
    let Peer::At(proxy) = via.peer else { return (via, Ok(())) };
    if policy.trusted_proxies.is_empty() || !policy.trusts(proxy.ip()) {
        return (via, Ok(()));
    }
    let (habit, standard) = (lines(headers, &X_FORWARDED_FOR), lines(headers, &FORWARDED));
    match policy.client(Told { x_forwarded_for: &habit, forwarded: &standard }) {
        Ok(client) => {
            let told = policy.is_https(&standard).unwrap_or_else(|| is_https(headers));
            let peer = client.map_or(via.peer, |client| Peer::Behind { proxy, client });
            (Via { peer, is_tls: via.is_tls || told, ..via }, Ok(()))
        }
        Err(unreadable) => (via, Err(unreadable)),
    }
}

/// Refuses what a trusted proxy says in a way that cannot be understood.
pub(super) fn is_readable(told: Result<(), Unreadable>) -> Result<(), Refusal> {
    told.map_err(|error| Refusal::new(ErrorCode::ForwardedUnreadable, error.to_string()))
}

/// Refuses whoever comes from where nobody may.
///
/// The user of the socket has no address. Probes that the machine itself makes are answered
/// whatever the lists say: they learn what is open to everybody, and a service manager or a
/// container that no longer gets an answer would end a gateway in which nothing is wrong.
pub(super) fn may_come(
    live: &Live,
    via: Via,
    route: Route<'_>,
    headers: &HeaderMap,
) -> Result<(), Refusal> {
    let Some(address) = via.peer.address() else { return Ok(()) };
    let Err(barred) = live.addresses.may_come(address) else { return Ok(()) };
    if route.is_probe() && via.peer.is_near() && !gate::is_forwarded(headers) {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::AddressRefused, barred.to_string()))
}

/// Tells whether the client's own connection was encrypted, as the nearest proxy says by habit.
fn is_https(headers: &HeaderMap) -> bool {
    let last = headers.get_all(X_FORWARDED_PROTO).iter().next_back();
    let last = last.and_then(|line| line.to_str().ok()).and_then(|line| line.rsplit(',').next());
    last.is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"))
}

fn lines<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a [u8]> {
    headers.get_all(name).iter().map(HeaderValue::as_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Env, Source};
    use crate::http_stack::Face;

    fn live(server: &str) -> Live {
        let text = format!("server: {{ {server} }}");
        let config = Config::parse(&text, &Source::default(), &Env::default()).unwrap();
        Live::new(config, None).unwrap()
    }

    fn via(peer: &str) -> Via {
        Via { face: Face::Everything, is_tls: false, peer: Peer::At(peer.parse().unwrap()) }
    }

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let live = live("trusted_proxies: [127.0.0.1, 10.0.0.0/8]");
        let told = headers(&[("x-forwarded-for", "203.0.113.7"), ("x-forwarded-proto", "https")]);
        let (found, told_well) = find(&live, via("10.1.1.1:80"), &told);
        assert!(told_well.is_ok() && found.is_tls);
        assert_eq!(found.peer.address(), Some("203.0.113.7".parse().unwrap()));
        assert!(!found.peer.is_near());
        for peer in ["192.0.2.1:80", "[::1]:80"] {
            let (found, _) = find(&live, via(peer), &told);
            assert_eq!((found.peer, found.is_tls), (via(peer).peer, false), "{peer}");
        }
        let nothing = HeaderMap::new();
        assert_eq!(find(&live, via("10.1.1.1:80"), &nothing).0, via("10.1.1.1:80"));
        let odd = headers(&[("x-forwarded-for", "unknown")]);
        let (found, told_well) = find(&live, via("10.1.1.1:80"), &odd);
        assert!(told_well.is_err() && found == via("10.1.1.1:80"));
    }

    #[test]
    fn how_the_client_came_is_believed_of_a_trusted_proxy_alone() {
        let live = live("trusted_proxies: [10.0.0.0/8]");
        let is_tls = |peer: &str, told: &[(&'static str, &'static str)]| {
            find(&live, via(peer), &headers(told)).0.is_tls
        };
        for (told, expected) in [
            (&[("x-forwarded-proto", "https")][..], true),
            (&[("x-forwarded-proto", "https, http")], false),
            (&[("forwarded", "for=203.0.113.7;proto=https")], true),
            (&[("forwarded", "for=203.0.113.7;proto=https, for=10.0.0.2;proto=http")], true),
            (&[("forwarded", "for=192.0.2.1;proto=https, for=203.0.113.7;proto=http")], false),
            (&[("forwarded", "for=203.0.113.7;proto=http"), ("x-forwarded-proto", "https")], false),
            (&[("forwarded", "for=203.0.113.7"), ("x-forwarded-proto", "https")], true),
            (&[("forwarded", "proto=https;for=203.0.113.7;proto=http")], false),
        ] {
            assert_eq!(is_tls("10.0.0.1:80", told), expected, "{told:?}");
            assert!(!is_tls("192.0.2.9:80", told), "{told:?}");
        }
    }

    #[test]
    fn a_client_on_the_machine_of_the_proxy_is_not_taken_for_one_of_ours() {
        let live = live("trusted_proxies: [127.0.0.1]");
        let told = headers(&[("x-forwarded-for", "127.0.0.1")]);
        assert!(!find(&live, via("127.0.0.1:80"), &told).0.peer.is_near());
    }

    #[test]
    fn the_machines_own_probes_pass_whatever_the_lists_say() {
        let live = live("allow: [10.0.0.0/8], deny: [10.0.0.13, 127.0.0.0/8]");
        let may = |peer: &str, path: &str, told: &HeaderMap| {
            may_come(&live, via(peer), Route::of(path), told).is_ok()
        };
        let (nothing, told) = (HeaderMap::new(), headers(&[("x-real-ip", "10.0.0.1")]));
        for path in ["/health", "/ready", "/actuator/health/liveness"] {
            assert!(may("127.0.0.1:80", path, &nothing), "{path}");
            assert!(!may("127.0.0.1:80", path, &told), "{path}");
            assert!(!may("192.0.2.1:80", path, &nothing), "{path}");
        }
        for path in ["/", "/mcp", "/api/servers", "/metrics", "/nothing"] {
            assert!(!may("127.0.0.1:80", path, &nothing), "{path}");
            assert!(may("10.0.0.1:80", path, &nothing), "{path}");
            assert!(!may("10.0.0.13:80", path, &nothing), "{path}");
        }
        let by_socket = Via { peer: Peer::SameUser, ..via("10.0.0.1:80") };
        assert!(may_come(&live, by_socket, Route::Api, &nothing).is_ok());
    }
}
