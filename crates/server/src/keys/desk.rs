//! Where commands make keys and take them back: in the gateway that runs on the data folder, or,
//! where none runs, in the folder itself.

use std::time::Duration;

use gantry_core::ErrorCode;
use gantry_core::audit::Event;
use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::model::{KeyList, KeyView, MadeKey, NewKey, Rotation};
use super::recorded::{self, Witness};
use super::{KeyError, StoredKeys};
use crate::admin::{Admin, AdminError};
use crate::audit::Trail;
use crate::audit::seen::Changing;
use crate::compose::{Kept, Options};
use crate::config::Config;
use crate::start_error::StartError;

/// The longest that the end of a command waits for entries of the audit trail.
const CLOSE: Duration = Duration::from_secs(10);

/// A way to the keys of a data folder.
#[derive(Debug)]
pub struct KeyDesk {
    keys: Whose,
}

#[derive(Debug)]
enum Whose {
    Running(Box<Admin>),
    Own(Box<Own>),
}

/// The folder is held as long as this lives.
#[derive(Debug)]
struct Own {
    keys: StoredKeys,
    kept: Kept,
    config: Config,
    /// Opened for the first change: who only looks at keys needs none.
    trail: Option<Trail>,
}

/// Why the keys were not read or changed.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The running gateway refused it, or went away.
    #[error(transparent)]
    Asked(#[from] AdminError),
    /// The data folder cannot be used.
    #[error(transparent)]
    NotOpened(Box<StartError>),
    /// It was not done.
    #[error(transparent)]
    NotDone(#[from] KeyError),
    /// The running gateway answered with something else.
    #[error("the gateway answered with something else than keys")]
    Unreadable(#[source] serde_json::Error),
}

// === impl DeskError ===

impl DeskError {
    /// Returns the code of the cause, where there is one.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Asked(error) => error.code(),
            Self::NotOpened(error) => Some(error.code()),
            Self::NotDone(error) => Some(error.code()),
            Self::Unreadable(_) => None,
        }
    }

    /// Returns what can be done.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::NotOpened(error) => error.hints(),
            Self::Asked(_) | Self::NotDone(_) | Self::Unreadable(_) => Vec::new(),
        }
    }
}

// === impl KeyDesk ===

impl KeyDesk {
    /// Goes to the gateway that runs on the data folder; without one it holds the folder itself.
    ///
    /// # Errors
    /// [`DeskError::NotOpened`] if the folder cannot be used.
    pub async fn open(options: &Options) -> Result<Self, DeskError> {
        match Admin::open(options).await {
            Ok(admin) => Ok(Self { keys: Whose::Running(Box::new(admin)) }),
            Err(AdminError::NoGateway { .. }) => Self::own(options).await,
            Err(error) => Err(error.into()),
        }
    }

    async fn own(options: &Options) -> Result<Self, DeskError> {
        let not_opened = |error| DeskError::NotOpened(Box::new(error));
        let config = options.config().map_err(not_opened)?;
        let kept = Kept::open(&options.data, &config.storage, &options.env).await;
        let kept = kept.map_err(not_opened)?;
        let keys = StoredKeys::of(&kept, &kept.store_tasks).await.map_err(not_opened)?;
        Ok(Self { keys: Whose::Own(Box::new(Own { keys, kept, config, trail: None })) })
    }

    /// Lists every key, the oldest first.
    ///
    /// # Errors
    /// [`DeskError`].
    pub async fn list(&mut self) -> Result<KeyList, DeskError> {
        match &mut self.keys {
            Whose::Running(admin) => ask(admin, Method::GET, "/api/keys", &Value::Null).await,
            Whose::Own(own) => Ok(KeyList { keys: own.keys.list() }),
        }
    }

    /// Makes a key.
    ///
    /// # Errors
    /// [`DeskError`].
    pub async fn make(&mut self, wanted: NewKey) -> Result<MadeKey, DeskError> {
        match &mut self.keys {
            Whose::Running(admin) => ask(admin, Method::POST, "/api/keys", &wanted).await,
            Whose::Own(own) => {
                let changing = own.begin(Event::KeyCreated, &wanted.name).await?;
                Ok(recorded::make(&own.keys, changing, wanted).await?)
            }
        }
    }

    /// Takes a key back.
    ///
    /// # Errors
    /// [`DeskError`].
    pub async fn revoke(&mut self, id: &str) -> Result<KeyView, DeskError> {
        match &mut self.keys {
            Whose::Running(admin) => {
                let path = format!("{}/revoke", path_of(id)?);
                ask(admin, Method::POST, &path, &Value::Object(serde_json::Map::new())).await
            }
            Whose::Own(own) => {
                let changing = own.begin(Event::KeyRevoked, id).await?;
                Ok(recorded::revoke(&own.keys, changing, id).await?)
            }
        }
    }

    /// Makes a key in the place of another.
    ///
    /// # Errors
    /// [`DeskError`].
    pub async fn rotate(&mut self, id: &str, wanted: Rotation) -> Result<MadeKey, DeskError> {
        match &mut self.keys {
            Whose::Running(admin) => {
                let path = format!("{}/rotate", path_of(id)?);
                ask(admin, Method::POST, &path, &wanted).await
            }
            Whose::Own(own) => {
                let changing = own.begin(Event::KeyRotated, id).await?;
                Ok(recorded::rotate(&own.keys, changing, (id, wanted)).await?)
            }
        }
    }

    /// Forgets a key that opens nothing any more.
    ///
    /// # Errors
    /// [`DeskError`].
    pub async fn forget(&mut self, id: &str) -> Result<(), DeskError> {
        match &mut self.keys {
            Whose::Running(admin) => {
                admin.ask(Method::DELETE, &path_of(id)?, None).await?;
                Ok(())
            }
            Whose::Own(own) => {
                let changing = own.begin(Event::KeyForgotten, id).await?;
                Ok(recorded::forget(&own.keys, changing, id).await?)
            }
        }
    }

    /// Lets go of the folder, once all is written.
    pub async fn close(self) {
        if let Whose::Own(own) = self.keys {
            if let Some(trail) = own.trail
                && !trail.close(CLOSE).await
            {
                gantry_core::log::warn!("Not everything was written to the audit trail in time.");
            }
            own.kept.store.close().await;
        }
    }
}

// === impl Own ===

impl Own {
    /// Takes room for the entry of a change.
    async fn begin(&mut self, event: Event, key: &str) -> Result<Changing, DeskError> {
        if self.trail.is_none() {
            let trail = Trail::of_command(&self.config, self.kept.folder.path()).await;
            let failed = |source| DeskError::NotOpened(Box::new(StartError::Audit { source }));
            self.trail = Some(trail.map_err(failed)?);
        }
        let audit = self.trail.as_ref().map(Trail::audit).unwrap_or_default();
        Ok(Witness { audit: &audit, caller: None }.begin(event, key)?)
    }
}

/// Returns the route of a key. What can be no id must not become another path.
fn path_of(id: &str) -> Result<String, DeskError> {
    let is_id = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if id.is_empty() || !is_id {
        return Err(KeyError::unknown(id).into());
    }
    Ok(format!("/api/keys/{id}"))
}

async fn ask<T: DeserializeOwned>(
    admin: &mut Admin,
    method: Method,
    path: &str,
    body: &impl Serialize,
) -> Result<T, DeskError> {
    let body = serde_json::to_value(body).map_err(DeskError::Unreadable)?;
    let sent = (!body.is_null()).then_some(&body);
    let answer = admin.ask(method, path, sent).await?;
    serde_json::from_value(answer).map_err(DeskError::Unreadable)
}
