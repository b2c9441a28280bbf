//! Rows out of a file and into a new one.

use std::path::Path;

use futures_util::TryStreamExt as _;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};

use super::archive::Packer;
use super::header::{FORMAT, Header, Kind, TableHeader};
use super::tables::{Cell, Lines, Row, columns, quoted};
use super::{BackupError, Contents};
use crate::OpenError;
use crate::sqlite::{migration, open};

/// What tells of the schema is in the header.
const TABLES: &str = "\
    SELECT name FROM sqlite_schema
    WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
        AND name NOT IN ('migrations', 'meta')
    ORDER BY name";

const COLUMNS: &str = "SELECT name, type FROM pragma_table_info($1) ORDER BY cid";

fn failed(action: &'static str) -> impl Fn(sqlx::Error) -> BackupError {
    move |source| BackupError::Database { action, source }
}

/// Saves every row as it was at one moment.
pub(super) async fn save(
    path: &Path,
    contents: &Contents<'_>,
    packer: &mut Packer,
) -> Result<(Header, u64), BackupError> {
    let connection = open::reader(path).await;
    let mut connection = connection.map_err(|source| BackupError::Open { source })?;
    let mut rows = 0;
    let read = failed("read");
    let mut transaction = connection.begin().await.map_err(&read)?;
    // The first statement decides which moment that is.
    let found = migration::found(&mut transaction).await.map_err(&read)?;
    let header = Header {
        format: FORMAT,
        release: contents.release.to_owned(),
        made_at: contents.now,
        back_end: crate::Kind::Sqlite.name().to_owned(),
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
    drop(transaction);
    // A connection that only read has nothing to lose.
    let _ = connection.close().await;
    Ok((header, rows))
}

async fn tables(connection: &mut SqliteConnection) -> Result<Vec<TableHeader>, BackupError> {
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
            "INTEGER" => Ok((column, Kind::Integer)),
            "TEXT" => Ok((column, Kind::Text)),
            "BLOB" => Ok((column, Kind::Bytes)),
            _ => Err(BackupError::Column { table: name.clone(), column }),
        });
        let columns = columns.collect::<Result<_, _>>()?;
        tables.push(TableHeader { name, columns });
    }
    Ok(tables)
}

fn cells(row: &SqliteRow, table: &TableHeader) -> Result<Row, sqlx::Error> {
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

/// A new file that rows are written to.
pub(super) struct Loader {
    connection: SqliteConnection,
    now: u64,
}

impl Loader {
    /// Makes the file with the schema of the backup.
    pub(super) async fn new(path: &Path, header: &Header, now: u64) -> Result<Self, OpenError> {
        let mut connection = open::writer(path).await?;
        let failed = |source| open::failed(path, "migrate", source);
        let found = crate::schema::Found::default();
        migration::migrate(&mut connection, &found, &header.schema, now).await.map_err(failed)?;
        Ok(Self { connection, now })
    }

    /// Writes the rows of a part, all or none.
    pub(super) async fn load(
        &mut self,
        table: &TableHeader,
        rows: Vec<Row>,
    ) -> Result<(), sqlx::Error> {
        let places: Vec<_> = (1..=table.columns.len()).map(|at| format!("${at}")).collect();
        let (name, columns) = (quoted(&table.name), columns(table));
        let insert = format!("INSERT INTO {name} ({columns}) VALUES ({})", places.join(", "));
        let mut transaction = self.connection.begin().await?;
        for row in rows {
            let mut query = sqlx::query(AssertSqlSafe(insert.clone()));
            for cell in row {
                query = match cell {
                    Cell::Null => query.bind(None::<i64>),
                    Cell::Integer(number) => query.bind(number),
                    Cell::Text(text) => query.bind(text),
                    Cell::Bytes(bytes) => query.bind(bytes),
                };
            }
            query.execute(&mut *transaction).await?;
        }
        transaction.commit().await
    }

    /// Brings the schema up to date, and closes the file.
    pub(super) async fn finish(mut self) -> Result<(), sqlx::Error> {
        let found = migration::found(&mut self.connection).await?;
        let wanted = migration::numbers();
        migration::migrate(&mut self.connection, &found, &wanted, self.now).await?;
        self.connection.close().await
    }
}
