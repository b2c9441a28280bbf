//! Rows out of a server and into one, in one transaction each.

use std::fmt::Write as _;

use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Postgres, Row as _, Transaction};

use super::archive::Packer;
use super::header::{FORMAT, Header, Kind, TableHeader};
use super::tables::{Cell, Lines, Row, columns, quoted};
use super::{BackupError, Contents};
use crate::PostgresConfig;
use crate::postgres::{migration, offers, open};

const SNAPSHOT: &str = "\
    SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
    SET LOCAL statement_timeout TO 0;
    SET LOCAL idle_in_transaction_session_timeout TO 0";

const UNHURRIED: &str = "\
    SET LOCAL statement_timeout TO 0;
    SET LOCAL idle_in_transaction_session_timeout TO 0";

/// What tells of the schema is in the header.
const TABLES: &str = "\
    SELECT tablename::text FROM pg_tables
    WHERE schemaname = 'gantry' AND tablename NOT IN ('migrations', 'meta')
    ORDER BY tablename";

const EVERY_TABLE: &str = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'gantry'";

const COLUMNS: &str = "\
    SELECT column_name::text, data_type::text FROM information_schema.columns
    WHERE table_schema = 'gantry' AND table_name = $1
    ORDER BY ordinal_position";

/// Connections of gateways; those of commands are called otherwise.
const GATEWAYS: &str = "\
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = $1";

fn failed(action: &'static str) -> impl Fn(sqlx::Error) -> BackupError {
    move |source| BackupError::Database { action, source }
}

/// Saves every row as it was at one moment.
pub(super) async fn save(
    config: &PostgresConfig,
    contents: &Contents<'_>,
    packer: &mut Packer,
) -> Result<(Header, u64), BackupError> {
    let mut rows = 0;
    let read = failed("read");
    let mut transaction = begin(config).await?;
    sqlx::raw_sql(SNAPSHOT).execute(&mut *transaction).await.map_err(&read)?;
    let found = migration::found(&mut transaction).await.map_err(&read)?;
    let header = Header {
        format: FORMAT,
        release: contents.release.to_owned(),
        made_at: contents.now,
        back_end: crate::Kind::Postgres.name().to_owned(),
        schema: found.applied,
        tables: tables(&mut transaction).await?,
    };
    packer.header(&header)?;
    for table in &header.tables {
        let select = format!("SELECT {} FROM {}", columns(table), quoted(&table.name));
        let query = sqlx::query(AssertSqlSafe(select));
        let mut stream = query.fetch(&mut *transaction);
        let (mut lines, mut part) = (Lines::default(), 1);
        while let Some(row) = stream.try_next().await.map_err(&read)? {
            rows += 1;
            if let Some(full) = lines.push(cells(&row, table).map_err(&read)?) {
                packer.rows(&table.name, part, &full)?;
                part += 1;
            }
        }
        packer.rows(&table.name, part, &lines.take())?;
    }
    Ok((header, rows))
}

/// Begins a transaction on a connection of its own.
async fn begin(config: &PostgresConfig) -> Result<Transaction<'static, Postgres>, BackupError> {
    let pool = open::command(config).await.map_err(|source| BackupError::Connect { source })?;
    pool.begin().await.map_err(failed("open"))
}

async fn tables(connection: &mut PgConnection) -> Result<Vec<TableHeader>, BackupError> {
    let names: Vec<String> =
        sqlx::query_scalar(TABLES).fetch_all(&mut *connection).await.map_err(failed("read"))?;
    let mut tables = Vec::new();
    for name in names {
        let found: Vec<(String, String)> = sqlx::query_as(COLUMNS)
            .bind(&name)
            .fetch_all(&mut *connection)
            .await
            .map_err(failed("read"))?;
        let columns = found.into_iter().map(|(column, kind)| match kind.as_str() {
            "bigint" => Ok((column, Kind::Integer)),
            "text" => Ok((column, Kind::Text)),
            "bytea" => Ok((column, Kind::Bytes)),
            _ => Err(BackupError::Column { table: name.clone(), column }),
        });
        let columns = columns.collect::<Result<_, _>>()?;
        tables.push(TableHeader { name, columns });
    }
    Ok(tables)
}

fn cells(row: &PgRow, table: &TableHeader) -> Result<Row, sqlx::Error> {
    let cell = |(at, (_, kind)): (usize, &(String, Kind))| {
        let cell = match kind {
            Kind::Integer => row.try_get::<Option<i64>, _>(at)?.map(Cell::Integer),
            Kind::Text => row.try_get::<Option<String>, _>(at)?.map(Cell::Text),
            Kind::Bytes => row.try_get::<Option<Vec<u8>>, _>(at)?.map(Cell::Bytes),
        };
        Ok(cell.unwrap_or(Cell::Null))
    };
    table.columns.iter().enumerate().map(cell).collect()
}

/// A database that rows are written to; nobody sees them before the end.
pub(super) struct Loader {
    transaction: Transaction<'static, Postgres>,
    now: u64,
}

impl Loader {
    /// Takes away what is there, and makes the schema of the backup.
    ///
    /// # Errors
    ///
    /// Something is there, or a gateway is, and `may_replace` does not say that it does not matter.
    pub(super) async fn new(
        config: &PostgresConfig,
        header: &Header,
        may_replace: bool,
        now: u64,
    ) -> Result<Self, BackupError> {
        let write = failed("write");
        let mut transaction = begin(config).await?;
        sqlx::raw_sql(UNHURRIED).execute(&mut *transaction).await.map_err(&write)?;
        if !may_replace {
            refuse_to_replace(&mut transaction, config).await?;
        }
        let old: Vec<String> =
            sqlx::query_scalar(EVERY_TABLE).fetch_all(&mut *transaction).await.map_err(&write)?;
        for table in old {
            let drop = format!("DROP TABLE gantry.{} CASCADE", quoted(&table));
            sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut *transaction).await.map_err(&write)?;
        }
        let mut loader = Self { transaction, now };
        loader.migrate(&header.schema).await?;
        Ok(loader)
    }

    async fn migrate(&mut self, wanted: &[i64]) -> Result<(), BackupError> {
        let migrated = migration::migrate(&mut self.transaction, wanted, self.now).await;
        migrated.map_err(|error| BackupError::Database {
            action: "migrate",
            source: match error {
                migration::Error::Database(source) => source,
                migration::Error::Busy => sqlx::Error::PoolTimedOut,
                // Invariant: what is there was made a moment ago.
                migration::Error::TooNew(_) => sqlx::Error::WorkerCrashed,
            },
        })
    }

    /// Writes the rows of a part.
    pub(super) async fn load(
        &mut self,
        table: &TableHeader,
        rows: Vec<Row>,
    ) -> Result<(), sqlx::Error> {
        let (name, columns) = (quoted(&table.name), columns(table));
        let copy = format!("COPY gantry.{name} ({columns}) FROM STDIN");
        let text = copy_text(table, rows);
        let mut copying = self.transaction.copy_in_raw(&copy).await?;
        copying.send(text.into_bytes()).await?;
        copying.finish().await.map(drop)
    }

    /// Brings the schema up to date, and shows it all.
    pub(super) async fn finish(mut self) -> Result<(), BackupError> {
        self.migrate(&migration::numbers()).await?;
        self.transaction.commit().await.map_err(failed("write"))
    }
}

async fn refuse_to_replace(
    connection: &mut PgConnection,
    config: &PostgresConfig,
) -> Result<(), BackupError> {
    let read = failed("read");
    let gateways: i64 = sqlx::query_scalar(GATEWAYS)
        .bind(open::APPLICATION)
        .fetch_one(&mut *connection)
        .await
        .map_err(&read)?;
    if gateways > 0 {
        return Err(BackupError::InUse { place: config.place(), gateways });
    }
    for table in tables(connection).await? {
        let any = format!("SELECT EXISTS (SELECT FROM gantry.{})", quoted(&table.name));
        let has_rows: bool = sqlx::query_scalar(AssertSqlSafe(any))
            .fetch_one(&mut *connection)
            .await
            .map_err(&read)?;
        if has_rows {
            let path = format!("{}, table {}", config.place(), table.name);
            return Err(BackupError::Occupied { path });
        }
    }
    Ok(())
}

/// Writes rows in the text format of `COPY` (PostgreSQL, section "COPY", "File Formats").
fn copy_text(table: &TableHeader, rows: Vec<Row>) -> String {
    let profile = (table.name == "offers")
        .then(|| table.columns.iter().position(|(name, _)| name == "profile"))
        .flatten();
    let mut text = String::new();
    for row in rows {
        for (at, cell) in row.into_iter().enumerate() {
            if at > 0 {
                text.push('\t');
            }
            // Writing to a string cannot fail.
            let _ = match cell {
                Cell::Null => text.write_str("\\N"),
                Cell::Integer(number) => write!(text, "{number}"),
                // A file may have longer ones than an index of the server can hold.
                Cell::Text(long) if Some(at) == profile => {
                    escape(&offers::indexed(&long), &mut text);
                    Ok(())
                }
                Cell::Text(plain) => {
                    escape(&plain, &mut text);
                    Ok(())
                }
                Cell::Bytes(bytes) => write!(text, "\\\\x{}", crate::folder::to_hex(&bytes)),
            };
        }
        text.push('\n');
    }
    text
}

fn escape(plain: &str, text: &mut String) {
    for character in plain.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            other => text.push(other),
        }
    }
}
