//! The API keys that the gateway made: kept in the database, held in memory, changed by commands and
//! over the HTTP API.
//!
//! [`StoredKeys`] is what requests are held against; [`model`] what is said of keys; [`desk`] where
//! commands change them, in the running gateway or beside none. The keys that the configuration
//! names are in [`crate::live`]. [`recorded`] tells the audit trail of a change, whoever makes it.
//!
//! A change is stored first and then put in force, one at a time. A key that was revoked opens
//! nothing from the moment on at which the change is answered.

pub mod desk;
pub mod model;

pub(crate) mod recorded;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use gantry_core::keys::{KeyChange, KeyStore, StoredKey};
use gantry_core::seal::SealError;
use gantry_core::store::StoreError;
use gantry_core::{Clock, ErrorCode, Principal, SystemClock, Tasks};
use gantry_policy::keys::{DrawnKey, Key, KeyState};
use gantry_policy::{Denied, KeyTable, Pepper, Shown, admin, scopes};
use tokio::sync::{Mutex, mpsc};

use crate::compose::Kept;
use crate::config::parse_duration;
use crate::start_error::StartError;
use model::{KeyView, MadeKey, NewKey, Rotation};

/// Most keys that are kept, those that open nothing any more among them.
const MOST_KEYS: usize = 10_000;
/// Most uses that wait to be written down.
const MOST_USES: usize = 1024;
/// How long a key that is replaced goes on, unless somebody says otherwise.
const OVERLAP: Duration = Duration::from_hours(24);
/// The longest that a key may live, where it ends at all.
const LONGEST_LIFE: Duration = Duration::from_hours(24 * 3650);

/// The keys that the gateway made.
#[derive(Debug)]
pub(crate) struct StoredKeys {
    store: Arc<dyn KeyStore>,
    table: ArcSwap<KeyTable>,
    clock: Arc<dyn Clock>,
    /// One change at a time.
    changing: Mutex<()>,
    /// Uses that are to be written down.
    uses: mpsc::Sender<Use>,
}

/// Which key was used, and when in unix seconds.
type Use = (Box<str>, u64);

/// Why a key was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is none of this id.
    #[error("no key has the id `{id}`; `gantry keys list` shows all of them")]
    Unknown {
        /// The id.
        id: String,
    },
    /// What is asked for makes no sense.
    #[error("{what}")]
    Invalid {
        /// Why.
        what: String,
    },
    /// It has to be revoked or expired for that, or must not be.
    #[error("the key `{id}` is {state}, so it cannot be {action}")]
    State {
        /// Which.
        id: String,
        /// How it is.
        state: &'static str,
        /// What was asked for.
        action: &'static str,
    },
    /// There is no room.
    #[error("{MOST_KEYS} keys are kept already; `gantry keys forget` removes revoked ones")]
    Full,
    /// The store failed.
    #[error("the change was not stored")]
    Store(#[from] StoreError),
    /// The system gave no random bytes.
    #[error("no key could be drawn")]
    Random(#[from] SealError),
    /// The audit trail takes no entry of it, or did not keep it in time.
    #[error(transparent)]
    Unrecorded(#[from] recorded::Unrecorded),
}

// === impl KeyError ===

impl KeyError {
    /// Returns the code of the cause.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Unknown { .. } => ErrorCode::UnknownKey,
            Self::Invalid { .. } => ErrorCode::ApiRequestInvalid,
            Self::State { .. } => ErrorCode::KeyNotInState,
            Self::Full => ErrorCode::Overloaded,
            Self::Store(_) => ErrorCode::StorageFailed,
            Self::Random(_) => ErrorCode::Internal,
            Self::Unrecorded(error) => error.code(),
        }
    }

    pub(crate) fn unknown(id: &str) -> Self {
        Self::Unknown { id: public_part(id) }
    }

    fn invalid(what: impl std::fmt::Display) -> Self {
        Self::Invalid { what: what.to_string() }
    }
}

// === impl StoredKeys ===

impl StoredKeys {
    /// Reads the keys of a data folder.
    pub(crate) async fn of(kept: &Kept, tasks: &Tasks) -> Result<Self, StartError> {
        let store = Arc::clone(&kept.store) as Arc<dyn KeyStore>;
        let keys = Self::load(store, kept.pepper.clone(), Arc::new(SystemClock), tasks).await;
        keys.map_err(|source| StartError::Keys { source })
    }

    async fn load(
        store: Arc<dyn KeyStore>,
        pepper: Pepper,
        clock: Arc<dyn Clock>,
        tasks: &Tasks,
    ) -> Result<Self, StoreError> {
        let table = KeyTable::of_store(store.keys().await?, pepper);
        let now = clock.unix_seconds();
        let all = table.all();
        let is_unusable = |key: &&Arc<Key>| table.state(key, now) == KeyState::Unusable;
        let n_unusable = all.iter().filter(is_unusable).count();
        if n_unusable > 0 {
            gantry_core::log::warn!(
                n_unusable,
                "Keys open nothing, because API_KEY_SALT or `pepper` in the data folder has changed."
            );
        }
        let (uses, written) = mpsc::channel(MOST_USES);
        tasks.spawn_until_stop("key-uses", write_down(Arc::clone(&store), written));
        let table = ArcSwap::from_pointee(table);
        Ok(Self { store, table, clock, changing: Mutex::new(()), uses })
    }

    /// Tells whether no key was ever made, or all were forgotten: one that was revoked still says
    /// that clients need a credential, or its bearer would go on as anybody.
    pub(crate) fn is_empty(&self) -> bool {
        self.table.load().is_empty()
    }

    /// Returns the present moment in unix seconds.
    pub(crate) fn now(&self) -> u64 {
        self.clock.unix_seconds()
    }

    /// Finds whom a key stands for, and notes that it was used. `shown` is what its connection remembers.
    ///
    /// # Errors
    /// [`Denied`].
    pub(crate) fn find(
        &self,
        secret: &[u8],
        shown: &Shown,
        now: u64,
    ) -> Result<Arc<Principal>, Denied> {
        let table = self.table.load();
        let key = table.find(secret, shown, || now)?;
        if key.note_use(now) {
            // Where so many wait, the next minute's use is written down.
            let _ = self.uses.try_send((key.id.clone(), now));
        }
        Ok(Arc::clone(&key.principal))
    }

    /// Lists every key, the oldest first.
    pub(crate) fn list(&self) -> Vec<KeyView> {
        let (table, now) = (self.table.load(), self.now());
        table.all().iter().map(|key| KeyView::new(key, table.state(key, now))).collect()
    }

    /// Returns every key, the oldest first, and what it is good for now.
    pub(crate) fn all(&self) -> Vec<(Arc<Key>, KeyState)> {
        let (table, now) = (self.table.load(), self.now());
        let state = |key: Arc<Key>| {
            let state = table.state(&key, now);
            (key, state)
        };
        table.all().into_iter().map(state).collect()
    }

    /// Makes a key.
    pub(crate) async fn make(&self, wanted: NewKey) -> Result<MadeKey, KeyError> {
        let _one = self.changing.lock().await;
        let now = self.now();
        let (key, text) = self.draw(wanted, now)?;
        let id = key.id.clone();
        self.change(vec![KeyChange::Make(Box::new(key))]).await?;
        self.tell(&id, "made");
        self.made(&id, text)
    }

    /// Makes a key that takes the place of another, which goes on for a while.
    pub(crate) async fn rotate(&self, id: &str, wanted: Rotation) -> Result<MadeKey, KeyError> {
        let _one = self.changing.lock().await;
        let now = self.now();
        let old = self.get(id)?;
        let state = self.table.load().state(&old, now);
        if matches!(state, KeyState::Revoked | KeyState::Expired) {
            return Err(in_state(id, state, "replaced"));
        }
        let overlap = match &wanted.overlap {
            Some(text) => duration("the overlap", text, Duration::ZERO)?,
            None => OVERLAP,
        };
        let life = old.expires_at.map(|at| Duration::from_secs(at.saturating_sub(old.made_at)));
        let mut new = NewKey::like(&old.principal);
        new.expires_in = wanted.expires_in;
        let (mut key, text) = self.draw(new, now)?;
        key.expires_at = key.expires_at.or_else(|| life.map(|life| now + life.as_secs()));
        let new_id = key.id.clone();
        let ends_at = now + overlap.as_secs();
        let expire = KeyChange::Expire { id: old.id.clone(), at: ends_at };
        self.change(vec![KeyChange::Make(Box::new(key)), expire]).await?;
        self.tell(&new_id, "made");
        self.tell(id, "replaced");
        self.made(&new_id, text)
    }

    /// Takes a key back.
    pub(crate) async fn revoke(&self, id: &str) -> Result<KeyView, KeyError> {
        let _one = self.changing.lock().await;
        let key = self.get(id)?;
        let at = self.now();
        self.change(vec![KeyChange::Revoke { id: key.id.clone(), at }]).await?;
        self.tell(id, "revoked");
        self.view(id)
    }

    /// Forgets a key that opens nothing any more.
    pub(crate) async fn forget(&self, id: &str) -> Result<(), KeyError> {
        let _one = self.changing.lock().await;
        let key = self.get(id)?;
        let state = self.table.load().state(&key, self.now());
        if state == KeyState::Active {
            return Err(in_state(id, state, "forgotten"));
        }
        self.change(vec![KeyChange::Forget { id: key.id.clone() }]).await?;
        gantry_core::log::info!(key = id, action = "forgotten", "The keys were changed.");
        Ok(())
    }

    /// Stores changes and puts them in force.
    async fn change(&self, changes: Vec<KeyChange>) -> Result<(), KeyError> {
        self.store.change_keys(changes.clone()).await?;
        self.table.store(Arc::new(self.table.load().changed(&changes)));
        Ok(())
    }

    fn draw(&self, wanted: NewKey, now: u64) -> Result<(StoredKey, String), KeyError> {
        let table = self.table.load();
        if table.len() >= MOST_KEYS {
            return Err(KeyError::Full);
        }
        admin::check_name(&wanted.name).map_err(KeyError::invalid)?;
        let scopes = wanted.scopes.as_deref();
        let scopes = scopes.map(|words| scopes::scopes(words.iter().map(String::as_str)));
        if let Some(tier) = &wanted.tier {
            scopes::check_word(tier).map_err(KeyError::invalid)?;
        }
        let expires_in = wanted.expires_in.as_deref();
        let life =
            expires_in.map(|text| duration("the life of a key", text, Duration::from_secs(1)));
        let drawn = DrawnKey::draw()?;
        let key = StoredKey {
            digest: table.pepper().digest(drawn.text.as_bytes()),
            pepper: table.pepper().fingerprint(),
            id: drawn.id,
            name: wanted.name.into_boxed_str(),
            scopes: scopes.transpose().map_err(KeyError::invalid)?,
            roles: scopes::words_of(wanted.roles.iter().map(String::as_str))
                .map_err(KeyError::invalid)?,
            tier: wanted.tier.map(String::into_boxed_str),
            made_at: now,
            expires_at: life.transpose()?.map(|life| now + life.as_secs()),
            used_at: None,
            revoked_at: None,
        };
        Ok((key, drawn.text))
    }

    fn get(&self, id: &str) -> Result<Arc<Key>, KeyError> {
        self.table.load().get(id).map(Arc::clone).ok_or_else(|| KeyError::unknown(id))
    }

    fn view(&self, id: &str) -> Result<KeyView, KeyError> {
        let key = self.get(id)?;
        Ok(KeyView::new(&key, self.table.load().state(&key, self.now())))
    }

    fn made(&self, id: &str, text: String) -> Result<MadeKey, KeyError> {
        Ok(MadeKey { key: text, about: self.view(id)? })
    }

    /// Says what became of a key: never the key.
    fn tell(&self, id: &str, action: &'static str) {
        let key = self.get(id).ok();
        let name = key.as_ref().map(|key| &*key.principal.subject).unwrap_or_default();
        gantry_core::log::info!(key = id, name, action, "The keys were changed.");
    }
}

/// Returns what may be shown of an id that somebody sends: whoever sends a whole key instead does not
/// get it back.
pub(crate) fn public_part(id: &str) -> String {
    let shown = id.split('_').take(2).collect::<Vec<_>>().join("_");
    shown.chars().take(40).collect()
}

/// Writes down uses behind the requests; never returns before the keys are dropped.
async fn write_down(store: Arc<dyn KeyStore>, mut uses: mpsc::Receiver<Use>) {
    while let Some((id, at)) = uses.recv().await {
        if let Err(error) = store.key_used(&id, at).await {
            gantry_core::log::warn!(%error, "The use of a key was not written down.");
        }
    }
}

fn in_state(id: &str, state: KeyState, action: &'static str) -> KeyError {
    KeyError::State { id: id.to_owned(), state: model::word(state), action }
}

fn duration(name: &str, text: &str, least: Duration) -> Result<Duration, KeyError> {
    let duration = parse_duration(text).filter(|found| (least..=LONGEST_LIFE).contains(found));
    duration.ok_or_else(|| {
        KeyError::invalid(format!("{name} must be a duration such as `90d`, at most `3650d`"))
    })
}

#[cfg(test)]
pub(crate) mod tests;
