//! What the gateway is to an OAuth client: a protected resource with a name, and metadata that say
//! where tokens for it come from (RFC 9728).
//!
//! The name is the address of `/mcp`, as the configuration has it or as the client uses it; a view has
//! its own below that. A token has to name one of the two (RFC 8707).

use bytes::Bytes;
use gantry_policy::Invitation;
use gantry_transport::server::{ReplyBody, full};
use http::header::{ALLOW, CONTENT_TYPE, HOST};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::json;
use url::Url;

use crate::config::OAuth;
use crate::http_stack::Route;

/// Where metadata begin.
pub(crate) const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
const ENDPOINT: &str = "/mcp";

/// What a request is about, as an OAuth client names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resource {
    /// Its names: that of the whole endpoint, and that of the view.
    pub(crate) names: Vec<String>,
    /// What a challenge says.
    pub(crate) invitation: Invitation,
}

impl Resource {
    /// Finds out what a request is about that came to one of our hosts.
    pub(crate) fn of(oauth: &OAuth, is_tls: bool, parts: &Parts, route: Route<'_>) -> Option<Self> {
        let base = base(oauth, is_tls, parts)?;
        let view = match route {
            Route::Mcp { view } | Route::Sse { view } if is_plain(view) => view,
            _ => "",
        };
        let below = (!view.is_empty()).then(|| format!("{base}/{view}"));
        let whole = below.as_ref().unwrap_or(&base);
        let scope = &oauth.trust.required_scopes;
        let invitation = Invitation {
            metadata: metadata_url(whole),
            scope: (!scope.is_empty()).then(|| scope.join(" ")),
        };
        Some(Self { names: [base].into_iter().chain(below).collect(), invitation })
    }
}

/// Answers a request for the metadata at `path`, which is what follows [`WELL_KNOWN`]; `None` where
/// nothing is protected by that name.
pub(crate) fn metadata(
    oauth: &OAuth,
    is_tls: bool,
    parts: &Parts,
    path: &str,
) -> Option<Response<ReplyBody>> {
    let base = base(oauth, is_tls, parts)?;
    let own = Url::parse(&base).ok()?;
    let ours = [own.path().trim_end_matches('/'), ENDPOINT];
    let below = ours.iter().filter(|own| !own.is_empty()).find_map(|own| path.strip_prefix(*own));
    let view = match below.unwrap_or(path) {
        "" | "/" => "",
        rest => rest.strip_prefix('/').filter(|view| below.is_some() && is_plain(view))?,
    };
    if parts.method != Method::GET && parts.method != Method::HEAD {
        let mut response = full(StatusCode::METHOD_NOT_ALLOWED, Bytes::new());
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Some(response);
    }
    let resource = if view.is_empty() { base } else { format!("{base}/{view}") };
    let body = json!({
        "resource": resource,
        "resource_name": "Gantry",
        "authorization_servers": [oauth.issuer],
        "scopes_supported": oauth.scopes_supported,
        "bearer_methods_supported": ["header"],
    });
    let mut response = full(StatusCode::OK, Bytes::from(body.to_string()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Some(response)
}

/// Returns the name of the whole endpoint. The host of a request was held against the names of this
/// gateway before.
fn base(oauth: &OAuth, is_tls: bool, parts: &Parts) -> Option<String> {
    if let Some(resource) = &oauth.resource {
        return Some(resource.trim_end_matches('/').to_owned());
    }
    let of_line = parts.uri.authority().map(http::uri::Authority::as_str);
    let host = of_line.or_else(|| parts.headers.get(HOST)?.to_str().ok())?;
    let scheme = if is_tls { "https" } else { "http" };
    // The usual port of the scheme is no part of a name (RFC 3986, section 6.2.3).
    let url = Url::parse(&format!("{scheme}://{host}{ENDPOINT}")).ok()?;
    Some(url.into())
}

/// Returns where the metadata of a resource are: between its host and its path (RFC 9728, section 3.1).
fn metadata_url(resource: &str) -> Option<String> {
    let url = Url::parse(resource).ok()?;
    let path = url.path().trim_end_matches('/');
    Some(format!("{}{WELL_KNOWN}{path}", url.origin().ascii_serialization()))
}

/// Tells whether a view's name is one that can stand in an address as it is.
fn is_plain(view: &str) -> bool {
    !view.is_empty()
        && view.len() <= 64
        && view.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests;
