//! API keys as rows. What one opens is not known here.

use gantry_core::BoxFuture;
use gantry_core::keys::{KeyChange, KeyStore, StoredKey};
use gantry_core::store::StoreError;
use sqlx::PgConnection;

use super::Postgres;
use crate::rows::{self, seconds};
use crate::statements;

impl KeyStore for Postgres {
    fn keys(&self) -> BoxFuture<'_, Result<Vec<StoredKey>, StoreError>> {
        Box::pin(async move {
            let work = async {
                let rows = sqlx::query(statements::KEYS).fetch_all(&self.inner.pool).await?;
                rows.iter().map(rows::stored_key).collect()
            };
            self.within_limit("read the keys", work).await
        })
    }

    fn change_keys(&self, changes: Vec<KeyChange>) -> BoxFuture<'_, Result<(), StoreError>> {
        const ACTION: &str = "change the keys";
        Box::pin(async move {
            rows::check_keys(ACTION, &changes)?;
            let work = async {
                let mut transaction = self.inner.pool.begin().await?;
                for change in &changes {
                    apply(&mut transaction, change).await?;
                }
                transaction.commit().await
            };
            self.within_limit(ACTION, work).await
        })
    }

    fn key_used(&self, id: &str, at: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        let id = id.to_owned();
        Box::pin(async move {
            let used = sqlx::query(statements::KEY_USED).bind(id).bind(seconds(at));
            let used = used.execute(&self.inner.pool);
            self.within_limit("note the use of a key", used).await.map(drop)
        })
    }
}

/// Carries out one change within a transaction.
async fn apply(connection: &mut PgConnection, change: &KeyChange) -> Result<(), sqlx::Error> {
    let query = match change {
        KeyChange::Make(key) => sqlx::query(statements::MAKE_KEY)
            .bind(&*key.id)
            .bind(&key.digest[..])
            .bind(i64::from(key.pepper))
            .bind(&*key.name)
            .bind(key.scopes.as_deref().map(|scopes| scopes.join(" ")))
            .bind(key.roles.join(" "))
            .bind(key.tier.as_deref())
            .bind(seconds(key.made_at))
            .bind(key.expires_at.map(seconds))
            .bind(key.used_at.map(seconds))
            .bind(key.revoked_at.map(seconds)),
        KeyChange::Expire { id, at } => {
            sqlx::query(statements::EXPIRE_KEY).bind(&**id).bind(seconds(*at))
        }
        KeyChange::Revoke { id, at } => {
            sqlx::query(statements::REVOKE_KEY).bind(&**id).bind(seconds(*at))
        }
        KeyChange::Forget { id } => sqlx::query(statements::FORGET_KEY).bind(&**id),
    };
    query.execute(connection).await?;
    Ok(())
}
