//! A folder with a database in it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gantry_core::Tasks;
use gantry_core::clock::FixedClock;
use gantry_core::store::OfferStore as _;
use gantry_storage::{Database as _, OpenError, Sqlite};
use tempfile::TempDir;

pub(crate) const DAY: u64 = 24 * 60 * 60;
pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("gantry.db")
    }

    pub(crate) async fn open(&self, now: u64) -> (Sqlite, Tasks) {
        let tasks = Tasks::new();
        (self.try_open(now, &tasks).await.unwrap(), tasks)
    }

    pub(crate) async fn try_open(&self, now: u64, tasks: &Tasks) -> Result<Sqlite, OpenError> {
        let clock = Arc::new(FixedClock(Duration::from_secs(now)));
        Sqlite::open(&self.file(), tasks, clock).await
    }

    /// Opens, does nothing, closes.
    pub(crate) async fn visit(&self, now: u64) {
        let (database, _tasks) = self.open(now).await;
        database.close().await;
    }
}

pub(crate) async fn put(database: &Sqlite, upstream: &str, offer: &'static str) {
    database.put_offer(upstream, "", Bytes::from_static(offer.as_bytes())).await.unwrap();
}

pub(crate) async fn get(database: &Sqlite, upstream: &str) -> Option<String> {
    let offer = database.offer(upstream, "").await.unwrap()?;
    Some(String::from_utf8(offer.to_vec()).unwrap())
}
