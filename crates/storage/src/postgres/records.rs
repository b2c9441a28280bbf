//! What services keep for principals, as rows.

use gantry_core::BoxFuture;
use gantry_core::store::{RecordStore, StoreError, StoredRecord};

use super::Postgres;
use crate::rows::{self, RecordRow, bounded_record, seconds};
use crate::statements;

/// Two that write for one owner take turns until they have committed: they would make room by the
/// same rows in different orders. The first number keeps these locks apart from others.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7, hashtext($1 || chr(10) || $2))";

impl RecordStore for Postgres {
    fn record<'a>(
        &'a self,
        kind: &'a str,
        owner: &'a str,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<StoredRecord>, StoreError>> {
        Box::pin(async move {
            let read = sqlx::query_as(statements::RECORD).bind(kind).bind(owner).bind(key);
            let read = read.bind(seconds(self.inner.clock.unix_seconds()));
            let read = read.fetch_optional(&self.inner.pool);
            let row: Option<RecordRow> = self.within_limit("read a record", read).await?;
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
            let read = read.bind(i64::try_from(most).unwrap_or(i64::MAX));
            let read = read.fetch_all(&self.inner.pool);
            let rows: Vec<RecordRow> = self.within_limit("read records", read).await?;
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
            let work = async {
                let mut transaction = self.inner.pool.begin().await?;
                let lock = sqlx::query(LOCK).bind(kind).bind(owner);
                lock.execute(&mut *transaction).await?;
                sqlx::query(statements::PUT_RECORD)
                    .bind(kind)
                    .bind(owner)
                    .bind(&record.key)
                    .bind(i64::try_from(record.value.len()).unwrap_or(i64::MAX))
                    .bind(now)
                    .bind(record.expires_at.map(seconds))
                    .bind(&record.value[..])
                    .execute(&mut *transaction)
                    .await?;
                let taken = sqlx::query_as(statements::RECORDS_TAKEN).bind(kind).bind(owner);
                if rows::are_too_many(taken.fetch_one(&mut *transaction).await?) {
                    let bound = sqlx::query(statements::BOUND_RECORDS).bind(kind).bind(owner);
                    let bound = bound.bind(rows::MOST_RECORDS).bind(rows::MOST_RECORD_BYTES);
                    bound.bind(now).execute(&mut *transaction).await?;
                }
                transaction.commit().await
            };
            self.within_limit("keep a record", work).await
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
            let remove = sqlx::query(statements::REMOVE_RECORD).bind(kind).bind(owner).bind(key);
            let remove = remove.execute(&self.inner.pool);
            self.within_limit("remove a record", remove).await?;
            Ok(was_there)
        })
    }

    fn expire_records(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let now = seconds(self.inner.clock.unix_seconds());
            let expire = sqlx::query(statements::EXPIRE_RECORDS).bind(now);
            let expire = expire.execute(&self.inner.pool);
            self.within_limit("forget records", expire).await.map(drop)
        })
    }
}
