//! Audit trails as rows. What a line says is not known here; the columns beside it are given.

use std::path::Path;
use std::sync::Arc;

use gantry_core::BoxFuture;
use gantry_core::audit::{AuditStore, Query, StoredLine};
use gantry_core::store::StoreError;
use sqlx::{ConnectOptions as _, Sqlite as Engine, SqliteConnection, query_builder::QueryBuilder};

use super::offers::{bounded, seconds};
use super::writer::Write;
use super::{Sqlite, open};

/// Largest line, in bytes.
const MOST_LINE: usize = 1024 * 1024;

/// What is there stays: the same line may come again after a commit whose answer was lost.
const PUT: &str = "\
    INSERT INTO audit (trail, seq, at, event, outcome, principal, name, request_id, line)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (trail, seq) DO NOTHING";

const LAST: &str = "SELECT line FROM audit WHERE trail = $1 ORDER BY seq DESC LIMIT 1";

const AFTER: &str = "SELECT line FROM audit WHERE trail = $1 AND seq > $2 ORDER BY seq LIMIT $3";

const TRAILS: &str = "SELECT DISTINCT trail FROM audit ORDER BY trail";

const COUNT_OLD: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM audit WHERE at < $1 LIMIT $2)";

/// Takes the oldest of each trail, never its last.
const FORGET: &str = "\
    DELETE FROM audit WHERE (trail, seq) IN (
        SELECT trail, seq FROM audit AS old
        WHERE at < $1 AND seq < (SELECT MAX(seq) FROM audit WHERE trail = old.trail)
        ORDER BY at LIMIT $2
    )";

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
            let last = sqlx::query_scalar(LAST).bind(trail).fetch_optional(&self.inner.readers);
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
            let lines = sqlx::query_scalar(AFTER).bind(trail).bind(seconds(seq)).bind(limit);
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
            let mut counting = QueryBuilder::<Engine>::new("SELECT COUNT(*) FROM audit");
            conditions(&mut counting, &query);
            let readers = &self.inner.readers;
            let total: i64 =
                counting.build_query_scalar().fetch_one(readers).await.map_err(failed)?;
            let mut finding = QueryBuilder::<Engine>::new("SELECT line FROM audit");
            conditions(&mut finding, &query);
            finding.push(" ORDER BY at DESC, trail, seq DESC LIMIT ").push_bind(limit);
            finding.push(" OFFSET ").push_bind(seconds(skip));
            let lines = finding.build_query_scalar().fetch_all(readers).await.map_err(failed)?;
            Ok((lines, u64::try_from(total).unwrap_or(0)))
        })
    }

    fn forget(&self, before: u64, limit: u32) -> BoxFuture<'_, Result<u64, StoreError>> {
        const ACTION: &str = "remove old entries of the audit trail";
        Box::pin(async move {
            let before = seconds(before);
            let old: i64 = sqlx::query_scalar(COUNT_OLD)
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

fn conditions(builder: &mut QueryBuilder<Engine>, query: &Query) {
    let mut joint = " WHERE ";
    let moments = [(" at >= ", query.since), (" at < ", query.until)];
    for (column, moment) in moments {
        if let Some(moment) = moment {
            builder.push(joint).push(column).push_bind(seconds(moment));
            joint = " AND ";
        }
    }
    let texts = [
        ("principal = ", &query.principal),
        ("name = ", &query.name),
        ("event = ", &query.event),
        ("outcome = ", &query.outcome),
        ("request_id = ", &query.request_id),
    ];
    for (column, text) in texts {
        if let Some(text) = text {
            builder.push(joint).push(column).push_bind(text.clone());
            joint = " AND ";
        }
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
                sqlx::query(PUT)
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
            sqlx::query(FORGET).bind(before).bind(limit).execute(connection).await?;
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

/// Reads the audit trails of a database that a gateway may be using, and writes nothing.
#[derive(Debug)]
pub struct AuditReader {
    connection: SqliteConnection,
}

impl AuditReader {
    /// Opens the database for reading.
    ///
    /// # Errors
    ///
    /// What the database says, with its path.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = open::options(path).read_only(true);
        let connection = options.connect().await.map_err(|error| failed(path, &error))?;
        Ok(Self { connection })
    }

    /// Returns the names of the trails in it; none if it is of a gateway that kept no trail.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn trails(&mut self) -> Result<Vec<String>, StoreError> {
        const EXISTS: &str = "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'audit'";
        let tables: i64 = sqlx::query_scalar(EXISTS)
            .fetch_one(&mut self.connection)
            .await
            .map_err(|error| failed(Path::new(""), &error))?;
        if tables == 0 {
            return Ok(Vec::new());
        }
        let trails = sqlx::query_scalar(TRAILS).fetch_all(&mut self.connection).await;
        trails.map_err(|error| failed(Path::new(""), &error))
    }

    /// Returns up to `limit` lines of a trail after a place, in order.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn lines_after(
        &mut self,
        trail: &str,
        seq: u64,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        let lines = sqlx::query_scalar(AFTER).bind(trail).bind(seconds(seq)).bind(limit);
        let lines = lines.fetch_all(&mut self.connection).await;
        lines.map_err(|error| failed(Path::new(""), &error))
    }
}

fn failed(path: &Path, error: &sqlx::Error) -> StoreError {
    let cause = gantry_core::chain(error);
    let cause =
        if path.as_os_str().is_empty() { cause } else { format!("`{}`: {cause}", path.display()) };
    StoreError { action: "read the audit trail", cause }
}
