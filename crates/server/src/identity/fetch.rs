//! Fetches the keys of issuers, when a request needs them or they grow old.
//!
//! Metadata are looked for where the authorization specification of MCP says, in its order: as RFC
//! 8414 has it, then as OpenID Connect Discovery. Whoever answers has to call itself what the
//! configuration calls it (RFC 8414, section 3.3). Redirects are not followed.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gantry_core::Tasks;
use gantry_net::{BodyError, Client, Limits, UrlError};
use gantry_policy::jwks::{BadKeySet, KeySet};
use gantry_policy::rate::{Algorithm, Rate};
use http::header::{ACCEPT, HeaderMap};
use http::{HeaderValue, Method, StatusCode};
use serde::Deserialize;
use tokio::time::{Instant, timeout};
use url::Url;

use super::{Issuer, Issuers, Need, Place, Tried};

/// How long a request may wait for keys.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most of metadata or of a key set that is read, in bytes.
const MOST: usize = 256 * 1024;
/// How often an issuer is asked at most.
const OFTEN: Rate =
    Rate { requests: 1, per: Duration::from_secs(10), burst: 4, algorithm: Algorithm::TokenBucket };
/// When a client is told to come again whose token could not be verified: another fetch is allowed
/// by then.
pub(crate) const COME_AGAIN: Duration = Duration::from_secs(10);

/// Asks issuers for their keys.
#[derive(Debug)]
pub(crate) struct Fetcher {
    client: Client,
    tasks: Tasks,
}

/// Why keys were not fetched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// The address is none.
    #[error("`{url}` cannot be called")]
    Url {
        /// It.
        url: String,
        /// Why.
        source: UrlError,
    },
    /// Nobody answered.
    #[error("`{url}` does not answer")]
    Request {
        /// Who was asked.
        url: String,
        /// Why.
        source: gantry_net::Error,
    },
    /// What came is no answer.
    #[error("`{url}` answered with status {status}")]
    Status {
        /// Who was asked.
        url: String,
        /// How.
        status: StatusCode,
    },
    /// It could not be read to its end.
    #[error("the answer of `{url}` cannot be read")]
    Body {
        /// Who was asked.
        url: String,
        /// Why.
        source: BodyError,
    },
    /// The metadata are none.
    #[error("the metadata at `{url}` cannot be used")]
    Metadata {
        /// Where they are.
        url: String,
        /// Why.
        source: serde_json::Error,
    },
    /// Somebody else answered.
    #[error(
        "the provider at `{url}` calls itself `{found}`; set `auth.oauth.issuer` to that if it is meant"
    )]
    OtherIssuer {
        /// Where the metadata are.
        url: String,
        /// As whom.
        found: String,
    },
    /// The way to the keys is not as safe as that to the metadata.
    #[error("the keys are said to be at `{url}`, which is not reached by `https` as the issuer is")]
    Unsafe {
        /// Where they are said to be.
        url: String,
    },
    /// The keys are none.
    #[error("the keys at `{url}` cannot be used")]
    Keys {
        /// Where they are.
        url: String,
        /// Why.
        source: BadKeySet,
    },
    /// It took too long.
    #[error("the issuer took longer than {PATIENCE:?}")]
    Slow,
}

/// What is read of a provider's metadata.
#[derive(Debug, Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

impl Fetcher {
    /// Makes it with a client of its own; fetches behind the requests are tasks of `tasks`.
    pub(crate) fn new(client: Client, tasks: Tasks) -> Self {
        Self { client, tasks }
    }

    /// Sees to it that the keys are there that a credential needs, as far as they can be had.
    pub(crate) async fn supply(self: &Arc<Self>, issuers: &Issuers, credential: &[u8]) {
        match issuers.wanting(credential) {
            None => {}
            Some((issuer, Need::Now)) => self.refresh(&issuer).await,
            Some((issuer, Need::Soon)) => {
                // Whoever comes meanwhile is served with the keys that are there.
                let is_running = issuer.fetching.try_lock().is_err();
                let was_tried =
                    issuer.tried.lock().is_some_and(|tried| tried.at.elapsed() < COME_AGAIN);
                if !is_running && !was_tried {
                    let fetcher = Arc::clone(self);
                    self.tasks.spawn_until_stop("keys of an issuer", async move {
                        fetcher.refresh(&issuer).await;
                    });
                }
            }
        }
    }

    /// Asks every issuer that publishes keys, for somebody who wants to know whether it does: how many
    /// there are, or why they cannot be had.
    pub(crate) async fn look(&self, issuers: &Issuers) -> Vec<(String, Result<usize, String>)> {
        let published =
            issuers.all.iter().filter(|issuer| !matches!(issuer.source.place, Place::Secret(_)));
        let asking = published.map(async |issuer| {
            let fetched = timeout(PATIENCE, self.fetch(&issuer.source.place)).await;
            let keys = fetched.unwrap_or(Err(FetchError::Slow)).map(|(set, _)| set.len());
            (issuer.name().to_owned(), keys.map_err(|error| gantry_core::chain(&error)))
        });
        futures_util::future::join_all(asking).await
    }

    /// Fetches the keys of an issuer, unless somebody else just did or it was asked too often.
    async fn refresh(&self, issuer: &Issuer) {
        let came = Instant::now();
        let Ok(_one) = timeout(PATIENCE, issuer.fetching.lock()).await else { return };
        let is_just_done = issuer.tried.lock().is_some_and(|tried| tried.at >= came);
        if is_just_done || !issuer.fetches.take(&OFTEN, issuer.begun.elapsed()).is_allowed {
            return;
        }
        let fetched = timeout(PATIENCE, self.fetch(&issuer.source.place)).await;
        match fetched.unwrap_or(Err(FetchError::Slow)) {
            Ok((set, text)) => issuer.take_up(set, text),
            Err(error) => {
                let reason = gantry_core::chain(&error);
                gantry_core::log::warn!(
                    issuer = issuer.name(),
                    reason,
                    "The keys of an issuer cannot be fetched."
                );
                *issuer.tried.lock() = Some(Tried { has_failed: true, at: Instant::now() });
            }
        }
    }

    async fn fetch(&self, place: &Place) -> Result<(KeySet, Bytes), FetchError> {
        let url = match place {
            Place::Discovered(issuer) => self.discover(issuer).await?,
            Place::Url(url) => url.clone(),
            // Nobody asks for it.
            Place::Secret(_) => String::new(),
        };
        let text = self.get(&url).await?;
        let set = KeySet::parse(&text).map_err(|source| FetchError::Keys { url, source })?;
        Ok((set, text))
    }

    /// Finds where the keys of a provider are.
    async fn discover(&self, issuer: &str) -> Result<String, FetchError> {
        let mut refused = None;
        for url in metadata_urls(issuer) {
            let text = match self.get(&url).await {
                Ok(text) => text,
                // There is nothing at this place; perhaps at the next.
                Err(error @ FetchError::Status { .. }) => {
                    refused = refused.or(Some(error));
                    continue;
                }
                Err(error) => return Err(error),
            };
            let metadata: Metadata = serde_json::from_slice(&text)
                .map_err(|source| FetchError::Metadata { url: url.clone(), source })?;
            if metadata.issuer != issuer {
                return Err(FetchError::OtherIssuer { url, found: metadata.issuer });
            }
            let is_safe = |url: &str| url.starts_with("https://");
            if is_safe(issuer) && !is_safe(&metadata.jwks_uri) {
                return Err(FetchError::Unsafe { url: metadata.jwks_uri });
            }
            return Ok(metadata.jwks_uri);
        }
        Err(refused.unwrap_or(FetchError::Slow))
    }

    async fn get(&self, url: &str) -> Result<Bytes, FetchError> {
        let named = || url.to_owned();
        let target =
            self.client.target(url).map_err(|source| FetchError::Url { url: named(), source })?;
        let headers =
            HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        let limits = Limits { head: Some(PATIENCE), body_idle: Some(PATIENCE) };
        let answer = target
            .send(Method::GET, headers, Bytes::new(), limits)
            .await
            .map_err(|source| FetchError::Request { url: named(), source })?;
        if answer.status() != StatusCode::OK {
            return Err(FetchError::Status { url: named(), status: answer.status() });
        }
        let body = answer.into_body().collect(MOST).await;
        body.map_err(|source| FetchError::Body { url: named(), source })
    }
}

/// Returns where the metadata of an issuer may be, in the order in which they are looked for
/// (RFC 8414, sections 3.1 and 5; OpenID Connect Discovery 1.0, section 4).
fn metadata_urls(issuer: &str) -> Vec<String> {
    let Ok(url) = Url::parse(issuer) else { return Vec::new() };
    let origin = url.origin().ascii_serialization();
    let path = url.path().trim_end_matches('/');
    let mut urls = vec![
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
        format!("{origin}/.well-known/openid-configuration{path}"),
    ];
    if !path.is_empty() {
        urls.push(format!("{origin}{path}/.well-known/openid-configuration"));
    }
    urls
}

#[cfg(test)]
mod tests {
    use super::metadata_urls;

    #[test]
    fn metadata_are_looked_for_in_the_order_of_the_specification() {
        assert_eq!(
            metadata_urls("https://id.example.com/realms/one"),
            [
                "https://id.example.com/.well-known/oauth-authorization-server/realms/one",
                "https://id.example.com/.well-known/openid-configuration/realms/one",
                "https://id.example.com/realms/one/.well-known/openid-configuration",
            ]
        );
        for issuer in ["http://localhost:4000", "http://localhost:4000/"] {
            assert_eq!(
                metadata_urls(issuer),
                [
                    "http://localhost:4000/.well-known/oauth-authorization-server",
                    "http://localhost:4000/.well-known/openid-configuration",
                ]
            );
        }
    }
}
