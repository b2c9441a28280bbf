//! What services keep, in the database of the process.
//!
//! Services ask on threads that may wait, never on those that carry requests; the database is
//! asked within the runtime that opened it.

use std::sync::Arc;
use std::time::Duration;

use gantry_core::store::{StoreError, StoredRecord};
use gantry_services::ports::{PortError, Record, Records};
use gantry_storage::Database;
use tokio::runtime::Handle;

/// The longest wait for the database.
const LIMIT: Duration = Duration::from_secs(30);
/// How often what has expired is forgotten.
pub(super) const SWEEP: Duration = Duration::from_hours(1);

/// The records of services, in a database.
#[derive(Debug)]
pub(super) struct StoredRecords {
    store: Arc<dyn Database>,
    runtime: Handle,
}

impl StoredRecords {
    /// Keeps records there; within a runtime that outlives it.
    pub(super) fn new(store: Arc<dyn Database>) -> Self {
        Self { store, runtime: Handle::current() }
    }

    fn wait<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, PortError> {
        let limited = async { tokio::time::timeout(LIMIT, work).await };
        match self.runtime.block_on(limited) {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => {
                gantry_core::log::warn!(%error, "A record of a service cannot be kept or read.");
                Err(PortError::new(format!("the database failed to {}", error.action)))
            }
            Err(_) => Err(PortError::new("the database did not answer in time")),
        }
    }
}

impl Records for StoredRecords {
    fn get(&self, kind: &str, owner: &str, key: &str) -> Result<Option<Record>, PortError> {
        let found = self.wait(self.store.record(kind, owner, key))?;
        Ok(found.map(read))
    }

    fn put(&self, kind: &str, owner: &str, record: Record) -> Result<(), PortError> {
        let Record { key, value, expires_at } = record;
        let record = StoredRecord { key, value, expires_at };
        self.wait(self.store.put_record(kind, owner, record))
    }

    fn remove(&self, kind: &str, owner: &str, key: &str) -> Result<bool, PortError> {
        self.wait(self.store.remove_record(kind, owner, key))
    }

    fn list(&self, kind: &str, owner: &str, most: usize) -> Result<Vec<Record>, PortError> {
        let found = self.wait(self.store.records(kind, owner, most))?;
        Ok(found.into_iter().map(read).collect())
    }
}

fn read(record: StoredRecord) -> Record {
    let StoredRecord { key, value, expires_at } = record;
    Record { key, value, expires_at }
}
