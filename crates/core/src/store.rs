//! The port to what outlives the process: the last good offers, and what is known of upstreams.

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
