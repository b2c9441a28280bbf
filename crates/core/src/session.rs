//! What is remembered of a legacy session beyond the token that names it.

use std::collections::HashMap;

use bytes::Bytes;
use gantry_protocol::Revision;
use parking_lot::Mutex;

use crate::BoxFuture;
use crate::principal::Principal;

/// A session's number; the client holds it sealed.
pub type SessionId = [u8; 16];

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
}

/// Keeps session records.
pub trait SessionStore: Send + Sync + std::fmt::Debug + 'static {
    /// Returns the record of a session.
    fn get(&self, id: SessionId) -> BoxFuture<'_, Option<SessionRecord>>;
    /// Writes a record, new or changed.
    fn put(&self, id: SessionId, record: SessionRecord) -> BoxFuture<'_, ()>;
    /// Forgets a session.
    fn remove(&self, id: SessionId) -> BoxFuture<'_, ()>;
}

/// Keeps records for the life of the process.
#[derive(Debug, Default)]
pub struct MemorySessions {
    records: Mutex<HashMap<SessionId, SessionRecord>>,
}

impl SessionStore for MemorySessions {
    fn get(&self, id: SessionId) -> BoxFuture<'_, Option<SessionRecord>> {
        let record = self.records.lock().get(&id).cloned();
        Box::pin(std::future::ready(record))
    }

    fn put(&self, id: SessionId, record: SessionRecord) -> BoxFuture<'_, ()> {
        self.records.lock().insert(id, record);
        Box::pin(std::future::ready(()))
    }

    fn remove(&self, id: SessionId) -> BoxFuture<'_, ()> {
        self.records.lock().remove(&id);
        Box::pin(std::future::ready(()))
    }
}
