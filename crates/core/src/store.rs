//! The ports to what outlives the process: the last good offers, what is known of upstreams, and
//! the servers that were made over the HTTP API.

use bytes::Bytes;

use crate::BoxFuture;

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
#[error("the store failed to {action}: {cause}")]
pub struct StoreError {
    /// What was tried.
    pub action: &'static str,
    /// What the back end said; holds no secret.
    pub cause: String,
}

/// The era that an upstream was found to speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredVerdict {
    /// `legacy` or a modern revision.
    pub verdict: String,
    /// Unix seconds at which it was found.
    pub found_at: u64,
}

/// Keeps offers and verdicts.
///
/// `upstream` is the upstream's key (name and a digest of its connection), `profile` the canonical
/// text of the client capabilities that the offer was made for.
pub trait OfferStore: Send + Sync + std::fmt::Debug + 'static {
    /// Returns the stored offer as the bytes that were put.
    fn offer(
        &self,
        upstream: &str,
        profile: &str,
    ) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>>;
    /// Stores an offer; the last one wins.
    fn put_offer(
        &self,
        upstream: &str,
        profile: &str,
        offer: Bytes,
    ) -> BoxFuture<'_, Result<(), StoreError>>;
    /// Returns the stored verdict.
    fn verdict(&self, upstream: &str) -> BoxFuture<'_, Result<Option<StoredVerdict>, StoreError>>;
    /// Stores a verdict.
    fn put_verdict(
        &self,
        upstream: &str,
        verdict: StoredVerdict,
    ) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// A server that was made over the HTTP API, as it was stored.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredServer {
    /// Its name.
    pub name: String,
    /// The text that was put; may hold secrets.
    pub entry: String,
}

impl std::fmt::Debug for StoredServer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("StoredServer").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Keeps servers that were made over the HTTP API. What an entry means is not known to it.
pub trait ServerStore: Send + Sync + std::fmt::Debug + 'static {
    /// Returns every server, by name.
    fn servers(&self) -> BoxFuture<'_, Result<Vec<StoredServer>, StoreError>>;
    /// Stores a server, or another entry for it; committed when this returns.
    ///
    /// # Errors
    ///
    /// A name above 64 bytes, an entry above 256 KiB, or what the back end says.
    fn put_server(&self, name: &str, entry: &str) -> BoxFuture<'_, Result<(), StoreError>>;
    /// Forgets a server, if it is there; committed when this returns.
    fn remove_server(&self, name: &str) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// A store that forgets: for processes without a data folder.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoStore;

impl OfferStore for NoStore {
    fn offer(&self, _: &str, _: &str) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn put_offer(&self, _: &str, _: &str, _: Bytes) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn verdict(&self, _: &str) -> BoxFuture<'_, Result<Option<StoredVerdict>, StoreError>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn put_verdict(&self, _: &str, _: StoredVerdict) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
