//! Legacy sessions as rows.
//!
//! A session that has ended keeps its row without its facts, until it is forgotten: then the token
//! that names it is too old to be believed alone. The number of rows is bounded: those not heard for
//! longest make room.

use gantry_core::BoxFuture;
use gantry_core::session::{Remembered, SessionChange, SessionId, SessionStore};
use gantry_core::store::StoreError;
use sqlx::SqliteConnection;

use super::Sqlite;
use super::writer::Write;
use crate::rows::{self, NOTHING, seconds};
use crate::statements;

/// A change of the table.
#[derive(Debug)]
pub(super) enum Change {
    Write(Vec<(SessionId, SessionChange)>),
    Expire { idle_since: i64, forget_before: i64 },
}

impl SessionStore for Sqlite {
    fn get(&self, id: SessionId) -> BoxFuture<'_, Result<Remembered, StoreError>> {
        const ACTION: &str = "read a session";
        Box::pin(async move {
            let row = sqlx::query(statements::SESSION)
                .bind(&id[..])
                .fetch_optional(&self.inner.readers)
                .await
                .map_err(|error| self.failed(ACTION, &error))?;
            let Some(row) = row else { return Ok(Remembered::Unknown) };
            rows::remembered(&row).map_err(|error| self.failed(ACTION, &error))
        })
    }

    fn write(
        &self,
        changes: Vec<(SessionId, SessionChange)>,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.put("write sessions", Write::Sessions(Change::Write(changes))).await
        })
    }

    fn expire(
        &self,
        idle_since: u64,
        forget_before: u64,
    ) -> BoxFuture<'_, Result<u64, StoreError>> {
        const ACTION: &str = "expire sessions";
        const IDLE: &str = "SELECT COUNT(*) FROM sessions WHERE ended = 0 AND seen_at < $1";
        Box::pin(async move {
            let (idle_since, forget_before) = (seconds(idle_since), seconds(forget_before));
            let idle: i64 = sqlx::query_scalar(IDLE)
                .bind(idle_since)
                .fetch_one(&self.inner.readers)
                .await
                .map_err(|error| self.failed(ACTION, &error))?;
            let change = Change::Expire { idle_since, forget_before };
            self.put(ACTION, Write::Sessions(change)).await?;
            Ok(u64::try_from(idle).unwrap_or(0))
        })
    }
}

/// Carries out one change within a transaction.
pub(super) async fn apply(
    connection: &mut SqliteConnection,
    change: &Change,
) -> Result<(), sqlx::Error> {
    match change {
        Change::Write(changes) => {
            for (id, change) in changes {
                apply_one(connection, id, change).await?;
            }
        }
        Change::Expire { idle_since, forget_before } => {
            sqlx::query(statements::END_IDLE_SESSIONS)
                .bind(idle_since)
                .bind(NOTHING)
                .execute(&mut *connection)
                .await?;
            sqlx::query(statements::FORGET_SESSIONS)
                .bind(forget_before)
                .execute(&mut *connection)
                .await?;
            sqlx::query(statements::BOUND_SESSIONS).execute(connection).await?;
        }
    }
    Ok(())
}

async fn apply_one(
    connection: &mut SqliteConnection,
    id: &SessionId,
    change: &SessionChange,
) -> Result<(), sqlx::Error> {
    let query = match change {
        SessionChange::Put(record) => {
            let subscriptions = rows::subscriptions_of(record)?;
            sqlx::query(statements::PUT_SESSION)
                .bind(&id[..])
                .bind(seconds(record.seen_at))
                .bind(record.revision.as_str())
                .bind(&*record.principal.issuer)
                .bind(&*record.principal.subject)
                .bind(&*record.view)
                .bind(record.log_level.as_deref())
                .bind(rows::bytes_of(record.lists))
                .bind(subscriptions)
                .bind(&record.client_info[..])
                .bind(&record.capabilities[..])
        }
        SessionChange::Seen(at) => {
            sqlx::query(statements::SEEN_SESSION).bind(&id[..]).bind(seconds(*at))
        }
        SessionChange::Ended(at) => {
            sqlx::query(statements::END_SESSION).bind(&id[..]).bind(seconds(*at)).bind(NOTHING)
        }
    };
    query.execute(connection).await?;
    Ok(())
}

impl Change {
    /// Returns about how many bytes it holds.
    pub(super) fn size(&self) -> usize {
        let Self::Write(changes) = self else { return 0 };
        changes.iter().map(|(_, change)| size_of_change(change)).sum()
    }
}

fn size_of_change(change: &SessionChange) -> usize {
    let SessionChange::Put(record) = change else { return 32 };
    let subscriptions: usize = record.subscriptions.iter().map(|uri| uri.len()).sum();
    256 + record.capabilities.len() + record.client_info.len() + subscriptions
}
