//! The questions that every request is asked before anything is done for it. Pure: headers and the
//! configuration in, a refusal or who it is out.

use std::sync::Arc;

use gantry_core::{ErrorCode, Principal};
use gantry_policy::{AdminToken, Denied, OriginRefusal, Tokens};
use http::header::{AUTHORIZATION, FORWARDED, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Uri, Version};

use super::refusal::Refusal;
use super::route::Route;
use super::via::Peer;
use crate::api::Caller;
use crate::live::Live;

/// Headers by which a proxy says for whom it speaks.
const FORWARDING: [HeaderName; 5] = [
    FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-real-ip"),
];

/// Decides whether the request was meant for this gateway, and not caused by a foreign page.
pub(super) fn is_meant_for_us(live: &Live, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
    let host = single(headers, &HOST)?;
    let origin = single(headers, &ORIGIN)?;
    // RFC 9112, section 3.2.2: the request line wins over the header where it has an authority.
    let host = uri.authority().map(|authority| authority.as_str().as_bytes()).or(host);
    live.hosts.check(host, origin).map_err(|refusal| {
        let code = match &refusal {
            OriginRefusal::NoHost | OriginRefusal::Host { .. } => ErrorCode::HostRefused,
            OriginRefusal::Origin { .. } => ErrorCode::OriginRefused,
        };
        Refusal::new(code, refusal.to_string())
    })
}

/// Tells whether this is a health check of the simplest kind: HTTP/1.0 without a `Host`, as HAProxy
/// sends it unless it is told otherwise. No browser sends such a request, so no page is behind it,
/// and the routes it may ask for are open to everybody.
pub(super) fn is_nameless_probe(route: Route<'_>, parts: &Parts) -> bool {
    parts.version == Version::HTTP_10
        && parts.uri.authority().is_none()
        && !parts.headers.contains_key(HOST)
        && !parts.headers.contains_key(ORIGIN)
        && matches!(route, Route::Health | Route::Ready | Route::ActuatorHealth)
}

/// Refuses what a proxy passes on while nobody has to say who they are: the loopback that a proxy
/// connects from would then stand for everybody beyond it.
pub(super) fn is_not_forwarded_unasked(live: &Live, headers: &HeaderMap) -> Result<(), Refusal> {
    if live.tokens.is_empty() && is_forwarded(headers) {
        let message = "the request was passed on by a proxy, and no client token is configured: \
                       add one to `auth.tokens`";
        return Err(Refusal::new(ErrorCode::TokenWrong, message).denied(Denied::Missing));
    }
    Ok(())
}

/// Finds the principal of a unix socket. What came through a proxy is not the user's own.
pub(super) fn same_user(peer: Peer, headers: &HeaderMap) -> Option<Arc<Principal>> {
    let is_own = peer == Peer::SameUser && !is_forwarded(headers);
    is_own.then(|| Arc::new(Principal::local()))
}

/// Finds who calls an MCP endpoint.
pub(super) fn client(tokens: &Tokens, headers: &HeaderMap) -> Result<Arc<Principal>, Refusal> {
    let authorization = single(headers, &AUTHORIZATION)?;
    tokens.authenticate(authorization).map_err(|denied| {
        Refusal::new(ErrorCode::TokenWrong, "a valid client token is needed").denied(denied)
    })
}

/// Lets the administrator alone pass, on the loopback too.
pub(super) fn administrator(admin: &AdminToken, headers: &HeaderMap) -> Result<(), Refusal> {
    let authorization = single(headers, &AUTHORIZATION)?;
    admin.verify(authorization).map_err(|denied| {
        let message = "the admin token is needed; it is in `admin.token` of the data folder";
        Refusal::new(ErrorCode::AdminTokenWrong, message).denied(denied)
    })
}

/// Finds who calls the HTTP API: the administrator, the user of the unix socket, a client, or on the
/// loopback anybody while no client has a token.
pub(super) fn api_caller(
    live: &Live,
    admin: &AdminToken,
    peer: Peer,
    headers: &HeaderMap,
) -> Result<Caller, Refusal> {
    let authorization = single(headers, &AUTHORIZATION)?;
    let has_token = !live.tokens.is_empty();
    match admin.verify(authorization) {
        Ok(()) => {
            let is_client = !has_token && !is_forwarded(headers);
            let anonymous = || is_client.then(|| live.tokens.authenticate(None).ok()).flatten();
            let principal = same_user(peer, headers).or_else(anonymous);
            Ok(Caller { principal, address: peer.address(), no_admin: None, has_token: false })
        }
        Err(denied) => {
            is_not_forwarded_unasked(live, headers)?;
            let principal = match same_user(peer, headers) {
                Some(local) => local,
                None => client(&live.tokens, headers)?,
            };
            let (address, no_admin) = (peer.address(), Some(denied));
            Ok(Caller { principal: Some(principal), address, no_admin, has_token })
        }
    }
}

/// Tells whether the caller may see details of the gateway: someone on this machine, or someone
/// with a token of either kind.
pub(super) fn may_see_details(
    live: &Live,
    admin: &AdminToken,
    peer: Peer,
    headers: &HeaderMap,
) -> bool {
    if peer.is_near() && !is_forwarded(headers) {
        return true;
    }
    let Ok(authorization) = single(headers, &AUTHORIZATION) else { return false };
    let is_client = !live.tokens.is_empty() && live.tokens.authenticate(authorization).is_ok();
    is_client || admin.verify(authorization).is_ok()
}

/// Says that details need a token from where the caller is.
pub(super) fn details_denied<T>(headers: &HeaderMap) -> Result<T, Refusal> {
    let authorization = single(headers, &AUTHORIZATION)?;
    let denied = if authorization.is_some() { Denied::Wrong } else { Denied::Missing };
    let message = "beyond the loopback a client token or the admin token is needed here";
    Err(Refusal::new(ErrorCode::TokenWrong, message).denied(denied))
}

fn is_forwarded(headers: &HeaderMap) -> bool {
    FORWARDING.iter().any(|name| headers.contains_key(name))
}

/// Returns a header that decides something. One that stands twice is refused: whoever reads the
/// request before or after us might take the other.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a [u8]>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        let message = format!("the header `{name}` stands in the request more than once");
        return Err(Refusal::new(ErrorCode::MalformedMessage, message));
    }
    Ok(first.map(http::HeaderValue::as_bytes))
}

#[cfg(test)]
mod tests;
