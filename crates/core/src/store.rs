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

/// Something that a service keeps for a principal.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// Its name within kind and owner.
    pub key: String,
    /// What was written.
    pub value: Bytes,
    /// Unix seconds from which on it is not there any more.
    pub expires_at: Option<u64>,
}

impl std::fmt::Debug for StoredRecord {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("StoredRecord").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Keeps records of services: by kind, owner and key. What a value means is not known to it.
///
/// Of one kind and owner the last 2,000 are kept, with 64 MiB of values; older ones make room. What
/// never expires is forgotten at a start when nobody wrote it for 90 days.
pub trait RecordStore: Send + Sync + std::fmt::Debug + 'static {
    /// Returns a record that has not expired.
    fn record<'a>(
        &'a self,
        kind: &'a str,
        owner: &'a str,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<StoredRecord>, StoreError>>;
    /// Returns at most `most` records that have not expired, those put last first.
    fn records<'a>(
        &'a self,
        kind: &'a str,
        owner: &'a str,
        most: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredRecord>, StoreError>>;
    /// Keeps a record in the place of an older one of the same key; committed when this returns.
    ///
    /// # Errors
    ///
    /// A kind above 64 bytes, an owner or a key above 1 KiB, a value above 1 MiB, or what the back end
    /// says.
    fn put_record<'a>(
        &'a self,
        kind: &'a str,
        owner: &'a str,
        record: StoredRecord,
    ) -> BoxFuture<'a, Result<(), StoreError>>;
    /// Forgets a record; tells whether there was one that had not expired.
    fn remove_record<'a>(
        &'a self,
        kind: &'a str,
        owner: &'a str,
        key: &'a str,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;
    /// Forgets every record that has expired.
    fn expire_records(&self) -> BoxFuture<'_, Result<(), StoreError>>;
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
