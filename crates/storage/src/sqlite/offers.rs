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

/// Largest offer, in bytes.
const MOST_OFFER: usize = 16 * 1024 * 1024;
/// Longest upstream key or verdict, in bytes.
const MOST_KEY: usize = 1024;
/// Longest profile, in bytes.
const MOST_PROFILE: usize = 64 * 1024;
/// Seconds after which what nobody touched is forgotten.
const KEPT: u64 = 90 * DAY;
/// A read within a day of the last touch writes nothing.
const DAY: u64 = 24 * 60 * 60;

const OFFER: &str = "SELECT offer, touched_at FROM offers WHERE upstream = $1 AND profile = $2";

const PUT_OFFER: &str = "\
    INSERT INTO offers (upstream, profile, offer, stored_at, touched_at)
    VALUES ($1, $2, $3, $4, $4)
    ON CONFLICT (upstream, profile) DO UPDATE SET
        offer = excluded.offer,
        stored_at = excluded.stored_at,
        touched_at = excluded.touched_at";

/// Keeps 64 profiles of an upstream, the one just put among them.
const BOUND_PROFILES: &str = "\
    DELETE FROM offers
    WHERE upstream = $1 AND profile <> $2 AND profile NOT IN (
        SELECT profile FROM offers
        WHERE upstream = $1 AND profile <> $2
        ORDER BY touched_at DESC, profile
        LIMIT 63
    )";

const TOUCH_OFFER: &str = "UPDATE offers SET touched_at = $3 WHERE upstream = $1 AND profile = $2";

const PRUNE_OFFERS: &str = "DELETE FROM offers WHERE touched_at < $1";

const VERDICT: &str = "SELECT verdict, found_at, touched_at FROM verdicts WHERE upstream = $1";

const PUT_VERDICT: &str = "\
    INSERT INTO verdicts (upstream, verdict, found_at, touched_at)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT (upstream) DO UPDATE SET
        verdict = excluded.verdict,
        found_at = excluded.found_at,
        touched_at = excluded.touched_at";

const TOUCH_VERDICT: &str = "UPDATE verdicts SET touched_at = $2 WHERE upstream = $1";

const PRUNE_VERDICTS: &str = "DELETE FROM verdicts WHERE touched_at < $1";

impl OfferStore for Sqlite {
    fn offer(
        &self,
        upstream: &str,
        profile: &str,
    ) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        let (upstream, profile) = (upstream.to_owned(), profile.to_owned());
        Box::pin(async move {
            let row: Option<(Vec<u8>, i64)> = sqlx::query_as(OFFER)
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
            let row: Option<(String, i64, i64)> = sqlx::query_as(VERDICT)
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
        let now = self.inner.clock.unix_seconds();
        (touched_at < seconds(now.saturating_sub(DAY))).then_some(seconds(now))
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
            let put = sqlx::query(PUT_OFFER).bind(upstream).bind(profile).bind(&offer[..]);
            put.bind(now).execute(&mut *connection).await?;
            sqlx::query(BOUND_PROFILES).bind(upstream).bind(profile).execute(connection).await?;
        }
        Write::TouchOffer { upstream, profile, now } => {
            let touch = sqlx::query(TOUCH_OFFER).bind(upstream).bind(profile).bind(now);
            touch.execute(connection).await?;
        }
        Write::PutVerdict { upstream, verdict, found_at, now } => {
            let put = sqlx::query(PUT_VERDICT).bind(upstream).bind(verdict).bind(found_at);
            put.bind(now).execute(connection).await?;
        }
        Write::TouchVerdict { upstream, now } => {
            sqlx::query(TOUCH_VERDICT).bind(upstream).bind(now).execute(connection).await?;
        }
        Write::PutServer { name, entry, now } => {
            servers::put(connection, name, entry, *now).await?;
        }
        Write::RemoveServer { name } => servers::remove(connection, name).await?,
        // Not of these tables.
        Write::Sessions(_) | Write::Audit(_) => {}
    }
    Ok(())
}

/// Forgets what nobody touched for long; returns how many rows that were.
pub(super) async fn prune(connection: &mut SqliteConnection, now: u64) -> Result<u64, sqlx::Error> {
    let limit = seconds(now.saturating_sub(KEPT));
    let offers = sqlx::query(PRUNE_OFFERS).bind(limit).execute(&mut *connection).await?;
    let verdicts = sqlx::query(PRUNE_VERDICTS).bind(limit).execute(connection).await?;
    Ok(offers.rows_affected() + verdicts.rows_affected())
}

/// SQL has no unsigned integers; the year 292 billion is far away.
pub(super) fn seconds(unix: u64) -> i64 {
    i64::try_from(unix).unwrap_or(i64::MAX)
}

/// Refuses what is larger than a row may be.
pub(super) fn bounded(
    action: &'static str,
    what: &str,
    found: usize,
    most: usize,
) -> Result<(), StoreError> {
    if found <= most {
        return Ok(());
    }
    Err(StoreError {
        action,
        cause: format!("{what} of {found} bytes is above the {most} allowed"),
    })
}
