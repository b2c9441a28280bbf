//! API keys as rows. What one opens is not known here.

use gantry_core::BoxFuture;
use gantry_core::keys::{KeyChange, KeyStore, StoredKey};
use gantry_core::store::StoreError;
use sqlx::SqliteConnection;

use super::Sqlite;
use super::writer::Write;
use crate::rows::{self, seconds};
use crate::statements;

/// A change of the table.
#[derive(Debug)]
pub(super) enum Change {
    Keys(Vec<KeyChange>),
    Used { id: Box<str>, at: i64 },
}

impl KeyStore for Sqlite {
    fn keys(&self) -> BoxFuture<'_, Result<Vec<StoredKey>, StoreError>> {
        const ACTION: &str = "read the keys";
        Box::pin(async move {
            let rows = sqlx::query(statements::KEYS)
                .fetch_all(&self.inner.readers)
                .await
                .map_err(|error| self.failed(ACTION, &error))?;
            let keys = rows.iter().map(rows::stored_key).collect::<Result<_, _>>();
            keys.map_err(|error| self.failed(ACTION, &error))
        })
    }

    fn change_keys(&self, changes: Vec<KeyChange>) -> BoxFuture<'_, Result<(), StoreError>> {
        const ACTION: &str = "change the keys";
        Box::pin(async move {
            rows::check_keys(ACTION, &changes)?;
            self.put(ACTION, Write::Keys(Change::Keys(changes))).await
        })
    }

    fn key_used(&self, id: &str, at: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        let change = Change::Used { id: id.into(), at: seconds(at) };
        Box::pin(async move { self.put("note the use of a key", Write::Keys(change)).await })
    }
}

impl Change {
    /// Returns about how many bytes it holds.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Keys(changes) => changes.iter().map(rows::size_of_change).sum(),
            Self::Used { .. } => 0,
        }
    }
}

/// Carries out one change within a transaction.
pub(super) async fn apply(
    connection: &mut SqliteConnection,
    change: &Change,
) -> Result<(), sqlx::Error> {
    match change {
        Change::Keys(changes) => {
            for change in changes {
                apply_one(connection, change).await?;
            }
        }
        Change::Used { id, at } => {
            sqlx::query(statements::KEY_USED).bind(&**id).bind(at).execute(connection).await?;
        }
    }
    Ok(())
}

async fn apply_one(
    connection: &mut SqliteConnection,
    change: &KeyChange,
) -> Result<(), sqlx::Error> {
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
