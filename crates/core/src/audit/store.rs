//! The port to a database that keeps the lines of audit trails.

use std::fmt;
use std::sync::Arc;

use crate::BoxFuture;
use crate::store::StoreError;

/// One sealed entry of a trail, and what it is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLine {
    /// Its place in the trail, from 1 on.
    pub seq: u64,
    /// Unix milliseconds at which it happened.
    pub at: u64,
    /// The name of its event.
    pub event: String,
    /// How it ended.
    pub outcome: String,
    /// The subject of the principal; empty if there is none.
    pub principal: String,
    /// The tool, prompt, URI or whatever else it was about; empty if nothing.
    pub name: String,
    /// The name of the request; empty if there is none.
    pub request_id: String,
    /// The whole entry, as it is chained.
    pub line: String,
}

/// What is looked for; an absent condition holds for every entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Unix milliseconds, this one included.
    pub since: Option<u64>,
    /// Unix milliseconds, this one left out.
    pub until: Option<u64>,
    /// The subject of the principal.
    pub principal: Option<String>,
    /// The tool, prompt, URI or whatever else it was about.
    pub name: Option<String>,
    /// The name of the event.
    pub event: Option<String>,
    /// How it ended.
    pub outcome: Option<String>,
    /// The name of the request.
    pub request_id: Option<String>,
}

/// Keeps the lines of audit trails, each by the name of its trail.
pub trait AuditStore: Send + Sync + fmt::Debug + 'static {
    /// Stores lines, all of them or none. One that is there already, by trail and place, stays, unless it is of
    /// the same entry: of an attempt whose answer was lost, entries may be there that are sealed with others
    /// now. With `durable` they outlive a crash of the machine once this returns.
    fn append(
        &self,
        trail: &str,
        lines: Arc<[StoredLine]>,
        durable: bool,
    ) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Returns the last line of a trail.
    fn last(&self, trail: &str) -> BoxFuture<'_, Result<Option<String>, StoreError>>;

    /// Returns up to `limit` lines of a trail after a place, in order.
    fn lines_after(
        &self,
        trail: &str,
        seq: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<String>, StoreError>>;

    /// Returns one page of what is found in all trails, the youngest first, and how many entries there
    /// are on all pages.
    fn find(
        &self,
        query: &Query,
        skip: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<(Vec<String>, u64), StoreError>>;

    /// Removes at most `limit` lines from before a moment, in Unix milliseconds; returns how many there
    /// were. The last line of a trail always stays, or its chain could not go on.
    fn forget(&self, before: u64, limit: u32) -> BoxFuture<'_, Result<u64, StoreError>>;
}
