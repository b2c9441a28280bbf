//! What every implementation of a port must do, whatever it is made of.
//!
//! The caller brings an empty instance; limits of time, files and processes are the
//! implementation's own tests.

mod audit;
mod keys;
mod records;
mod servers;
mod sessions;

use bytes::Bytes;
use futures_util::future::join_all;
use gantry_core::store::{OfferStore, StoredVerdict};

pub use audit::audit_store;
pub use keys::key_store;
pub use records::record_store;
pub use servers::server_store;
pub use sessions::session_store;

/// The largest offer that is kept, in bytes.
const MOST_OFFER: usize = 16 * 1024 * 1024;
/// Profiles that are kept for one upstream.
const MOST_PROFILES: usize = 64;

/// Checks a store of offers and verdicts that was empty.
pub async fn offer_store(store: &dyn OfferStore) {
    what_was_never_put_is_absent(store).await;
    an_offer_comes_back_byte_for_byte(store).await;
    the_last_offer_wins(store).await;
    keys_are_compared_exactly(store).await;
    an_offer_above_the_limit_is_refused(store).await;
    concurrent_puts_are_all_kept(store).await;
    profiles_of_one_upstream_are_bounded(store).await;
    a_verdict_comes_back(store).await;
}

async fn what_was_never_put_is_absent(store: &dyn OfferStore) {
    assert_eq!(offer(store, "nobody", "").await, None);
    assert_eq!(store.verdict("nobody").await.expect("a read"), None);
}

async fn an_offer_comes_back_byte_for_byte(store: &dyn OfferStore) {
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let long = vec![b'x'; 3 * 1024 * 1024];
    for (profile, bytes) in [("every byte", every_byte), ("none", Vec::new()), ("long", long)] {
        put(store, "exact", profile, &bytes).await;
        assert!(offer(store, "exact", profile).await.as_deref() == Some(&bytes[..]), "{profile}");
    }
}

async fn the_last_offer_wins(store: &dyn OfferStore) {
    put(store, "twice", "", b"first").await;
    put(store, "twice", "", b"second").await;
    assert_eq!(offer(store, "twice", "").await.as_deref(), Some(&b"second"[..]));
}

async fn keys_are_compared_exactly(store: &dyn OfferStore) {
    // The longest profiles that differ in their last byte alone.
    let long = ["a", "b"].map(|end| "p".repeat(64 * 1024 - 1) + end);
    for profile in &long {
        put(store, "long", profile, profile.as_bytes()).await;
    }
    for profile in &long {
        assert!(offer(store, "long", profile).await.is_some_and(|kept| kept == profile.as_bytes()));
    }
    let keys =
        ["k", "K", "k ", " k", "k%", "k_", "k'", "k\"", "k\\", "k;--", "ké", "ke\u{301}", "", "1"];
    for upstream in keys {
        for profile in keys {
            put(store, upstream, profile, format!("{upstream}|{profile}").as_bytes()).await;
        }
    }
    for upstream in keys {
        for profile in keys {
            let expected = format!("{upstream}|{profile}");
            let found = offer(store, upstream, profile).await;
            assert_eq!(found.as_deref(), Some(expected.as_bytes()), "{upstream:?} {profile:?}");
        }
    }
}

async fn an_offer_above_the_limit_is_refused(store: &dyn OfferStore) {
    let largest = vec![7; MOST_OFFER];
    put(store, "large", "", &largest).await;
    let above = Bytes::from(vec![8; MOST_OFFER + 1]);
    let refusal = store.put_offer("large", "", above).await.expect_err("it is too large");
    assert!(refusal.to_string().contains(&(MOST_OFFER + 1).to_string()), "{refusal}");
    assert!(offer(store, "large", "").await.is_some_and(|kept| kept == largest), "it stands");
}

async fn concurrent_puts_are_all_kept(store: &dyn OfferStore) {
    let names: Vec<String> = (0..500).map(|number| format!("concurrent-{number}")).collect();
    join_all(names.iter().map(|name| put(store, name, "", name.as_bytes()))).await;
    let found = join_all(names.iter().map(|name| offer(store, name, ""))).await;
    for (name, found) in names.iter().zip(found) {
        assert_eq!(found.as_deref(), Some(name.as_bytes()));
    }
}

async fn profiles_of_one_upstream_are_bounded(store: &dyn OfferStore) {
    let profile = |number: usize| format!("profile-{number:03}");
    for number in 0..MOST_PROFILES + 10 {
        put(store, "many", &profile(number), b"offer").await;
        assert!(offer(store, "many", &profile(number)).await.is_some(), "the one just put stays");
    }
    let all: Vec<String> = (0..MOST_PROFILES + 10).map(profile).collect();
    let found = join_all(all.iter().map(|profile| offer(store, "many", profile))).await;
    assert_eq!(found.iter().flatten().count(), MOST_PROFILES);
}

async fn a_verdict_comes_back(store: &dyn OfferStore) {
    let late = u64::from(u32::MAX) + 1;
    for (verdict, found_at) in [("legacy", 0), ("2026-07-28", 1_800_000_000), ("legacy", late)] {
        let verdict = StoredVerdict { verdict: verdict.to_owned(), found_at };
        store.put_verdict("judged", verdict.clone()).await.expect("a put");
        assert_eq!(store.verdict("judged").await.expect("a read"), Some(verdict));
    }
    assert_eq!(store.verdict("Judged").await.expect("a read"), None);
}

async fn put(store: &dyn OfferStore, upstream: &str, profile: &str, bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    store.put_offer(upstream, profile, bytes).await.expect("a put");
}

async fn offer(store: &dyn OfferStore, upstream: &str, profile: &str) -> Option<Bytes> {
    store.offer(upstream, profile).await.expect("a read")
}
