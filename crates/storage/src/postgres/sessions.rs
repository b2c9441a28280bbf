//! Legacy sessions as rows; how they are kept is told of in `sqlite/sessions.rs`.

use gantry_core::BoxFuture;
use gantry_core::session::{Remembered, SessionChange, SessionId, SessionRecord, SessionStore};
use gantry_core::store::StoreError;
use sqlx::PgConnection;

use super::Postgres;
use crate::rows::{self, NOTHING, seconds};
use crate::statements;

impl SessionStore for Postgres {
    fn get(&self, id: SessionId) -> BoxFuture<'_, Result<Remembered, StoreError>> {
        Box::pin(async move {
            let work = async {
                let read = sqlx::query(statements::SESSION).bind(&id[..]);
                match read.fetch_optional(&self.inner.pool).await? {
                    Some(row) => rows::remembered(&row),
                    None => Ok(Remembered::Unknown),
                }
            };
            self.within_limit("read a session", work).await
        })
    }

    fn write(
        &self,
        changes: Vec<(SessionId, SessionChange)>,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let work = async {
                let mut transaction = self.inner.pool.begin().await?;
                for (id, change) in &changes {
                    apply(&mut transaction, id, change).await?;
                }
                transaction.commit().await
            };
            self.within_limit("write sessions", work).await
        })
    }

    fn expire(
        &self,
        idle_since: u64,
        forget_before: u64,
    ) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let work = async {
                let mut transaction = self.inner.pool.begin().await?;
                let end = sqlx::query(statements::END_IDLE_SESSIONS).bind(seconds(idle_since));
                let ended = end.bind(NOTHING).execute(&mut *transaction).await?;
                let forget = sqlx::query(statements::FORGET_SESSIONS).bind(seconds(forget_before));
                forget.execute(&mut *transaction).await?;
                sqlx::query(statements::BOUND_SESSIONS).execute(&mut *transaction).await?;
                transaction.commit().await?;
                Ok(ended.rows_affected())
            };
            self.within_limit("expire sessions", work).await
        })
    }
}

/// Carries out one change within a transaction.
async fn apply(
    connection: &mut PgConnection,
    id: &SessionId,
    change: &SessionChange,
) -> Result<(), sqlx::Error> {
    let query = match change {
        // One that cannot be written must not keep the others from it for ever.
        SessionChange::Put(record) if !is_storable(record) => return Ok(()),
        SessionChange::Put(record) => sqlx::query(statements::PUT_SESSION)
            .bind(&id[..])
            .bind(seconds(record.seen_at))
            .bind(record.revision.as_str())
            .bind(&*record.principal.issuer)
            .bind(&*record.principal.subject)
            .bind(&*record.view)
            .bind(record.log_level.as_deref())
            .bind(rows::bytes_of(record.lists))
            .bind(rows::subscriptions_of(record)?)
            .bind(&record.client_info[..])
            .bind(&record.capabilities[..]),
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

/// A text of PostgreSQL has no character zero (PostgreSQL, section "Character Types"). A session of
/// somebody with such a name goes on and is not remembered.
fn is_storable(record: &SessionRecord) -> bool {
    let principal = &record.principal;
    let texts = [&*principal.issuer, &*principal.subject, &*record.view];
    !texts.into_iter().chain(record.log_level.as_deref()).any(|text| text.contains('\0'))
}
