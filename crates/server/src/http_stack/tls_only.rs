//! What makes clients use TLS: the redirect from the plain listener, and the header by which
//! browsers remember it (RFC 6797).

use std::time::Duration;

use gantry_transport::server::{ReplyBody, body};
use http::header::{HOST, LOCATION};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};

use super::via::{Face, Peer, Via};
use crate::live::Live;

/// The port that `https` means (RFC 9110, section 4.2.2).
const DEFAULT_PORT: u16 = 443;

/// Sends a request on the plain main listener to the one with TLS; `None` where that is not wanted.
///
/// The host was checked before: it is one of ours, so this sends nobody to a stranger.
pub(super) fn redirect(live: &Live, via: Via, parts: &Parts) -> Option<Response<ReplyBody>> {
    let port = live.redirect_to?;
    let is_plain = !via.is_tls && via.face == Face::Everything && via.peer != Peer::SameUser;
    if !is_plain {
        return None;
    }
    let header = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = parts.uri.host().or_else(|| header.map(without_port))?;
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let location = if port == DEFAULT_PORT {
        format!("https://{host}{target}")
    } else {
        format!("https://{host}:{port}{target}")
    };
    // Older clients turn a POST into a GET after 301, and 308 forbids it (RFC 9110, 15.4).
    let is_safe = matches!(parts.method, Method::GET | Method::HEAD);
    let status =
        if is_safe { StatusCode::MOVED_PERMANENTLY } else { StatusCode::PERMANENT_REDIRECT };
    let mut response = body::empty(status);
    response.headers_mut().insert(LOCATION, HeaderValue::from_str(&location).ok()?);
    Some(response)
}

/// Makes the value of `Strict-Transport-Security`.
pub(crate) fn hsts(duration: Duration) -> HeaderValue {
    HeaderValue::from_str(&format!("max-age={}", duration.as_secs()))
        .expect("a word and digits are a header")
}

/// Cuts the port off; the colons of `[::1]` are none.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::without_port;

    #[test]
    fn a_host_loses_its_port_alone() {
        for (host, name) in [
            ("gantry.example.com", "gantry.example.com"),
            ("gantry.example.com:8080", "gantry.example.com"),
            ("[::1]:8080", "[::1]"),
            ("[::1]", "[::1]"),
            ("127.0.0.1:80", "127.0.0.1"),
        ] {
            assert_eq!(without_port(host), name);
        }
    }
}
