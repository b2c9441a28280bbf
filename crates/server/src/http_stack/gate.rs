//! The questions that every request is asked before anything is done for it. Pure: headers and the
//! configuration in, a refusal or who it is out.

use std::sync::Arc;

use gantry_core::{ErrorCode, Principal};
use gantry_policy::{AdminToken, Denied, OriginRefusal, Shown, credential};
use http::header::{AUTHORIZATION, FORWARDED, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Uri, Version};

use super::refusal::Refusal;
use super::route::Route;
use super::via::Peer;
use crate::api::Caller;
use crate::identity::fetch::{COME_AGAIN, Fetcher};
use crate::identity::resource::Resource;
use crate::keys::StoredKeys;
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
        && route.is_probe()
}

/// Who asks, and what their credentials are held against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) live: &'a Live,
    pub(super) keys: &'a StoredKeys,
    pub(super) admin: &'a AdminToken,
    pub(super) peer: Peer,
    pub(super) headers: &'a HeaderMap,
    /// What the connection remembers of its credential.
    pub(super) shown: &'a Shown,
    /// What is asked, as OAuth clients name it.
    pub(super) resource: Option<&'a Resource>,
}

impl Asking<'_> {
    /// Refuses what a proxy passes on while nobody has to say who they are: the loopback that a proxy
    /// connects from would then stand for everybody beyond it.
    pub(super) fn is_not_forwarded_unasked(&self) -> Result<(), Refusal> {
        if !self.must_authenticate() && is_forwarded(self.headers) {
            let message = "the request was passed on by a proxy, and no client has a token or key: \
                           make one with `gantry keys create`, or add one to `auth`";
            return Err(Refusal::new(ErrorCode::TokenWrong, message).denied(Denied::Missing));
        }
        Ok(())
    }

    /// Finds the principal of a unix socket. What came through a proxy is not the user's own.
    pub(super) fn same_user(&self) -> Option<Arc<Principal>> {
        let is_own = self.peer == Peer::SameUser && !is_forwarded(self.headers);
        is_own.then(|| Arc::new(Principal::local()))
    }

    /// Finds who calls an MCP endpoint.
    pub(super) fn client(&self) -> Result<Arc<Principal>, Refusal> {
        let known = self.known()?;
        if !self.must_authenticate() {
            return Ok(Arc::clone(&self.live.anonymous));
        }
        known.map_err(denied)
    }

    /// Lets the administrator alone pass, on the loopback too.
    pub(super) fn administrator(&self) -> Result<(), Refusal> {
        self.is_admin()?.map_err(|denied| {
            let message = "the admin token is needed; it is in `admin.token` of the data folder";
            Refusal::new(ErrorCode::AdminTokenWrong, message).denied(denied)
        })
    }

    /// Finds who calls the HTTP API: the administrator, the user of the unix socket, a client, or on
    /// the loopback anybody while no client needs a credential.
    pub(super) fn api_caller(&self) -> Result<Caller, Refusal> {
        let (address, has_token) = (self.peer.address(), self.must_authenticate());
        match self.is_admin()? {
            Ok(()) => {
                let is_client = !has_token && !is_forwarded(self.headers);
                let anonymous = || is_client.then(|| Arc::clone(&self.live.anonymous));
                let principal = self.same_user().or_else(anonymous);
                Ok(Caller { principal, address, no_admin: None, has_token: false })
            }
            Err(denied) => {
                self.is_not_forwarded_unasked()?;
                let principal = match self.same_user() {
                    Some(local) => local,
                    None => self.client()?,
                };
                Ok(Caller {
                    principal: Some(principal),
                    address,
                    no_admin: Some(denied),
                    has_token,
                })
            }
        }
    }

    /// Tells whether the caller may see details of the gateway: someone on this machine, or someone
    /// with a credential of either kind.
    pub(super) fn may_see_details(&self) -> bool {
        // Where any page may call, one that a browser on this machine shows is not the machine.
        let is_strange_page =
            self.live.config.server.cors.is_any && self.headers.contains_key(ORIGIN);
        if self.peer.is_near() && !is_forwarded(self.headers) && !is_strange_page {
            return true;
        }
        let is_client = self.must_authenticate() && matches!(self.known(), Ok(Ok(_)));
        is_client || self.administrator().is_ok()
    }

    /// Says that details need a credential from where the caller is.
    pub(super) fn details_denied<T>(&self) -> Result<T, Refusal> {
        let authorization = single(self.headers, &AUTHORIZATION)?;
        let is_there = authorization.is_some() || self.headers.contains_key(self.key_header());
        let denied = if is_there { Denied::Wrong } else { Denied::Missing };
        let message = "beyond the loopback the token or key of a client, or the admin token, is \
                       needed here";
        Err(Refusal::new(ErrorCode::TokenWrong, message).denied(denied))
    }

    fn must_authenticate(&self) -> bool {
        must_authenticate(self.live, self.keys)
    }

    fn key_header(&self) -> &HeaderName {
        &self.live.config.auth.api_key_header
    }

    /// Tells whether the administrator asks. A request with another credential beside the admin token
    /// is refused like any with two.
    fn is_admin(&self) -> Result<Result<(), Denied>, Refusal> {
        let is_admin = self.admin.verify(single(self.headers, &AUTHORIZATION)?);
        match self.presented()? {
            Err(Denied::Ambiguous) if is_admin.is_ok() => Err(denied(Denied::Ambiguous)),
            _ => Ok(is_admin),
        }
    }

    /// Takes the credential out of the headers. One that stands twice is refused.
    fn presented(&self) -> Result<Result<&[u8], Denied>, Refusal> {
        let authorization = single(self.headers, &AUTHORIZATION)?;
        let key = single(self.headers, self.key_header())?;
        Ok(credential::presented(authorization, key))
    }

    /// Has the keys fetched that the presented credential needs, so that whoever asks then need not wait.
    pub(super) async fn prepare(&self, fetcher: &Arc<Fetcher>) {
        if self.live.issuers.is_empty() {
            return;
        }
        // What is wrong with it is told later.
        let presented = self.presented().ok().and_then(Result::ok);
        if let Some(secret) = presented.filter(|secret| self.live.issuers.may_know(secret)) {
            // Apart, because few requests have to wait for keys, and all would be as large.
            Box::pin(fetcher.supply(&self.live.issuers, secret)).await;
        }
    }

    /// Finds whom the presented credential stands for.
    fn known(&self) -> Result<Result<Arc<Principal>, Denied>, Refusal> {
        Ok(self.presented()?.and_then(|secret| self.whose(secret)))
    }

    /// Finds whom a credential stands for.
    fn whose(&self, secret: &[u8]) -> Result<Arc<Principal>, Denied> {
        let (now, issuers) = (|| self.keys.now(), &self.live.issuers);
        let address = self.resource.map_or(&[][..], |resource| &resource.names);
        let is_token = issuers.may_know(secret);
        let known = || issuers.known(self.shown.fingerprint(secret), address, now());
        if let Some(known) = is_token.then(known).flatten() {
            return known;
        }
        let found = match self.live.keys.find(secret, self.shown, now) {
            Ok(key) => Ok(Arc::clone(&key.principal)),
            Err(Denied::Wrong) => self.keys.find(secret, self.shown, now()),
            Err(denied) => Err(denied),
        };
        match found {
            Err(Denied::Wrong) if is_token => issuers.verify(secret, address, now()),
            found => found,
        }
    }
}

/// Tells whether clients have to say who they are.
pub(crate) fn must_authenticate(live: &Live, keys: &StoredKeys) -> bool {
    live.config.auth.is_required() || !keys.is_empty()
}

/// Says the same whatever is wrong with a credential, so that nobody learns which keys there are.
fn denied(denied: Denied) -> Refusal {
    if denied == Denied::Ambiguous {
        let message = "the request has two credentials that differ: send one of them";
        return Refusal::new(ErrorCode::CredentialsAmbiguous, message).denied(denied);
    }
    gantry_core::log::debug!(reason = %denied, "A client was not let in.");
    let (code, message) = match denied {
        // Whoever had such a token in good faith may know what is wrong with it.
        Denied::TokenExpired => (ErrorCode::TokenExpired, "the token has expired: get a new one"),
        Denied::TokenForOthers => (
            ErrorCode::TokenForOthers,
            "the token is for another audience: ask for one for this resource",
        ),
        Denied::TokenNotYet => (ErrorCode::TokenNotYet, "the token is not valid yet"),
        Denied::TokenTooNarrow => (
            ErrorCode::ScopeMissing,
            "the token lacks a scope that is needed here: ask for one with the scopes of the challenge",
        ),
        Denied::Unverifiable => {
            let message = "the token cannot be verified now, because its issuer does not answer";
            let refusal = Refusal::new(ErrorCode::IssuerUnreachable, message).denied(denied);
            return refusal.come_again(COME_AGAIN);
        }
        _ => (ErrorCode::TokenWrong, "a valid token or key of a client is needed"),
    };
    Refusal::new(code, message).denied(denied)
}

pub(super) fn is_forwarded(headers: &HeaderMap) -> bool {
    // One look at the names that are there is less than a search for each of those that are not.
    let may_be = |name: &HeaderName| name == FORWARDED || name.as_str().starts_with("x-");
    headers.keys().any(may_be) && FORWARDING.iter().any(|name| headers.contains_key(name))
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
