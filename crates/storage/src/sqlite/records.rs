//! What services keep for principals, as rows.

use gantry_core::BoxFuture;
use gantry_core::store::{RecordStore, StoreError, StoredRecord};
use sqlx::SqliteConnection;

use super::Sqlite;
use super::writer::Write;
use crate::rows::{self, RecordRow, bounded_record, seconds};
use crate::statements;

/// A change of the records.
#[derive(Debug)]
pub(super) enum Change {
    Put { kind: String, owner: String, record: StoredRecord, now: i64 },
    Remove { kind: String, owner: String, key: String },
    Expire { now: i64 },
}

impl Change {
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Put { record, .. } => record.value.len(),
            Self::Remove { .. } | Self::Expire { .. } => 0,
        }
    }
}

impl RecordStore for Sqlite {
    fn record<'a>(
        &'a self,
        kind: &'a str,
        owner: &'a str,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<StoredRecord>, StoreError>> {
        Box::pin(async move {
            let read = sqlx::query_as(statements::RECORD).bind(kind).bind(owner).bind(key);
            let read = read.bind(seconds(self.inner.clock.unix_seconds()));
            let row: Option<RecordRow> = read
                .fetch_optional(&self.inner.readers)
                .await
                .map_err(|error| self.failed("read a record", &error))?;
            Ok(row.map(rows::record))
        })
    }

    fn records<'a>(
        &'a self,
        kind: &'a str,
        owner: &'a str,
        most: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredRecord>, StoreError>> {
        Box::pin(async move {
            let now = seconds(self.inner.clock.unix_seconds());
            let read = sqlx::query_as(statements::RECORDS).bind(kind).bind(owner).bind(now);
            let rows: Vec<RecordRow> = read
                .bind(i64::try_from(most).unwrap_or(i64::MAX))
                .fetch_all(&self.inner.readers)
                .await
                .map_err(|error| self.failed("read records", &error))?;
            Ok(rows.into_iter().map(rows::record).collect())
        })
    }

    fn put_record<'a>(
        &'a self,
        kind: &'a str,
        owner: &'a str,
        record: StoredRecord,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            bounded_record(kind, owner, &record)?;
            let now = seconds(self.inner.clock.unix_seconds());
            let (kind, owner) = (kind.to_owned(), owner.to_owned());
            let change = Change::Put { kind, owner, record, now };
            self.put("keep a record", Write::Records(change)).await
        })
    }

    fn remove_record<'a>(
        &'a self,
        kind: &'a str,
        owner: &'a str,
        key: &'a str,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let was_there = self.record(kind, owner, key).await?.is_some();
            let (kind, owner, key) = (kind.to_owned(), owner.to_owned(), key.to_owned());
            let change = Change::Remove { kind, owner, key };
            self.put("remove a record", Write::Records(change)).await?;
            Ok(was_there)
        })
    }

    fn expire_records(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let now = seconds(self.inner.clock.unix_seconds());
            self.put("forget records", Write::Records(Change::Expire { now })).await
        })
    }
}

/// Carries out one change within a transaction.
pub(super) async fn apply(
    connection: &mut SqliteConnection,
    change: &Change,
) -> Result<(), sqlx::Error> {
    match change {
        Change::Put { kind, owner, record, now } => {
            sqlx::query(statements::PUT_RECORD)
                .bind(kind)
                .bind(owner)
                .bind(&record.key)
                .bind(i64::try_from(record.value.len()).unwrap_or(i64::MAX))
                .bind(now)
                .bind(record.expires_at.map(seconds))
                .bind(&record.value[..])
                .execute(&mut *connection)
                .await?;
            let taken = sqlx::query_as(statements::RECORDS_TAKEN).bind(kind).bind(owner);
            if !rows::are_too_many(taken.fetch_one(&mut *connection).await?) {
                return Ok(());
            }
            let bound = sqlx::query(statements::BOUND_RECORDS).bind(kind).bind(owner);
            let bound = bound.bind(rows::MOST_RECORDS).bind(rows::MOST_RECORD_BYTES).bind(now);
            bound.execute(connection).await?;
        }
        Change::Remove { kind, owner, key } => {
            let remove = sqlx::query(statements::REMOVE_RECORD).bind(kind).bind(owner).bind(key);
            remove.execute(connection).await?;
        }
        Change::Expire { now } => {
            sqlx::query(statements::EXPIRE_RECORDS).bind(now).execute(connection).await?;
        }
    }
    Ok(())
}
