//! Audit trails as rows; how they are kept is told of in `sqlite/audit.rs`.

use std::sync::Arc;

use gantry_core::BoxFuture;
use gantry_core::audit::{AuditStore, Query, StoredLine};
use gantry_core::store::StoreError;
use sqlx::{AssertSqlSafe, PgConnection};

use super::Postgres;
use crate::rows::{MOST_LINE, Sought, audit_condition, bounded, seconds};
use crate::statements;

impl AuditStore for Postgres {
    fn append(
        &self,
        trail: &str,
        lines: Arc<[StoredLine]>,
        _: bool,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        const ACTION: &str = "store entries of the audit trail";
        let trail = trail.to_owned();
        Box::pin(async move {
            for line in &*lines {
                bounded(ACTION, "an entry", line.line.len(), MOST_LINE)?;
            }
            let work = async {
                // Committed as it is usual, whether that is asked for or not: a server that crashes takes what it had
                // not written with it, and the gateway goes on, whose trail would have a gap then.
                let mut transaction = self.inner.pool.begin().await?;
                for line in &*lines {
                    put(&mut transaction, &trail, line).await?;
                }
                transaction.commit().await
            };
            self.within_limit(ACTION, work).await
        })
    }

    fn last(&self, trail: &str) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
        let trail = trail.to_owned();
        Box::pin(async move {
            let last = sqlx::query_scalar(statements::AUDIT_LAST).bind(trail);
            let last = last.fetch_optional(&self.inner.pool);
            self.within_limit("read the audit trail", last).await
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
            let lines = sqlx::query_scalar(statements::AUDIT_AFTER);
            let lines = lines.bind(trail).bind(seconds(seq)).bind(i64::from(limit));
            self.within_limit("read the audit trail", lines.fetch_all(&self.inner.pool)).await
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
                    Sought::Text(text) => {
                        let text = without_nul(&text);
                        (count.bind(text.clone()), find.bind(text))
                    }
                };
            }
            let find = find.bind(i64::from(limit)).bind(seconds(skip));
            let work = async {
                let total: i64 = count.fetch_one(&self.inner.pool).await?;
                Ok((find.fetch_all(&self.inner.pool).await?, u64::try_from(total).unwrap_or(0)))
            };
            self.within_limit("search the audit trail", work).await
        })
    }

    fn forget(&self, before: u64, limit: u32) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let forget = sqlx::query(statements::FORGET_AUDIT);
            let forget = forget.bind(seconds(before)).bind(i64::from(limit));
            let forget = forget.execute(&self.inner.pool);
            let forgotten =
                self.within_limit("remove old entries of the audit trail", forget).await?;
            Ok(forgotten.rows_affected())
        })
    }
}

async fn put(
    connection: &mut PgConnection,
    trail: &str,
    line: &StoredLine,
) -> Result<(), sqlx::Error> {
    sqlx::query(statements::PUT_AUDIT)
        .bind(trail)
        .bind(seconds(line.seq))
        .bind(seconds(line.at))
        .bind(&line.event)
        .bind(&line.outcome)
        .bind(without_nul(&line.principal))
        .bind(without_nul(&line.name))
        .bind(without_nul(&line.request_id))
        .bind(&line.line)
        .execute(connection)
        .await?;
    Ok(())
}

/// Texts of PostgreSQL have no NUL. The line itself has it escaped, as JSON does.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
