//! What is remembered of a legacy session beyond the token that names it.

use std::collections::HashMap;

use bytes::Bytes;
use gantry_protocol::Revision;
use parking_lot::Mutex;

use crate::BoxFuture;
use crate::principal::Principal;
use crate::store::StoreError;

/// A session's number; the client holds it sealed.
pub type SessionId = [u8; 16];

/// The digests of the lists that a client was last told of: tools, prompts, resources.
pub type Lists = [u64; 3];

/// The facts of a session that change or are long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// Agreed at `initialize`.
    pub revision: Revision,
    /// Whose it is.
    pub principal: Principal,
    /// Raw client capabilities.
    pub capabilities: Bytes,
    /// Raw `clientInfo`.
    pub client_info: Bytes,
    /// The endpoint it was opened on: a view's name, empty for everything.
    pub view: Box<str>,
    /// Set by `logging/setLevel`.
    pub log_level: Option<Box<str>>,
    /// URIs.
    pub subscriptions: Vec<Box<str>>,
    /// What the client knows of the lists.
    pub lists: Lists,
    /// Unix seconds at which the client was last heard, to within the interval of writing it down.
    pub seen_at: u64,
}

/// What a store knows of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remembered {
    /// Nothing: it was never written, or is forgotten.
    Unknown,
    /// That it has ended; it must not go on.
    Ended,
    /// It goes on.
    Open(Box<SessionRecord>),
}

/// What is to be written of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionChange {
    /// The whole record, new or changed. An ended session stays ended.
    Put(Box<SessionRecord>),
    /// The client was heard, at these unix seconds. Nothing, if there is no record.
    Seen(u64),
    /// The session ended at these unix seconds, whether it was written before or not.
    Ended(u64),
}

/// Keeps session records.
///
/// A change that was written is seen by every later `get`. Who calls decides how long writing may
/// be put off, and what a failure means.
pub trait SessionStore: Send + Sync + std::fmt::Debug + 'static {
    /// Returns what is known of a session.
    fn get(&self, id: SessionId) -> BoxFuture<'_, Result<Remembered, StoreError>>;
    /// Writes changes in their order, all or none.
    fn write(
        &self,
        changes: Vec<(SessionId, SessionChange)>,
    ) -> BoxFuture<'_, Result<(), StoreError>>;
    /// Ends the sessions not heard since `idle_since`, and forgets those that have ended and were
    /// not heard since `forget_before` (unix seconds). Returns how many it ended.
    fn expire(&self, idle_since: u64, forget_before: u64)
    -> BoxFuture<'_, Result<u64, StoreError>>;
}

/// Keeps records for the life of the process.
#[derive(Debug, Default)]
pub struct MemorySessions {
    records: Mutex<HashMap<SessionId, Kept>>,
}

#[derive(Debug)]
enum Kept {
    Open(Box<SessionRecord>),
    /// And when.
    Ended(u64),
}

impl MemorySessions {
    fn apply(records: &mut HashMap<SessionId, Kept>, id: SessionId, change: SessionChange) {
        let kept = records.get_mut(&id);
        match (change, kept) {
            (SessionChange::Put(_) | SessionChange::Seen(_), Some(Kept::Ended(_)))
            | (SessionChange::Seen(_), None) => {}
            (SessionChange::Put(record), _) => {
                records.insert(id, Kept::Open(record));
            }
            (SessionChange::Seen(at), Some(Kept::Open(record))) => record.seen_at = at,
            (SessionChange::Ended(at), _) => {
                records.insert(id, Kept::Ended(at));
            }
        }
    }
}

impl SessionStore for MemorySessions {
    fn get(&self, id: SessionId) -> BoxFuture<'_, Result<Remembered, StoreError>> {
        let remembered = match self.records.lock().get(&id) {
            None => Remembered::Unknown,
            Some(Kept::Ended(_)) => Remembered::Ended,
            Some(Kept::Open(record)) => Remembered::Open(record.clone()),
        };
        Box::pin(std::future::ready(Ok(remembered)))
    }

    fn write(
        &self,
        changes: Vec<(SessionId, SessionChange)>,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        let mut records = self.records.lock();
        for (id, change) in changes {
            Self::apply(&mut records, id, change);
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn expire(
        &self,
        idle_since: u64,
        forget_before: u64,
    ) -> BoxFuture<'_, Result<u64, StoreError>> {
        let mut records = self.records.lock();
        let mut ended = 0;
        for kept in records.values_mut() {
            if let Kept::Open(record) = kept
                && record.seen_at < idle_since
            {
                *kept = Kept::Ended(record.seen_at);
                ended += 1;
            }
        }
        records.retain(|_, kept| !matches!(kept, Kept::Ended(at) if *at < forget_before));
        Box::pin(std::future::ready(Ok(ended)))
    }
}
