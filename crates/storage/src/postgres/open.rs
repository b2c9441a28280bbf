//! Connects: reachable, allowed, schema, pruning.

use std::borrow::Cow;
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::postgres::PgPoolOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgPool};
use tokio::time::timeout;

use super::{PostgresConfig, migration, offers};
use crate::schema::TooNew;

/// What the server is told that a gateway is.
pub(crate) const APPLICATION: &str = "gantry";
/// And a command.
const COMMAND: &str = "gantry command";

/// What every connection begins with: our schema, and a server that ends what takes too long even
/// when nobody waits for it any more.
const BEGIN: &str = "\
    SET search_path TO gantry;
    SET statement_timeout TO '30s';
    SET idle_in_transaction_session_timeout TO '60s'";

/// The longest that the first use may take: another gateway may be changing the schema.
const START: Duration = Duration::from_mins(2);

/// Why a PostgreSQL database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody is there, or nobody answers.
    #[error(
        "`{place}` cannot be reached: see that the server runs and that host, port and TLS in \
         `storage.url` are right"
    )]
    Unreachable {
        /// Where it should be.
        place: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// The server is there and does not want us.
    #[error(
        "`{place}` refuses the gateway: see that the role, its password and the database in \
         `storage` are right, and that the role may make the schema `gantry`"
    )]
    Refused {
        /// The server.
        place: String,
        /// What it said.
        #[source]
        source: sqlx::Error,
    },
    /// Another process changes the schema, and does not come to an end.
    #[error("the schema of `{place}` is being changed by another process: try again later")]
    Busy {
        /// The server.
        place: String,
    },
    /// A later version of Gantry wrote it, and has taken away what this one needs.
    #[error(
        "`{place}` has schema {found}, and this version knows schemas up to {known}: start \
         {needs} or a later one, or restore a backup from before the update"
    )]
    Newer {
        /// The server.
        place: String,
        /// In the database.
        found: i64,
        /// The last one this version knows.
        known: i64,
        /// The first release that can use it.
        needs: String,
    },
    /// Whatever else the server says.
    #[error("cannot {action} the database `{place}`")]
    Failed {
        /// The server.
        place: String,
        /// What was tried.
        action: &'static str,
        /// What it said.
        #[source]
        source: sqlx::Error,
    },
}

pub(super) async fn open(config: &PostgresConfig, now: u64) -> Result<PgPool, ConnectError> {
    let place = config.place();
    let pool = connect(config).await?;
    let prepared = timeout(START, prepare(&pool, &place, now)).await;
    let outcome = prepared.unwrap_or(Err(ConnectError::Busy { place }));
    if outcome.is_err() {
        pool.close().await;
    }
    outcome.map(|()| pool)
}

/// Makes the pool of a gateway.
async fn connect(config: &PostgresConfig) -> Result<PgPool, ConnectError> {
    let limits = &config.pool;
    let options = PgPoolOptions::new()
        .max_connections(limits.max)
        .min_connections(limits.min)
        .acquire_timeout(limits.acquire_timeout)
        .idle_timeout(limits.idle_timeout)
        .max_lifetime(limits.max_lifetime);
    connect_as(APPLICATION, config, options).await
}

/// Makes the one connection of a command.
pub(crate) async fn command(config: &PostgresConfig) -> Result<PgPool, ConnectError> {
    let options = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(config.pool.acquire_timeout)
        .idle_timeout(None)
        .max_lifetime(None);
    connect_as(COMMAND, config, options).await
}

pub(super) async fn look(config: &PostgresConfig) -> Result<String, ConnectError> {
    let pool = command(config).await?;
    let place = config.place();
    let seen = timeout(config.limit(), async {
        let mut connection = pool.acquire().await?;
        let found = migration::found(&mut connection).await?;
        let version = sqlx::query_scalar("SHOW server_version").fetch_one(&mut *connection).await?;
        Ok((found, version))
    });
    let seen = seen.await.unwrap_or(Err(sqlx::Error::PoolTimedOut));
    pool.close().await;
    let (found, version): (_, String) = seen.map_err(|source| {
        let place = place.clone();
        ConnectError::Failed { place, action: "read", source }
    })?;
    found.check(migration::KNOWN).map_err(|error| too_new(place, error))?;
    Ok(version)
}

/// Makes a pool, with one attempt of our own: a pool goes on trying, and then does not say what the
/// trouble was.
async fn connect_as(
    name: &str,
    config: &PostgresConfig,
    options: PgPoolOptions,
) -> Result<PgPool, ConnectError> {
    let place = || config.place();
    let server = config.options().application_name(name);
    let connection = match timeout(config.pool.acquire_timeout, server.connect()).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(source)) => return Err(refusal(place(), source)),
        Err(_) => {
            let source = sqlx::Error::PoolTimedOut;
            return Err(ConnectError::Unreachable { place: place(), source });
        }
    };
    // Only that there is one mattered.
    drop(connection.close().await);
    let options = options.after_connect(|connection, _| {
        Box::pin(async move { connection.execute(sqlx::raw_sql(BEGIN)).await.map(drop) })
    });
    Ok(options.connect_lazy_with(server))
}

async fn prepare(pool: &PgPool, place: &str, now: u64) -> Result<(), ConnectError> {
    let failed = |action| {
        move |source: sqlx::Error| ConnectError::Failed { place: place.to_owned(), action, source }
    };
    let mut connection = pool.acquire().await.map_err(failed("open"))?;
    migration::migrate(&mut connection, &migration::numbers(), now).await.map_err(|error| {
        match error {
            migration::Error::TooNew(error) => too_new(place.to_owned(), error),
            migration::Error::Busy => ConnectError::Busy { place: place.to_owned() },
            migration::Error::Database(source) => match sql_state(&source).as_deref() {
                // `insufficient_privilege`: whoever owns the database has to allow it.
                Some("42501") => refusal(place.to_owned(), source),
                _ => failed("migrate")(source),
            },
        }
    })?;
    let pruned = offers::prune(&mut connection, now).await.map_err(failed("prune"))?;
    if pruned > 0 {
        gantry_core::log::info!(rows = pruned, "Forgot what nobody touched for 90 days.");
    }
    Ok(())
}

fn too_new(place: String, TooNew { found, needs }: TooNew) -> ConnectError {
    ConnectError::Newer { place, found, known: migration::KNOWN, needs }
}

/// Tells a server that is not there from one that says no.
fn refusal(place: String, source: sqlx::Error) -> ConnectError {
    match source {
        // Too many connections, or starting and ending: not the fault of what is configured.
        sqlx::Error::Database(ref error)
            if error.code().is_some_and(|code| matches!(code.get(..2), Some("53" | "57"))) =>
        {
            ConnectError::Unreachable { place, source }
        }
        sqlx::Error::Database(_) | sqlx::Error::Configuration(_) => {
            ConnectError::Refused { place, source }
        }
        _ => ConnectError::Unreachable { place, source },
    }
}

/// The code of what the server said (PostgreSQL, appendix "PostgreSQL Error Codes").
pub(super) fn sql_state(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(DatabaseError::code).map(Cow::into_owned)
}
