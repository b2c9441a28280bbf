//! Offers and verdicts as rows.

use std::borrow::Cow;

use bytes::Bytes;
use gantry_core::BoxFuture;
use gantry_core::store::{OfferStore, StoreError, StoredVerdict};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;

use super::Postgres;
use crate::rows::{KEPT, MOST_KEY, MOST_OFFER, MOST_PROFILE, bounded, seconds, touch_due};
use crate::statements;

/// Longest profile that stands as it is, in bytes: an entry of an index holds some 2700.
const LONGEST_PLAIN: usize = 1024;

impl OfferStore for Postgres {
    fn offer(
        &self,
        upstream: &str,
        profile: &str,
    ) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        let (upstream, profile) = (upstream.to_owned(), indexed(profile).into_owned());
        Box::pin(async move {
            let read = sqlx::query_as(statements::OFFER).bind(&upstream).bind(&profile);
            let read = read.fetch_optional(&self.inner.pool);
            let row: Option<(Vec<u8>, i64)> = self.within_limit("read an offer", read).await?;
            let Some((offer, touched_at)) = row else { return Ok(None) };
            if let Some(now) = touch_due(touched_at, self.inner.clock.unix_seconds()) {
                let touch = sqlx::query(statements::TOUCH_OFFER).bind(upstream).bind(profile);
                self.touched(touch.bind(now)).await;
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
            let profile = indexed(&profile);
            let work = async {
                let mut transaction = self.inner.pool.begin().await?;
                let put = sqlx::query(statements::PUT_OFFER).bind(&upstream).bind(&*profile);
                put.bind(&offer[..]).bind(now).execute(&mut *transaction).await?;
                let bound = sqlx::query(statements::BOUND_PROFILES).bind(&upstream);
                bound.bind(&*profile).execute(&mut *transaction).await?;
                transaction.commit().await
            };
            self.within_limit(ACTION, work).await
        })
    }

    fn verdict(&self, upstream: &str) -> BoxFuture<'_, Result<Option<StoredVerdict>, StoreError>> {
        let upstream = upstream.to_owned();
        Box::pin(async move {
            let read = sqlx::query_as(statements::VERDICT).bind(&upstream);
            let read = read.fetch_optional(&self.inner.pool);
            let row: Option<(String, i64, i64)> = self.within_limit("read a verdict", read).await?;
            let Some((verdict, found_at, touched_at)) = row else { return Ok(None) };
            if let Some(now) = touch_due(touched_at, self.inner.clock.unix_seconds()) {
                let touch = sqlx::query(statements::TOUCH_VERDICT).bind(upstream);
                self.touched(touch.bind(now)).await;
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
            let put = sqlx::query(statements::PUT_VERDICT).bind(upstream).bind(verdict);
            let put = put.bind(seconds(found_at)).bind(now).execute(&self.inner.pool);
            self.within_limit(ACTION, put).await.map(drop)
        })
    }
}

impl Postgres {
    /// Says of a row that it is in use; the next reader tries again if it cannot be said.
    async fn touched(
        &self,
        touch: sqlx::query::Query<'_, sqlx::Postgres, sqlx::postgres::PgArguments>,
    ) {
        let touch = self.within_limit("touch a row", touch.execute(&self.inner.pool)).await;
        if let Err(error) = touch {
            gantry_core::log::warn!(%error, "A write that nobody waits for failed.");
        }
    }
}

/// Returns what stands for a profile in the table: too long ones have no place in an index.
pub(crate) fn indexed(profile: &str) -> Cow<'_, str> {
    if profile.len() <= LONGEST_PLAIN {
        return Cow::Borrowed(profile);
    }
    let digest = Sha256::digest(profile.as_bytes());
    Cow::Owned(format!("sha256:{}", crate::folder::to_hex(&digest)))
}

/// Forgets what nobody touched for long; returns how many rows that were.
pub(super) async fn prune(connection: &mut PgConnection, now: u64) -> Result<u64, sqlx::Error> {
    let limit = seconds(now.saturating_sub(KEPT));
    let offers =
        sqlx::query(statements::PRUNE_OFFERS).bind(limit).execute(&mut *connection).await?;
    let verdicts =
        sqlx::query(statements::PRUNE_VERDICTS).bind(limit).execute(&mut *connection).await?;
    let records = sqlx::query(statements::PRUNE_RECORDS).bind(limit).bind(seconds(now));
    let records = records.execute(connection).await?;
    Ok(offers.rows_affected() + verdicts.rows_affected() + records.rows_affected())
}
