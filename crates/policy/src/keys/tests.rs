//! Which keys open, until when, and that none is ever shown.

use proptest::prelude::*;

use super::*;

const ALICE: &str = "alice-secret-0123456789";
const BOB: &str = "bob-secret-0123456789";
const NOW: u64 = 1_800_000_000;

fn entry(name: &str, secret: &str) -> KeyEntry {
    let (name, secret) = (name.to_owned(), secret.to_owned());
    KeyEntry { name, secret, grants: Grants::default(), expires_at: None }
}

fn configured() -> KeyTable {
    let expiring = KeyEntry { expires_at: Some(NOW), ..entry("alice", "alice-secret-9876543210") };
    KeyTable::of_config(vec![entry("alice", ALICE), entry("bob", BOB), expiring]).unwrap()
}

fn pepper() -> Pepper {
    Pepper::new(b"a pepper of sixteen bytes or more").unwrap()
}

fn stored(key: &DrawnKey, pepper: &Pepper) -> StoredKey {
    StoredKey {
        id: key.id.clone(),
        digest: pepper.digest(key.text.as_bytes()),
        pepper: pepper.fingerprint(),
        name: "alice".into(),
        scopes: Some(["mcp:read".into()].into()),
        roles: ["ops".into()].into(),
        tier: Some("gold".into()),
        made_at: NOW,
        expires_at: None,
        used_at: None,
        revoked_at: None,
    }
}

fn subject(table: &KeyTable, secret: &str, now: u64) -> Result<String, Denied> {
    table
        .find(secret.as_bytes(), &Shown::default(), || now)
        .map(|key| key.principal.subject.to_string())
}

#[test]
fn a_key_of_the_configuration_names_its_principal_until_it_expires() {
    let table = configured();
    assert_eq!(subject(&table, ALICE, NOW).as_deref(), Ok("alice"));
    assert_eq!(subject(&table, BOB, NOW).as_deref(), Ok("bob"));
    assert_eq!(subject(&table, "alice-secret-9876543210", NOW - 1).as_deref(), Ok("alice"));
    assert_eq!(subject(&table, "alice-secret-9876543210", NOW), Err(Denied::Expired));
    for wrong in ["", "x", &ALICE.to_uppercase(), &format!("{ALICE}x"), &format!("{ALICE},{BOB}")] {
        assert_eq!(subject(&table, wrong, NOW), Err(Denied::Wrong), "{wrong}");
    }
    let key = table.find(ALICE.as_bytes(), &Shown::default(), || NOW).unwrap();
    assert_eq!(&*key.principal.issuer, "gantry");
}

#[test]
fn a_table_without_keys_knows_none() {
    let table = KeyTable::of_config(Vec::new()).unwrap();
    assert!(table.is_empty());
    assert_eq!(subject(&table, "anything-at-all-0123456789", NOW), Err(Denied::Wrong));
}

#[test]
fn one_secret_does_not_stand_for_two_keys() {
    let refused = KeyTable::of_config(vec![entry("a", ALICE), entry("b", ALICE)]).unwrap_err();
    assert_eq!(refused.to_string(), "`a` and `b` have the same token, give each its own");
    assert!(KeyTable::of_config(vec![entry("a", "short")]).is_err());
    assert!(KeyTable::of_config(vec![entry("local", ALICE)]).is_err());
}

#[test]
fn a_drawn_key_is_unlike_any_other_and_shows_where_it_comes_from() {
    let (one, other) = (DrawnKey::draw().unwrap(), DrawnKey::draw().unwrap());
    assert_ne!(one.id, other.id);
    let (public, secret) = one.text.split_at(one.id.len());
    assert_eq!(public, &*one.id);
    assert!(secret.starts_with('_') && secret.len() == 44, "{secret}");
    assert!(one.id.strip_prefix(MARK).unwrap().bytes().all(|byte| ID_LETTERS.contains(&byte)));
    assert!(!format!("{one:?}").contains(secret));
}

#[test]
fn a_stored_key_opens_with_what_was_stored_of_it() {
    let drawn = DrawnKey::draw().unwrap();
    let table = KeyTable::of_store(vec![stored(&drawn, &pepper())], pepper());
    let key = table.find(drawn.text.as_bytes(), &Shown::default(), || NOW).unwrap();
    let grants = &key.principal.grants;
    assert_eq!(grants.scopes.as_deref().unwrap(), ["mcp:read".into()]);
    assert_eq!((&*grants.roles[0], grants.tier.as_deref()), ("ops", Some("gold")));
    assert_eq!(grants.credential.as_deref(), Some(format!("key {}", drawn.id).as_str()));
    assert_eq!(subject(&table, &drawn.id, NOW), Err(Denied::Wrong));
}

#[test]
fn under_another_pepper_a_stored_key_opens_nothing_and_is_told() {
    let drawn = DrawnKey::draw().unwrap();
    let other = Pepper::new(b"another pepper of enough bytes").unwrap();
    let table = KeyTable::of_store(vec![stored(&drawn, &pepper())], other);
    assert_eq!(subject(&table, &drawn.text, NOW), Err(Denied::Wrong));
    assert_eq!(table.state(table.get(&drawn.id).unwrap(), NOW), KeyState::Unusable);
    assert!(Pepper::new(b"fifteen bytes..").is_err());
}

#[test]
fn changes_are_made_as_a_store_makes_them() {
    let (old, new) = (DrawnKey::draw().unwrap(), DrawnKey::draw().unwrap());
    let table = KeyTable::of_store(vec![stored(&old, &pepper())], pepper());
    table.get(&old.id).unwrap().note_use(NOW);
    let expire = |at| KeyChange::Expire { id: old.id.clone(), at };
    let make = KeyChange::Make(Box::new(stored(&new, &pepper())));
    let both = table.changed(&[make, expire(NOW + 10), expire(NOW + 20)]);
    assert_eq!(both.len(), 2);
    assert_eq!(both.get(&old.id).unwrap().used_at(), Some(NOW), "a use is not forgotten");
    assert_eq!(subject(&both, &old.text, NOW + 9).as_deref(), Ok("alice"));
    assert_eq!(subject(&both, &new.text, NOW + 9).as_deref(), Ok("alice"));
    assert_eq!(subject(&both, &old.text, NOW + 10), Err(Denied::Expired));
    let revoke = |at| KeyChange::Revoke { id: new.id.clone(), at };
    let neither = both.changed(&[revoke(NOW + 1), revoke(NOW + 2)]);
    assert_eq!(subject(&neither, &new.text, NOW), Err(Denied::Revoked));
    assert_eq!(neither.get(&new.id).unwrap().revoked_at, Some(NOW + 1));
    assert_eq!(neither.state(neither.get(&new.id).unwrap(), NOW), KeyState::Revoked);
    let gone = neither.changed(&[KeyChange::Forget { id: new.id.clone() }]);
    assert_eq!((subject(&gone, &new.text, NOW), gone.len()), (Err(Denied::Wrong), 1));
    assert_eq!(subject(&both, &new.text, NOW).as_deref(), Ok("alice"), "the others stand");
}

#[test]
fn a_use_is_written_down_once_a_minute() {
    let drawn = DrawnKey::draw().unwrap();
    let table = KeyTable::of_store(vec![stored(&drawn, &pepper())], pepper());
    let key = table.get(&drawn.id).unwrap();
    assert_eq!(key.used_at(), None);
    let written: Vec<_> = [0, 0, 1, 59, 60, 61, 119, 120].map(|at| key.note_use(NOW + at)).to_vec();
    assert_eq!(written, [true, false, false, false, true, false, false, true]);
}

#[test]
fn no_output_holds_a_secret() {
    let drawn = DrawnKey::draw().unwrap();
    let table = KeyTable::of_store(vec![stored(&drawn, &pepper())], pepper());
    let shown = format!("{:?} {:?} {table:?} {drawn:?}", entry("alice", ALICE), configured());
    let (_, secret) = drawn.text.split_at(drawn.id.len());
    assert!(!shown.contains(ALICE) && !shown.contains(secret), "{shown}");
    assert!(shown.contains("alice") && shown.contains(&*drawn.id), "{shown}");
}

proptest! {
    #[test]
    fn only_the_configured_keys_are_accepted(secret in proptest::collection::vec(any::<u8>(), 0..80)) {
        prop_assert!(configured().find(&secret, &Shown::default(), || NOW).is_err());
    }
}
