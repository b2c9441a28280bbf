//! The trail in the database, which several gateways may share: each has its own.

use std::sync::Arc;

use gantry_core::BoxFuture;
use gantry_core::audit::{AuditStore, StoredLine};
use gantry_policy::audit::{Head, stored};

use super::AuditError;
use super::sink::{Appended, Sealed, Sink, off_thread};

pub(super) const NAME: &str = "database";

/// The database.
#[derive(Debug)]
pub(super) struct Database {
    store: Arc<dyn AuditStore>,
    trail: String,
    each: bool,
}

impl Database {
    pub(super) fn new(store: Arc<dyn AuditStore>, trail: String, each: bool) -> Self {
        Self { store, trail, each }
    }
}

impl Sink for Database {
    fn last(&mut self) -> BoxFuture<'_, Result<Option<Head>, AuditError>> {
        Box::pin(async {
            let last = self.store.last(&self.trail).await;
            let last = last.map_err(|source| AuditError::Database { source })?;
            // What was added is there whole: without a seal at its end, somebody took that away.
            Ok(last.as_deref().and_then(Head::of_last_line))
        })
    }

    fn append(&mut self, sealed: Arc<Sealed>) -> BoxFuture<'_, Appended> {
        Box::pin(async move {
            let lines = move || -> Arc<[StoredLine]> {
                let lines = sealed.lines().lines().zip(&sealed.entries);
                lines.map(|(line, entry)| stored(line, entry.at)).collect()
            };
            let lines = off_thread(lines).await;
            let n = lines.len();
            match self.store.append(&self.trail, lines, self.each).await {
                Ok(()) => Appended { n, is_durable: true, failure: None },
                Err(error) => {
                    Appended { n: 0, is_durable: false, failure: Some(error.to_string()) }
                }
            }
        })
    }
}
