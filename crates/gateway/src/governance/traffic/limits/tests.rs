//! Tests of [`super`].

use std::collections::BTreeMap;

use gantry_core::clock::FixedClock;
use gantry_core::principal::Grants;
use gantry_policy::rate::Algorithm;
use gantry_protocol::Message;
use prometheus_client::registry::Registry;

use super::*;

const NOW: Duration = Duration::from_secs(1000);

fn rate(requests: u32) -> Rate {
    let per = Duration::from_mins(1);
    Rate { requests, per, burst: requests, algorithm: Algorithm::FixedWindow }
}

struct Stand {
    limits: Limits,
    clock: FixedClock,
    metrics: Metrics,
}

impl Stand {
    fn new(spec: &LimitsSpec) -> Self {
        let clock = FixedClock(Duration::from_hours(500_000));
        let metrics = Metrics::new(&mut Registry::default());
        Self { limits: Limits::new(spec, None), clock, metrics }
    }

    fn moment(&self) -> Moment<'_> {
        Moment { now: NOW, clock: &self.clock, metrics: &self.metrics }
    }

    fn passes(
        &self,
        principal: &Principal,
        address: &str,
    ) -> Result<Option<Standing>, &'static str> {
        let asker = (&Arc::new(principal.clone()), address.parse().ok());
        let admitted = self.limits.admit(asker, &Counted::default(), self.moment());
        admitted.map_err(|too_many| too_many.which)
    }

    fn calls(&self, tool: &str, params: &str) -> bool {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
        let message = Message::parse(text.into_bytes().into()).unwrap();
        let request = Request { message, local_name: None, timeout: None };
        let principal = Principal::anonymous();
        self.limits.admit_tool(("git", tool), &principal, &request, self.moment()).is_ok()
    }
}

fn with(grants: Grants) -> Principal {
    Principal { grants, ..Principal::new("gantry", "ada") }
}

#[test]
fn what_a_connection_remembers_is_of_its_last_caller_alone() {
    let spec = LimitsSpec {
        per_address: Some(rate(20)),
        per_principal: Some(rate(5)),
        ..LimitsSpec::default()
    };
    let stand = Stand::new(&spec);
    let [ada, bob] = ["ada", "bob"].map(|name| Arc::new(Principal::new("gantry", name)));
    let same = Arc::new((*ada).clone());
    let counted = Counted::default();
    let left = |limits: &Limits, principal, address: &str| {
        let asker = (principal, address.parse().ok());
        let standing = limits.admit(asker, &counted, stand.moment()).unwrap();
        standing.map(|standing| standing.remaining)
    };
    // Those of one address are twenty together, and those of each principal five.
    for (principal, address, expected) in [
        (&ada, "10.0.0.1", 4),
        (&ada, "10.0.0.1", 3),
        (&bob, "10.0.0.1", 4),
        (&ada, "10.0.0.2", 2),
        (&bob, "10.0.0.1", 3),
        // The same one as others have it.
        (&same, "10.0.0.1", 1),
    ] {
        assert_eq!(left(&stand.limits, principal, address), Some(expected), "{principal:?}");
    }
    // Other limits begin anew, and those that stay the same go on.
    let tighter = LimitsSpec { per_principal: Some(rate(2)), ..spec.clone() };
    let others = Limits::new(&tighter, Some(&stand.limits));
    assert_eq!(left(&others, &ada, "10.0.0.1"), Some(1));
    let again = Limits::new(&spec, Some(&stand.limits));
    assert_eq!(left(&again, &ada, "10.0.0.1"), Some(0));
}

#[test]
fn each_circle_is_counted_on_its_own() {
    let spec = LimitsSpec {
        per_address: Some(rate(2)),
        per_principal: Some(rate(3)),
        global: Some(rate(5)),
        ..LimitsSpec::default()
    };
    let stand = Stand::new(&spec);
    let [ada, bob] = ["ada", "bob"].map(|name| Principal::new("gantry", name));
    assert_eq!(stand.passes(&ada, "10.0.0.1").unwrap().unwrap().remaining, 1);
    assert!(stand.passes(&bob, "10.0.0.1").is_ok());
    assert_eq!(stand.passes(&ada, "10.0.0.1"), Err("limits.per_address"));
    assert!(stand.passes(&ada, "10.0.0.2").is_ok());
    assert!(stand.passes(&ada, "10.0.0.3").is_ok());
    assert_eq!(stand.passes(&ada, "10.0.0.3"), Err("limits.per_principal"));
    // What was refused was counted nowhere: one of the five is left.
    assert!(stand.passes(&bob, "10.0.0.4").is_ok());
    assert_eq!(stand.passes(&bob, "10.0.0.4"), Err("limits.global"));
}

#[test]
fn a_subscriber_of_ipv6_is_one_address() {
    let spec = LimitsSpec { per_address: Some(rate(1)), ..LimitsSpec::default() };
    let stand = Stand::new(&spec);
    let ada = Principal::anonymous();
    assert!(stand.passes(&ada, "2001:db8:1:2::1").is_ok());
    assert!(stand.passes(&ada, "2001:db8:1:2:ffff::2").is_err());
    assert!(stand.passes(&ada, "2001:db8:1:3::1").is_ok());
    assert!(stand.passes(&ada, "::ffff:10.0.0.1").is_ok());
    assert!(stand.passes(&ada, "10.0.0.1").is_err());
    // Over a socket without addresses there is none to count by.
    assert!(stand.passes(&ada, "").is_ok());
}

#[test]
fn the_limit_of_a_tier_stands_in_place_of_that_of_credentials() {
    let spec = LimitsSpec {
        per_credential: Some(rate(1)),
        tiers: BTreeMap::from([("gold".to_owned(), rate(2))]),
        ..LimitsSpec::default()
    };
    let stand = Stand::new(&spec);
    let key = |name: &str, tier: Option<&str>| {
        let (credential, tier) = (Some(name.into()), tier.map(Into::into));
        with(Grants { credential, tier, ..Grants::default() })
    };
    let count =
        |principal: &Principal| (0..9).filter(|_| stand.passes(principal, "").is_ok()).count();
    assert_eq!(count(&key("key:1", None)), 1);
    assert_eq!(count(&key("key:2", Some("gold"))), 2);
    assert_eq!(count(&key("key:3", Some("gold"))), 2);
    assert_eq!(count(&key("key:4", Some("unknown"))), 1);
    assert_eq!(stand.passes(&key("key:2", Some("gold")), ""), Err("limits.tiers"));
    // Nobody is limited by a credential that they do not show.
    assert_eq!(count(&Principal::anonymous()), 9);
}

#[test]
fn every_pattern_that_fits_a_tool_counts_it() {
    let tools = vec![("git__*".to_owned(), rate(3)), ("git__push".to_owned(), rate(1))];
    let stand = Stand::new(&LimitsSpec { tools, ..LimitsSpec::default() });
    assert!(stand.calls("push", r#"{"name":"push"}"#));
    assert!(!stand.calls("push", r#"{"name":"push"}"#));
    assert!(stand.calls("log", r#"{"name":"log"}"#));
    assert!(stand.calls("log", r#"{"name":"log"}"#));
    assert!(!stand.calls("log", r#"{"name":"log"}"#));
}

#[test]
fn the_rounds_of_one_exchange_count_once_and_nobody_can_claim_more() {
    let tools = vec![("git__*".to_owned(), rate(1))];
    let global = Some(rate(2));
    let stand = Stand::new(&LimitsSpec { global, tools, ..LimitsSpec::default() });
    let ada = Principal::anonymous();
    let later = r#"{"name":"log","requestState":"x"}"#;
    assert!(stand.passes(&ada, "").is_ok() && stand.calls("log", r#"{"name":"log"}"#));
    // Nobody was asked, so a state of one's own making counts.
    assert!(stand.passes(&ada, "").is_ok() && !stand.calls("log", later));
    assert!(stand.passes(&ada, "").is_err());
    for _ in 0..3 {
        stand.limits.asked_by_answer(&ada, NOW);
        assert_eq!(stand.passes(&ada, ""), Ok(None));
        assert!(stand.calls("log", later));
    }
    assert!(stand.passes(&ada, "").is_err());
    assert!(!stand.calls("log", later));
}

#[test]
fn free_requests_are_few_and_do_not_last() {
    let credits = Credits::default();
    let ada = Principal::anonymous();
    (0..1000).for_each(|_| credits.grant(&ada, NOW));
    assert_eq!((0..1000).filter(|_| credits.spend(&ada, NOW)).count(), MOST_CREDITS as usize);
    credits.grant(&ada, NOW);
    assert!(!credits.spend(&ada, NOW + CREDIT_LIFE));
    assert!(!credits.spend(&ada, NOW));
}

#[test]
fn what_was_counted_goes_on_under_a_limit_that_stays() {
    let global = Some(rate(2));
    let tools = vec![("a*".to_owned(), rate(1))];
    let spec = LimitsSpec { global, tools, ..LimitsSpec::default() };
    let mut stand = Stand::new(&spec);
    let ada = Principal::anonymous();
    assert!(stand.passes(&ada, "").is_ok());
    let more = LimitsSpec { per_principal: Some(rate(9)), ..spec.clone() };
    stand.limits = Limits::new(&more, Some(&stand.limits));
    assert!(stand.passes(&ada, "").is_ok());
    assert!(stand.passes(&ada, "").is_err());
    let other = LimitsSpec { global: Some(rate(3)), ..spec };
    stand.limits = Limits::new(&other, Some(&stand.limits));
    assert!(stand.passes(&ada, "").is_ok());
}
