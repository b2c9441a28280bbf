//! Audit trails as rows. What a line says is not known here; the columns beside it are given.

use std::sync::Arc;

use gantry_core::BoxFuture;
use gantry_core::audit::{AuditStore, Query, StoredLine};
use gantry_core::store::StoreError;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::Sqlite;
use super::writer::Write;
use crate::rows::{MOST_LINE, Sought, audit_condition, bounded, seconds};
use crate::statements;

/// A change of the table.
#[derive(Debug)]
pub(super) enum Change {
    Append { trail: String, lines: Arc<[StoredLine]>, durable: bool },
    Forget { before: i64, limit: u32 },
}

impl AuditStore for Sqlite {
    fn append(
        &self,
        trail: &str,
        lines: Arc<[StoredLine]>,
        durable: bool,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        const ACTION: &str = "store entries of the audit trail";
        let trail = trail.to_owned();
        Box::pin(async move {
            for line in &*lines {
                bounded(ACTION, "an entry", line.line.len(), MOST_LINE)?;
            }
            self.put(ACTION, Write::Audit(Change::Append { trail, lines, durable })).await
        })
    }

    fn last(&self, trail: &str) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
        let trail = trail.to_owned();
        Box::pin(async move {
            let last = sqlx::query_scalar(statements::AUDIT_LAST)
                .bind(trail)
                .fetch_optional(&self.inner.readers);
            last.await.map_err(|error| self.failed("read the audit trail", &error))
        })
    }

    fn lines_after(
        &self,
        trail: &str,
        seq: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<String>, StoreError>> {
        let trail = trail.to_owned();
        Box::pin(async move {
            let lines = sqlx::query_scalar(statements::AUDIT_AFTER)
                .bind(trail)
                .bind(seconds(seq))
                .bind(limit);
            let lines = lines.fetch_all(&self.inner.readers).await;
            lines.map_err(|error| self.failed("read the audit trail", &error))
        })
    }

    fn find(
        &self,
        query: &Query,
        skip: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<(Vec<String>, u64), StoreError>> {
        let query = query.clone();
        Box::pin(async move {
            let failed = |error| self.failed("search the audit trail", &error);
            let readers = &self.inner.readers;
            let (condition, values) = audit_condition(&query);
            // The text is made of our own columns and of places for the values.
            let counting = AssertSqlSafe(format!("SELECT COUNT(*) FROM audit{condition}"));
            let mut count = sqlx::query_scalar(counting);
            let finding = AssertSqlSafe(format!(
                "SELECT line FROM audit{condition} ORDER BY at DESC, trail, seq DESC \
                 LIMIT ${} OFFSET ${}",
                values.len() + 1,
                values.len() + 2
            ));
            let mut find = sqlx::query_scalar(finding);
            for value in values {
                (count, find) = match value {
                    Sought::Moment(moment) => (count.bind(moment), find.bind(moment)),
                    Sought::Text(text) => (count.bind(text.clone()), find.bind(text)),
                };
            }
            let total: i64 = count.fetch_one(readers).await.map_err(failed)?;
            let find = find.bind(limit).bind(seconds(skip));
            let lines = find.fetch_all(readers).await.map_err(failed)?;
            Ok((lines, u64::try_from(total).unwrap_or(0)))
        })
    }

    fn forget(&self, before: u64, limit: u32) -> BoxFuture<'_, Result<u64, StoreError>> {
        const ACTION: &str = "remove old entries of the audit trail";
        Box::pin(async move {
            let before = seconds(before);
            let old: i64 = sqlx::query_scalar(statements::COUNT_OLD_AUDIT)
                .bind(before)
                .bind(limit)
                .fetch_one(&self.inner.readers)
                .await
                .map_err(|error| self.failed(ACTION, &error))?;
            if old > 0 {
                self.put(ACTION, Write::Audit(Change::Forget { before, limit })).await?;
            }
            Ok(u64::try_from(old).unwrap_or(0))
        })
    }
}

/// Carries out one change within a transaction.
pub(super) async fn apply(
    connection: &mut SqliteConnection,
    change: &Change,
) -> Result<(), sqlx::Error> {
    match change {
        Change::Append { trail, lines, .. } => {
            for line in &**lines {
                sqlx::query(statements::PUT_AUDIT)
                    .bind(trail)
                    .bind(seconds(line.seq))
                    .bind(seconds(line.at))
                    .bind(&line.event)
                    .bind(&line.outcome)
                    .bind(&line.principal)
                    .bind(&line.name)
                    .bind(&line.request_id)
                    .bind(&line.line)
                    .execute(&mut *connection)
                    .await?;
            }
        }
        Change::Forget { before, limit } => {
            sqlx::query(statements::FORGET_AUDIT)
                .bind(before)
                .bind(limit)
                .execute(connection)
                .await?;
        }
    }
    Ok(())
}

impl Change {
    /// Returns about how many bytes it holds.
    pub(super) fn size(&self) -> usize {
        let Self::Append { lines, .. } = self else { return 0 };
        lines.iter().map(|line| 2 * line.line.len()).sum()
    }

    /// Tells whether it must outlive a crash of the machine.
    pub(super) fn is_durable(&self) -> bool {
        matches!(self, Self::Append { durable: true, .. })
    }
}
