//! Keys that are made, replaced, taken back and forgotten, in a real database.

use std::sync::atomic::{AtomicU64, Ordering};

use gantry_core::Tasks;
use gantry_storage::{Database as _, Sqlite};
use tempfile::TempDir;

use super::*;

const NOW: u64 = 1_800_000_000;
const DAY: u64 = 24 * 60 * 60;

/// A clock that the test moves.
#[derive(Debug)]
pub(crate) struct Hand(AtomicU64);

impl Clock for Hand {
    fn now(&self) -> std::time::SystemTime {
        std::time::UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

/// A database with keys in it.
pub(crate) struct Safe {
    folder: TempDir,
    clock: Arc<Hand>,
    _tasks: Tasks,
    pub(crate) store: Sqlite,
    pub(crate) keys: StoredKeys,
}

impl Safe {
    pub(crate) async fn new() -> Self {
        let clock = Arc::new(Hand(AtomicU64::new(NOW)));
        Self::at(tempfile::tempdir().unwrap(), clock, b"a pepper of enough bytes").await
    }

    async fn at(folder: TempDir, clock: Arc<Hand>, pepper: &[u8]) -> Self {
        let tasks = Tasks::new();
        let path = folder.path().join("gantry.db");
        let store = Sqlite::open(&path, &tasks, Arc::clone(&clock) as _).await.unwrap();
        let pepper = Pepper::new(pepper).unwrap();
        let at = Arc::clone(&clock) as _;
        let keys = StoredKeys::load(Arc::new(store.clone()), pepper, at, &tasks).await.unwrap();
        Self { folder, clock, _tasks: tasks, store, keys }
    }

    async fn again(self, pepper: &[u8]) -> Self {
        self.store.close().await;
        Self::at(self.folder, self.clock, pepper).await
    }

    fn after(&self, seconds: u64) {
        self.clock.0.store(NOW + seconds, Ordering::Relaxed);
    }

    pub(crate) async fn make(&self, name: &str) -> MadeKey {
        self.keys.make(named(name)).await.unwrap()
    }

    fn opens(&self, key: &MadeKey) -> Result<String, Denied> {
        let found = self.keys.find(key.key.as_bytes(), &Shown::default(), self.keys.now());
        found.map(|principal| principal.subject.to_string())
    }
}

fn named(name: &str) -> NewKey {
    NewKey { name: name.to_owned(), ..NewKey::default() }
}

fn lasting(duration: &str) -> NewKey {
    NewKey { expires_in: Some(duration.to_owned()), ..named("alice") }
}

#[tokio::test]
async fn a_key_opens_from_when_it_is_made_until_it_is_revoked_and_after_a_restart() {
    let safe = Safe::new().await;
    assert!(safe.keys.is_empty());
    let key = safe.make("alice").await;
    assert_eq!(safe.opens(&key).as_deref(), Ok("alice"));
    let safe = safe.again(b"a pepper of enough bytes").await;
    assert_eq!(safe.opens(&key).as_deref(), Ok("alice"));
    let view = safe.keys.revoke(&key.about.id).await.unwrap();
    assert_eq!(view.state, "revoked");
    assert_eq!(safe.opens(&key), Err(Denied::Revoked));
    let safe = safe.again(b"a pepper of enough bytes").await;
    assert_eq!(safe.opens(&key), Err(Denied::Revoked));
    assert!(!safe.keys.is_empty(), "clients need a credential all the same");
}

#[tokio::test]
async fn what_a_key_grants_is_kept_and_listed() {
    let safe = Safe::new().await;
    let wanted = NewKey {
        scopes: Some(vec!["read".to_owned(), "tools:git__log:call".to_owned()]),
        roles: vec!["ops".to_owned()],
        tier: Some("gold".to_owned()),
        ..lasting("90d")
    };
    let made = safe.keys.make(wanted).await.unwrap();
    let safe = safe.again(b"a pepper of enough bytes").await;
    let [view] = &safe.keys.list()[..] else { panic!("one key") };
    let scopes = ["mcp:read".to_owned(), "tools:git__log:call".to_owned()];
    assert_eq!(view.scopes.as_deref(), Some(&scopes[..]));
    assert_eq!((&view.roles[..], view.tier.as_deref()), (&["ops".to_owned()][..], Some("gold")));
    assert_eq!((view.id.as_str(), view.state.as_str()), (made.about.id.as_str(), "active"));
    assert_eq!(view.made_at, "2027-01-15T08:00:00Z");
    assert_eq!(view.expires_at.as_deref(), Some("2027-04-15T08:00:00Z"));
    let principal = safe.keys.find(made.key.as_bytes(), &Shown::default(), NOW).unwrap();
    assert_eq!(principal.grants.scopes.as_deref().map(<[_]>::len), Some(2));
}

#[tokio::test]
async fn a_key_that_is_replaced_goes_on_for_a_while_and_no_longer_than_it_would_have() {
    let safe = Safe::new().await;
    let old = safe.keys.make(lasting("90d")).await.unwrap();
    let rotation = Rotation { overlap: Some("2h".to_owned()), expires_in: None };
    safe.after(DAY);
    let new = safe.keys.rotate(&old.about.id, rotation).await.unwrap();
    assert_eq!(new.about.name, "alice");
    assert_eq!(new.about.expires_at.as_deref(), Some("2027-04-16T08:00:00Z"), "as long as the old");
    safe.after(DAY + 7199);
    assert_eq!(
        (safe.opens(&old).as_deref(), safe.opens(&new).as_deref()),
        (Ok("alice"), Ok("alice"))
    );
    safe.after(DAY + 7200);
    assert_eq!(
        (safe.opens(&old), safe.opens(&new).as_deref()),
        (Err(Denied::Expired), Ok("alice"))
    );
    let late = safe.keys.rotate(&old.about.id, Rotation::default()).await.unwrap_err();
    assert_eq!(late.code(), ErrorCode::KeyNotInState);

    let short = safe.keys.make(lasting("1h")).await.unwrap();
    safe.keys.rotate(&short.about.id, Rotation::default()).await.unwrap();
    safe.after(DAY + 7200 + 3600);
    assert_eq!(safe.opens(&short), Err(Denied::Expired), "a replaced key does not live longer");
}

#[tokio::test]
async fn only_what_opens_nothing_is_forgotten() {
    let safe = Safe::new().await;
    let (key, ending) = (safe.make("bob").await, safe.keys.make(lasting("1d")).await.unwrap());
    let early = safe.keys.forget(&key.about.id).await.unwrap_err();
    assert_eq!(early.code(), ErrorCode::KeyNotInState);
    safe.keys.revoke(&key.about.id).await.unwrap();
    safe.keys.forget(&key.about.id).await.unwrap();
    assert_eq!(safe.opens(&key), Err(Denied::Wrong));
    safe.after(DAY);
    safe.keys.forget(&ending.about.id).await.unwrap();
    assert!(safe.keys.is_empty());
    let unknown = safe.keys.revoke(&key.key).await.unwrap_err();
    assert_eq!(unknown.code(), ErrorCode::UnknownKey);
    let (_, secret) = key.key.split_at(key.about.id.len() + 1);
    assert!(!unknown.to_string().contains(secret), "a whole key is not repeated: {unknown}");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let safe = Safe::new().await;
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    for wrong in [
        named(""),
        named("local"),
        named("two words"),
        lasting("90"),
        lasting("0s"),
        lasting("3651d"),
        NewKey { scopes: Some(words(&["two words"])), ..named("a") },
        NewKey { roles: words(&[""]), ..named("a") },
        NewKey { tier: Some("é".to_owned()), ..named("a") },
    ] {
        let error = safe.keys.make(wrong.clone()).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ApiRequestInvalid, "{wrong:?}");
    }
    assert!(safe.keys.is_empty());
    let key = safe.make("alice").await;
    let rotation = Rotation { overlap: Some("soon".to_owned()), expires_in: None };
    safe.keys.rotate(&key.about.id, rotation).await.unwrap_err();
    assert_eq!(safe.keys.list().len(), 1);
}

#[tokio::test]
async fn under_another_pepper_keys_are_listed_as_of_no_use() {
    let safe = Safe::new().await;
    let key = safe.make("alice").await;
    let safe = safe.again(b"another pepper of enough bytes").await;
    assert_eq!(safe.opens(&key), Err(Denied::Wrong));
    assert_eq!(safe.keys.list()[0].state, "unusable");
    let safe = safe.again(b"a pepper of enough bytes").await;
    assert_eq!(safe.opens(&key).as_deref(), Ok("alice"));
}

#[tokio::test]
async fn a_use_is_written_down_behind_the_request_and_once_a_minute() {
    let safe = Safe::new().await;
    let key = safe.make("alice").await;
    let written = async |at: u64| {
        let looking = async {
            while safe.store.keys().await.unwrap()[0].used_at != Some(at) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), looking).await.expect("it is written down");
    };
    safe.opens(&key).unwrap();
    written(NOW).await;
    safe.after(30);
    safe.opens(&key).unwrap();
    safe.after(90);
    safe.opens(&key).unwrap();
    // What is written one after the other would have the use between before it.
    written(NOW + 90).await;
    assert_eq!(safe.keys.list()[0].used_at.as_deref(), Some("2027-01-15T08:01:30Z"));
}

#[tokio::test]
async fn what_cannot_be_stored_is_not_put_in_force() {
    let safe = Safe::new().await;
    let key = safe.make("alice").await;
    safe.store.close().await;
    assert_eq!(safe.keys.make(named("bob")).await.unwrap_err().code(), ErrorCode::StorageFailed);
    safe.keys.revoke(&key.about.id).await.unwrap_err();
    assert_eq!(safe.opens(&key).as_deref(), Ok("alice"), "what is told and what holds agree");
}
