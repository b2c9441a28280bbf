//! Tests of [`super`]: keys, flights, and what is kept.

use gantry_core::{OfferCell, Principal};
use gantry_protocol::Revision;
use prometheus_client::registry::Registry;
use tokio::sync::Semaphore;

use super::*;
use crate::metrics::Metrics;

/// A provider that answers when it is let, with how often it was asked.
#[derive(Debug)]
struct Slow {
    offer: OfferCell,
    asked: AtomicU64,
    lets: Semaphore,
}

impl Provider for Slow {
    fn offer(&self) -> &OfferCell {
        &self.offer
    }

    fn handle<'a>(&'a self, _: &'a CallContext, _: Request) -> BoxFuture<'a, Ended> {
        Box::pin(async move {
            let count = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
            self.lets.acquire().await.unwrap().forget();
            let text = format!(r#"{{"content":[],"count":{count}}}"#);
            Ok(Outcome::Complete(RawResult::own(text.as_bytes())))
        })
    }
}

struct Stand {
    slow: Arc<Slow>,
    provider: Arc<dyn Provider>,
    epoch: Arc<AtomicU64>,
    cache: Arc<Cache>,
}

impl Stand {
    fn new() -> Self {
        let metrics = Arc::new(Metrics::new(&mut Registry::default()));
        let offer = Offer { revision: Revision::LATEST_MODERN, ..Offer::pending() };
        let offer = OfferCell::new(offer);
        let slow = Arc::new(Slow { offer, asked: AtomicU64::new(0), lets: Semaphore::new(0) });
        Self {
            provider: Arc::clone(&slow) as Arc<dyn Provider>,
            slow,
            epoch: Arc::default(),
            cache: Cache::new(1 << 20, metrics),
        }
    }

    fn source(&self) -> Source<'_> {
        let (provider, epoch) = (&self.provider, &self.epoch);
        Source { server: "git", local: "log", provider, epoch }
    }

    fn fly(&self, key: Key) -> Flight {
        let (cache, provider) = (Arc::clone(&self.cache), Arc::clone(&self.provider));
        let held = Held::now(&self.source());
        self.cache.fly(key, || {
            Box::pin(async move {
                let context = context("ada");
                let outcome = provider.handle(&context, call("{}")).await;
                cache.keep(key, LIMITS, &held, &outcome);
                outcome
            })
        })
    }
}

const LIMITS: (Duration, usize) = (Duration::from_mins(1), 1000);

fn call(params: &str) -> Request {
    request("tools/call", params)
}

fn request(method: &str, params: &str) -> Request {
    let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
    let message = Message::parse(text.into_bytes().into()).unwrap();
    Request { message, local_name: None, timeout: None }
}

fn context(subject: &str) -> CallContext {
    let caller = Caller {
        revision: Revision::LATEST_MODERN,
        capabilities: Bytes::from_static(b"{}"),
        profile: Profile::EMPTY,
        info: None,
        log_level: None,
        session: None,
        param_headers: None,
    };
    CallContext {
        request_id: "r".into(),
        principal: Arc::new(Principal::of_gantry(subject)),
        address: None,
        caller: Arc::new(caller),
        client: Arc::new(NoClient),
        trace: None,
        cancelled: CancellationToken::new(),
    }
}

fn count(outcome: &Ended) -> String {
    let Ok(Outcome::Complete(result)) = outcome else { return String::new() };
    String::from_utf8(result.message.result_member("count").unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn many_who_ask_at_once_make_one_call_and_later_ones_none() {
    let stand = Stand::new();
    let key = key_of(&stand.source(), CacheScope::Principal, &context("ada"), &call("{}")).unwrap();
    assert!(stand.cache.get(&key, &stand.source()).is_none());
    let flights: Vec<_> = (0..20).map(|_| stand.fly(key).landed()).collect();
    stand.slow.lets.add_permits(1);
    for ended in futures_util::future::join_all(flights).await {
        assert_eq!(count(&ended.unwrap()), "1");
    }
    let kept = stand.cache.get(&key, &stand.source()).unwrap();
    assert_eq!(count(&Ok(kept)), "1");
    assert_eq!(stand.slow.asked.load(Ordering::Relaxed), 1);
    assert!(stand.cache.flights.lock().is_empty());
}

#[tokio::test]
async fn who_waits_outlives_a_first_one_that_is_taken_back() {
    let stand = Stand::new();
    let mut first = Box::pin(stand.fly([1; 32]).landed());
    assert!(futures_util::poll!(&mut first).is_pending());
    let mut second = Box::pin(stand.fly([1; 32]).landed());
    assert!(futures_util::poll!(&mut second).is_pending());
    drop(first);
    stand.slow.lets.add_permits(1);
    assert_eq!(count(&second.await.unwrap()), "1");
    assert_eq!(stand.slow.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_is_taken_back() {
    let stand = Stand::new();
    for _ in 0..2 {
        let mut flight = Box::pin(stand.fly([1; 32]).landed());
        assert!(futures_util::poll!(&mut flight).is_pending());
        drop(flight);
        assert!(stand.cache.flights.lock().is_empty());
    }
    assert_eq!(stand.slow.asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn another_offer_ends_what_was_kept() {
    let stand = Stand::new();
    stand.slow.lets.add_permits(9);
    stand.fly([1; 32]).landed().await.unwrap().unwrap();
    assert!(stand.cache.get(&[1; 32], &stand.source()).is_some());
    stand.slow.offer.store(Offer::pending());
    assert!(stand.cache.get(&[1; 32], &stand.source()).is_none());
    // An answer that was on its way while the offer changed is of before.
    let held = Held::now(&stand.source());
    stand.slow.offer.store(Offer::pending());
    let outcome = Ok(Outcome::Complete(RawResult::own(b"{}")));
    stand.cache.keep([2; 32], LIMITS, &held, &outcome);
    assert!(stand.cache.get(&[2; 32], &stand.source()).is_none());
}

#[test]
fn only_what_is_whole_and_good_is_kept() {
    let stand = Stand::new();
    let held = Held::now(&stand.source());
    let keeps = |text: &str| {
        let outcome = Ok(Outcome::Complete(RawResult::own(text.as_bytes())));
        stand.cache.keep([3; 32], LIMITS, &held, &outcome);
        let is_kept = stand.cache.get(&[3; 32], &stand.source()).is_some();
        stand.cache.kept.lock().remove(&[3; 32]);
        is_kept
    };
    assert!(keeps(r#"{"content":[]}"#));
    assert!(keeps(r#"{"content":[],"resultType":"complete","isError":false}"#));
    assert!(!keeps(r#"{"content":[],"isError":true}"#));
    assert!(!keeps(r#"{"resultType":"task"}"#));
    assert!(!keeps(r#"{"task":{"taskId":"1"}}"#));
    assert!(!keeps(&format!(r#"{{"content":"{}"}}"#, "x".repeat(1000))));
}

#[tokio::test(start_paused = true)]
async fn a_resource_is_kept_as_long_as_its_server_says_and_tells_what_is_left() {
    let stand = Stand::new();
    let read = request("resources/read", r#"{"uri":"a://b"}"#);
    let keys = |name: &str| keys_of_resource(&stand.source(), &context(name), &read).unwrap();
    let (ada, bob) = (keys("ada"), keys("bob"));
    assert!(ada[0] != bob[0] && ada[1] == bob[1]);
    let keep = |text: &str| {
        let outcome = Ok(Outcome::Complete(RawResult::own(text.as_bytes())));
        stand.cache.keep_by_hint(ada, &Held::now(&stand.source()), &outcome);
    };
    let has = |keys: [Key; 2]| keys.iter().find_map(|key| stand.cache.get(key, &stand.source()));
    keep(r#"{"contents":[],"ttlMs":0,"cacheScope":"public"}"#);
    keep(r#"{"contents":[],"cacheScope":"public"}"#);
    assert!(has(ada).is_none());
    keep(r#"{"contents":[],"ttlMs":5000,"cacheScope":"private"}"#);
    assert!(has(bob).is_none());
    tokio::time::advance(Duration::from_secs(2)).await;
    let Some(Outcome::Complete(result)) = has(ada) else { panic!("nothing is kept") };
    assert_eq!(result.message.result_member("ttlMs"), Some(&b"3000"[..]));
    tokio::time::advance(Duration::from_secs(3)).await;
    assert!(has(ada).is_none());
    keep(r#"{"contents":[],"ttlMs":5000,"cacheScope":"public"}"#);
    assert!(has(bob).is_some());
    stand.epoch.fetch_add(1, Ordering::Relaxed);
    assert!(has(bob).is_none());
}

#[test]
fn a_key_tells_what_is_asked_and_by_whom_and_not_how() {
    let stand = Stand::new();
    let key = |scope, name: &str, params: &str| {
        key_of(&stand.source(), scope, &context(name), &call(params))
    };
    let own = |params: &str| key(CacheScope::Principal, "ada", params);
    let one = own(r#"{"name":"x","arguments":{"a":1,"b":[]}}"#);
    assert_eq!(one, own(r#"{"arguments":{"b":[], "a":1},"name":"y","_meta":{"progressToken":7}}"#));
    assert_ne!(one, own(r#"{"arguments":{"a":1,"b":[]},"_meta":{"com.example/tenant":"t"}}"#));
    assert_ne!(one, own(r#"{"arguments":{"a":2,"b":[]}}"#));
    assert_ne!(one, key(CacheScope::Principal, "bob", r#"{"arguments":{"a":1,"b":[]}}"#));
    let all = |name| key(CacheScope::Public, name, "{}");
    assert_eq!(all("ada"), all("bob"));
    assert_ne!(all("ada"), own("{}"));
    assert_eq!(own(r#"{"arguments":{"a":1,"a":2}}"#), None);
    assert_eq!(own(r#"{"requestState":"x"}"#), None);
    assert_eq!(own(r#"{"task":{}}"#), None);
}
