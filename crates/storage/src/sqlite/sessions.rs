//! Legacy sessions as rows.
//!
//! A session that has ended keeps its row without its facts, until it is forgotten: then the token
//! that names it is too old to be believed alone. The number of rows is bounded: those not heard for
//! longest make room.

use bytes::Bytes;
use gantry_core::session::{
    Lists, Remembered, SessionChange, SessionId, SessionRecord, SessionStore,
};
use gantry_core::store::StoreError;
use gantry_core::{BoxFuture, Principal};
use gantry_protocol::Revision;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::Sqlite;
use super::offers::seconds;
use super::writer::Write;

/// A change of the table.
#[derive(Debug)]
pub(super) enum Change {
    Write(Vec<(SessionId, SessionChange)>),
    Expire { idle_since: i64, forget_before: i64 },
}

const GET: &str = "\
    SELECT seen_at, ended, revision, issuer, subject, view, log_level, lists, subscriptions,
        client_info, capabilities
    FROM sessions WHERE id = $1";

const PUT: &str = "\
    INSERT INTO sessions (id, seen_at, ended, revision, issuer, subject, view, log_level, lists,
        subscriptions, client_info, capabilities)
    VALUES ($1, $2, 0, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (id) DO UPDATE SET
        seen_at = excluded.seen_at,
        log_level = excluded.log_level,
        lists = excluded.lists,
        subscriptions = excluded.subscriptions,
        client_info = excluded.client_info,
        capabilities = excluded.capabilities
    WHERE ended = 0";

const SEEN: &str = "UPDATE sessions SET seen_at = $2 WHERE id = $1 AND ended = 0";

const END: &str = "\
    INSERT INTO sessions (id, seen_at, ended, revision, issuer, subject, view, log_level, lists,
        subscriptions, client_info, capabilities)
    VALUES ($1, $2, 1, '', '', '', '', NULL, x'', '', x'', x'')
    ON CONFLICT (id) DO UPDATE SET
        seen_at = excluded.seen_at, ended = 1, revision = '', issuer = '', subject = '', view = '',
        log_level = NULL, lists = x'', subscriptions = '', client_info = x'', capabilities = x''";

const END_IDLE: &str = "\
    UPDATE sessions SET ended = 1, revision = '', issuer = '', subject = '', view = '',
        log_level = NULL, lists = x'', subscriptions = '', client_info = x'', capabilities = x''
    WHERE ended = 0 AND seen_at < $1";

const FORGET: &str = "DELETE FROM sessions WHERE ended = 1 AND seen_at < $1";

/// Twice as many as may be open at once.
const BOUND: &str = "\
    DELETE FROM sessions WHERE id IN (
        SELECT id FROM sessions ORDER BY ended, seen_at DESC LIMIT -1 OFFSET 200000
    )";

impl SessionStore for Sqlite {
    fn get(&self, id: SessionId) -> BoxFuture<'_, Result<Remembered, StoreError>> {
        const ACTION: &str = "read a session";
        Box::pin(async move {
            let row = sqlx::query(GET)
                .bind(&id[..])
                .fetch_optional(&self.inner.readers)
                .await
                .map_err(|error| self.failed(ACTION, &error))?;
            let Some(row) = row else { return Ok(Remembered::Unknown) };
            remembered(&row).map_err(|error| self.failed(ACTION, &error))
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

fn remembered(row: &SqliteRow) -> Result<Remembered, sqlx::Error> {
    if row.try_get::<i64, _>("ended")? != 0 {
        return Ok(Remembered::Ended);
    }
    let text = |column| row.try_get::<String, _>(column);
    let bytes = |column| row.try_get::<Vec<u8>, _>(column).map(Bytes::from);
    let foreign = |column: &str| {
        let source = format!("`{column}` of a session is not what this version writes").into();
        sqlx::Error::ColumnDecode { index: column.to_owned(), source }
    };
    let revision = Revision::parse(&text("revision")?).ok_or_else(|| foreign("revision"))?;
    let subscriptions = serde_json::from_str(&text("subscriptions")?);
    Ok(Remembered::Open(Box::new(SessionRecord {
        revision,
        principal: Principal::new(&text("issuer")?, &text("subject")?),
        capabilities: bytes("capabilities")?,
        client_info: bytes("client_info")?,
        view: text("view")?.into_boxed_str(),
        log_level: row.try_get::<Option<String>, _>("log_level")?.map(String::into_boxed_str),
        subscriptions: subscriptions.map_err(|_| foreign("subscriptions"))?,
        lists: lists_of(&bytes("lists")?).ok_or_else(|| foreign("lists"))?,
        seen_at: u64::try_from(row.try_get::<i64, _>("seen_at")?).unwrap_or(0),
    })))
}

fn lists_of(bytes: &[u8]) -> Option<Lists> {
    let (numbers, rest) = bytes.as_chunks::<8>();
    let [tools, prompts, resources] = numbers else { return None };
    let number = |bytes: &[u8; 8]| u64::from_be_bytes(*bytes);
    rest.is_empty().then(|| [number(tools), number(prompts), number(resources)])
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
            sqlx::query(END_IDLE).bind(idle_since).execute(&mut *connection).await?;
            sqlx::query(FORGET).bind(forget_before).execute(&mut *connection).await?;
            sqlx::query(BOUND).execute(connection).await?;
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
            let subscriptions = serde_json::to_string(&record.subscriptions)
                .map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
            sqlx::query(PUT)
                .bind(&id[..])
                .bind(seconds(record.seen_at))
                .bind(record.revision.as_str())
                .bind(&*record.principal.issuer)
                .bind(&*record.principal.subject)
                .bind(&*record.view)
                .bind(record.log_level.as_deref())
                .bind(record.lists.map(u64::to_be_bytes).concat())
                .bind(subscriptions)
                .bind(&record.client_info[..])
                .bind(&record.capabilities[..])
        }
        SessionChange::Seen(at) => sqlx::query(SEEN).bind(&id[..]).bind(seconds(*at)),
        SessionChange::Ended(at) => sqlx::query(END).bind(&id[..]).bind(seconds(*at)),
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
