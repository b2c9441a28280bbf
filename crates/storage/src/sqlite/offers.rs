//! Offers and verdicts as rows.
//!
//! Profiles come from clients, so their number is bounded for each upstream: the one touched
//! longest ago makes room. The statements are portable; only the schema is SQLite's own.

use bytes::Bytes;
use gantry_core::BoxFuture;
use gantry_core::store::{OfferStore, StoreError, StoredVerdict};
use sqlx::SqliteConnection;

use super::writer::{Write, WriteError};
use super::{Sqlite, open, servers};
use crate::rows::{self, KEPT, MOST_KEY, MOST_OFFER, MOST_PROFILE};
use crate::statements;

pub(super) use crate::rows::{bounded, seconds};

impl OfferStore for Sqlite {
    fn offer(
        &self,
        upstream: &str,
        profile: &str,
    ) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        let (upstream, profile) = (upstream.to_owned(), profile.to_owned());
        Box::pin(async move {
            let row: Option<(Vec<u8>, i64)> = sqlx::query_as(statements::OFFER)
                .bind(&upstream)
                .bind(&profile)
                .fetch_optional(&self.inner.readers)
                .await
                .map_err(|error| self.failed("read an offer", &error))?;
            let Some((offer, touched_at)) = row else { return Ok(None) };
            if let Some(now) = self.touch_due(touched_at) {
                self.inner.writer.write_sometime(Write::TouchOffer { upstream, profile, now });
            }
            Ok(Some(Bytes::from(offer)))
        })
    }

    fn put_offer(
        &self,
        upstream: &str,
        profile: &str,
        offer: Bytes,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        const ACTION: &str = "store an offer";
        let (upstream, profile) = (upstream.to_owned(), profile.to_owned());
        Box::pin(async move {
            bounded(ACTION, "an upstream's key", upstream.len(), MOST_KEY)?;
            bounded(ACTION, "a profile", profile.len(), MOST_PROFILE)?;
            bounded(ACTION, "an offer", offer.len(), MOST_OFFER)?;
            let now = seconds(self.inner.clock.unix_seconds());
            self.put(ACTION, Write::PutOffer { upstream, profile, offer, now }).await
        })
    }

    fn verdict(&self, upstream: &str) -> BoxFuture<'_, Result<Option<StoredVerdict>, StoreError>> {
        let upstream = upstream.to_owned();
        Box::pin(async move {
            let row: Option<(String, i64, i64)> = sqlx::query_as(statements::VERDICT)
                .bind(&upstream)
                .fetch_optional(&self.inner.readers)
                .await
                .map_err(|error| self.failed("read a verdict", &error))?;
            let Some((verdict, found_at, touched_at)) = row else { return Ok(None) };
            if let Some(now) = self.touch_due(touched_at) {
                self.inner.writer.write_sometime(Write::TouchVerdict { upstream, now });
            }
            let found_at = u64::try_from(found_at).unwrap_or(0);
            Ok(Some(StoredVerdict { verdict, found_at }))
        })
    }

    fn put_verdict(
        &self,
        upstream: &str,
        verdict: StoredVerdict,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        const ACTION: &str = "store a verdict";
        let upstream = upstream.to_owned();
        Box::pin(async move {
            let StoredVerdict { verdict, found_at } = verdict;
            bounded(ACTION, "an upstream's key", upstream.len(), MOST_KEY)?;
            bounded(ACTION, "a verdict", verdict.len(), MOST_KEY)?;
            let now = seconds(self.inner.clock.unix_seconds());
            let found_at = seconds(found_at);
            self.put(ACTION, Write::PutVerdict { upstream, verdict, found_at, now }).await
        })
    }
}

impl Sqlite {
    pub(super) async fn put(&self, action: &'static str, write: Write) -> Result<(), StoreError> {
        self.inner.writer.write(write).await.map_err(|error| match error {
            WriteError::Closed => StoreError { action, cause: "the database is closed".to_owned() },
            WriteError::Failed(error) => self.failed(action, &error),
        })
    }

    fn touch_due(&self, touched_at: i64) -> Option<i64> {
        rows::touch_due(touched_at, self.inner.clock.unix_seconds())
    }

    pub(super) fn failed(&self, action: &'static str, error: &sqlx::Error) -> StoreError {
        let path = self.inner.path.display();
        let cause = match error {
            sqlx::Error::PoolClosed => "the database is closed".to_owned(),
            _ if open::is_damage(error) => {
                format!("the database `{path}` is damaged: stop, move it away, start again")
            }
            _ => format!("`{path}`: {}", gantry_core::chain(error)),
        };
        StoreError { action, cause }
    }
}

/// Carries out one write within a transaction.
pub(super) async fn apply(
    connection: &mut SqliteConnection,
    write: &Write,
) -> Result<(), sqlx::Error> {
    match write {
        Write::PutOffer { upstream, profile, offer, now } => {
            let put =
                sqlx::query(statements::PUT_OFFER).bind(upstream).bind(profile).bind(&offer[..]);
            put.bind(now).execute(&mut *connection).await?;
            sqlx::query(statements::BOUND_PROFILES)
                .bind(upstream)
                .bind(profile)
                .execute(connection)
                .await?;
        }
        Write::TouchOffer { upstream, profile, now } => {
            let touch = sqlx::query(statements::TOUCH_OFFER).bind(upstream).bind(profile).bind(now);
            touch.execute(connection).await?;
        }
        Write::PutVerdict { upstream, verdict, found_at, now } => {
            let put =
                sqlx::query(statements::PUT_VERDICT).bind(upstream).bind(verdict).bind(found_at);
            put.bind(now).execute(connection).await?;
        }
        Write::TouchVerdict { upstream, now } => {
            sqlx::query(statements::TOUCH_VERDICT)
                .bind(upstream)
                .bind(now)
                .execute(connection)
                .await?;
        }
        Write::PutServer { name, entry, now } => {
            servers::put(connection, name, entry, *now).await?;
        }
        Write::RemoveServer { name } => servers::remove(connection, name).await?,
        // Not of these tables.
        Write::Sessions(_) | Write::Audit(_) | Write::Keys(_) | Write::Records(_) => {}
    }
    Ok(())
}

/// Forgets what nobody touched for long; returns how many rows that were.
pub(super) async fn prune(connection: &mut SqliteConnection, now: u64) -> Result<u64, sqlx::Error> {
    let limit = seconds(now.saturating_sub(KEPT));
    let offers =
        sqlx::query(statements::PRUNE_OFFERS).bind(limit).execute(&mut *connection).await?;
    let verdicts =
        sqlx::query(statements::PRUNE_VERDICTS).bind(limit).execute(&mut *connection).await?;
    let records = sqlx::query(statements::PRUNE_RECORDS).bind(limit).bind(seconds(now));
    let records = records.execute(connection).await?;
    Ok(offers.rows_affected() + verdicts.rows_affected() + records.rows_affected())
}
