//! A URL that is called again and again: everything that can be worked out once is.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{HOST, HeaderMap, PROXY_AUTHORIZATION};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Response, Uri};
use http_body_util::Full;
use url::{Host, Position, Url};

use crate::body::ResponseBody;
use crate::config::Limits;
use crate::connection::Outgoing;
use crate::error::{Error, UrlError};
use crate::origin::{Origin, Route};

/// A URL resolved to an origin and to the request line to send there. Cheap to clone.
#[derive(Clone)]
pub struct Target {
    origin: Arc<Origin>,
    /// In the form it is sent: path and query, or the whole URL for a proxy.
    uri: Uri,
}

/// A URL taken apart.
pub(crate) struct Parts {
    pub(crate) https: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) authority: String,
    pub(crate) host_header: HeaderValue,
    pub(crate) path_and_query: String,
}

impl Target {
    pub(crate) fn new(
        origin: Arc<Origin>,
        authority: &str,
        path_and_query: &str,
    ) -> Result<Self, UrlError> {
        let malformed = |problem: String| UrlError::Malformed { problem };
        let uri = match origin.route {
            Route::Direct | Route::Tunnel(_) => path_and_query.parse::<Uri>(),
            Route::Forward(_) => format!("http://{authority}{path_and_query}").parse::<Uri>(),
        };
        let uri = uri.map_err(|error| malformed(error.to_string()))?;
        Ok(Self { origin, uri })
    }

    /// Returns a target of the same origin with another path and query, such as `/items?page=2`.
    pub fn with_path(&self, path_and_query: &str) -> Result<Self, UrlError> {
        let malformed = |problem: String| UrlError::Malformed { problem };
        let path =
            PathAndQuery::try_from(path_and_query).map_err(|error| malformed(error.to_string()))?;
        if !path_and_query.starts_with('/') {
            return Err(malformed("a path begins with `/`".to_owned()));
        }
        let mut parts = self.uri.clone().into_parts();
        parts.path_and_query = Some(path);
        let uri = Uri::from_parts(parts).map_err(|error| malformed(error.to_string()))?;
        Ok(Self { origin: Arc::clone(&self.origin), uri })
    }

    /// Returns the target that a `Location` or another reference leads to, if that is of the same
    /// scheme, host and port. What leads elsewhere is for the operator to configure.
    pub fn same_origin(&self, reference: &str) -> Option<Self> {
        let scheme = if self.origin.key.https { "https" } else { "http" };
        let path = self.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let base = Url::parse(&format!("{scheme}://{}{path}", self.origin.authority())).ok()?;
        let url = base.join(reference).ok()?;
        let home =
            url.origin() == base.origin() && url.username().is_empty() && url.password().is_none();
        if !home {
            return None;
        }
        self.with_path(&url[Position::BeforePath..Position::AfterQuery]).ok()
    }

    /// Sends a request and returns once the response's headers are there. `Host` and
    /// `Content-Length` are added; a `Host` among the headers stays.
    ///
    /// The request is sent a second time only if nothing of it had been written. Dropping the
    /// future closes the connection.
    pub async fn send(
        &self,
        method: Method,
        headers: HeaderMap,
        body: Bytes,
        limits: Limits,
    ) -> Result<Response<ResponseBody>, Error> {
        let mut slot = Some(self.request(method, headers, body));
        self.origin.send(&mut slot, limits).await
    }

    fn request(&self, method: Method, mut headers: HeaderMap, body: Bytes) -> Outgoing {
        headers.entry(HOST).or_insert_with(|| self.origin.host_header.clone());
        if let Route::Forward(proxy) = &self.origin.route
            && let Some(value) = &proxy.authorization
        {
            headers.insert(PROXY_AUTHORIZATION, value.clone());
        }
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        request
    }

    /// Returns host and port, for messages; the port only if it is not the scheme's own.
    pub fn authority(&self) -> String {
        self.origin.authority()
    }

    /// Returns how many connections of this origin are open and idle.
    pub fn idle_connections(&self) -> usize {
        self.origin.n_idle()
    }
}

impl std::fmt::Debug for Target {
    /// Shows the origin alone: a path or a query may hold a secret.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Target").field(&self.origin.key).finish()
    }
}

/// Takes a URL apart; the fragment is left out, as it is never sent.
pub(crate) fn parse(text: &str) -> Result<Parts, UrlError> {
    let malformed = |problem: &str| UrlError::Malformed { problem: problem.to_owned() };
    let url = Url::parse(text).map_err(|error| malformed(&error.to_string()))?;
    let https = match url.scheme() {
        "https" => true,
        "http" => false,
        other => return Err(UrlError::Scheme { scheme: other.to_owned() }),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlError::Credentials);
    }
    let (host, shown) = match url.host() {
        Some(Host::Domain(name)) => (name.to_owned(), name.to_owned()),
        Some(Host::Ipv4(address)) => (address.to_string(), address.to_string()),
        Some(Host::Ipv6(address)) => (address.to_string(), format!("[{address}]")),
        None => return Err(malformed("it has no host")),
    };
    let port = url.port_or_known_default().ok_or_else(|| malformed("it has no port"))?;
    // The parser drops the scheme's own port, and so does the `Host` header.
    let authority = url.port().map_or_else(|| shown.clone(), |port| format!("{shown}:{port}"));
    let host_header =
        HeaderValue::try_from(&authority).map_err(|error| malformed(&error.to_string()))?;
    let path_and_query = url[Position::BeforePath..Position::AfterQuery].to_owned();
    Ok(Parts { https, host, port, authority, host_header, path_and_query })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Client, ClientConfig};

    #[track_caller]
    fn refused(url: &str, error: &str) {
        let client = Client::new(ClientConfig::default());
        assert_eq!(client.target(url).unwrap_err().to_string(), error);
    }

    #[test]
    fn a_url_is_taken_apart_once() {
        let parts = parse("https://Example.com/a%20b/?q=1#part").unwrap();
        assert!(parts.https);
        assert_eq!((parts.host.as_str(), parts.port), ("example.com", 443));
        assert_eq!(parts.host_header, "example.com");
        assert_eq!(parts.path_and_query, "/a%20b/?q=1");
    }

    #[test]
    fn an_address_of_ipv6_has_brackets_only_where_it_is_shown() {
        let parts = parse("http://[::1]:8080").unwrap();
        assert_eq!((parts.host.as_str(), parts.port), ("::1", 8080));
        assert_eq!(parts.host_header, "[::1]:8080");
        assert_eq!(parts.path_and_query, "/");
    }

    #[test]
    fn what_cannot_be_called_is_refused_without_showing_secrets() {
        refused("ftp://example.com/", "the scheme `ftp` is not supported, use `http` or `https`");
        refused(
            "http://ann:secret@example.com/",
            "a URL must not hold credentials, send them in a header",
        );
        refused("example.com/mcp", "not a valid URL: relative URL without a base");
    }

    #[test]
    fn only_references_to_the_same_origin_are_followed() {
        let client = Client::new(ClientConfig::default());
        let target = client.target("http://example.com:8080/a/b?c").unwrap();
        for (reference, path) in [
            ("d?e=f", Some("/a/d?e=f")),
            ("/messages?id=1", Some("/messages?id=1")),
            ("http://example.com:8080/x", Some("/x")),
            ("//EXAMPLE.com:8080/y", Some("/y")),
            ("http://example.com/x", None),
            ("https://example.com:8080/x", None),
            ("//other.test/x", None),
            ("http://ann@example.com:8080/x", None),
            ("javascript:alert(1)", None),
        ] {
            let found = target.same_origin(reference).map(|target| target.uri.to_string());
            assert_eq!(found.as_deref(), path, "{reference}");
        }
    }

    #[test]
    fn a_target_shown_hides_path_and_query() {
        let client = Client::new(ClientConfig::default());
        let target = client.target("http://example.com/hook/secret?key=secret").unwrap();
        assert!(!format!("{target:?}").contains("secret"));
    }
}
