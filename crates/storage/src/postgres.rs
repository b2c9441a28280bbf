//! A PostgreSQL server, version 13 or later, for gateways that must outlive their machine.
//!
//! Everything stands in a schema of its own, `gantry`. There is no writer of our own: the server
//! orders what is written, and a group that is to be committed together comes as one call.
//!
//! The server may go away and come back. No call waits for longer than [`PostgresConfig::limit`],
//! and whoever keeps things here decides what an outage means to him.
//!
//! Several gateways may share a database. Offers and verdicts are the same for all; of two that are
//! put, the last one wins. A session belongs to the gateway that its client speaks to: another one
//! takes it up from here, if it has the same `SESSION_SECRET`, and the first must then not be asked
//! any more, or it ends the session once it has not heard of it for long.

mod audit;
mod config;
mod keys;
pub(crate) mod migration;
pub(crate) mod offers;
pub(crate) mod open;
mod records;
mod servers;
mod sessions;

use std::sync::Arc;
use std::time::Duration;

use gantry_core::store::StoreError;
use gantry_core::{BoxFuture, Clock};
use sqlx::PgPool;
use tokio::time::timeout;

use crate::{Connections, Database, Kind};

pub use config::{Pool, PostgresConfig, TlsMode};
pub use open::ConnectError;

/// A handle of the database. Cheap to clone; see [`Database::close`] for the end.
#[derive(Debug, Clone)]
pub struct Postgres {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// The server and the database, without the password.
    place: String,
    pool: PgPool,
    limit: Duration,
    clock: Arc<dyn Clock>,
}

impl Postgres {
    /// Connects, brings the schema up to date, and forgets what nobody touched for 90 days.
    ///
    /// Gateways that start at once wait for each other.
    ///
    /// # Errors
    ///
    /// The server is not there, refuses, or has a schema that this version cannot run on.
    pub async fn open(
        config: &PostgresConfig,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConnectError> {
        let pool = open::open(config, clock.unix_seconds()).await?;
        let (place, limit) = (config.place(), config.limit());
        Ok(Self { inner: Arc::new(Inner { place, pool, limit, clock }) })
    }

    /// Connects once, changes nothing, and returns the server's version.
    ///
    /// # Errors
    ///
    /// The server is not there, refuses, or has a schema that this version cannot run on.
    pub async fn look(config: &PostgresConfig) -> Result<String, ConnectError> {
        open::look(config).await
    }

    /// Carries something out within the limit. One that is cut off there may have been carried out.
    async fn within_limit<T>(
        &self,
        action: &'static str,
        work: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, StoreError> {
        let limit = self.inner.limit;
        let cause = match timeout(limit, work).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => self.cause(&error),
            Err(_) => format!("`{}` did not answer within {limit:?}", self.inner.place),
        };
        Err(StoreError { action, cause })
    }

    fn cause(&self, error: &sqlx::Error) -> String {
        let place = &self.inner.place;
        match error {
            sqlx::Error::PoolClosed => "the database is closed".to_owned(),
            sqlx::Error::PoolTimedOut => {
                format!("`{place}` is not there, or all connections of `storage.pool` are at work")
            }
            _ => format!("`{place}`: {}", gantry_core::chain(error)),
        }
    }
}

impl Database for Postgres {
    fn kind(&self) -> Kind {
        Kind::Postgres
    }

    fn connections(&self) -> Connections {
        let pool = &self.inner.pool;
        Connections::of(pool.size(), pool.num_idle(), pool.options().get_max_connections())
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            // A server that is not there any more does not answer a farewell either.
            let _ = timeout(self.inner.limit, self.inner.pool.close()).await;
        })
    }
}
