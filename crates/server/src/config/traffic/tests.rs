//! Tests of [`super`].

use super::super::{Config, Env, Source};
use super::*;

fn read(text: &str) -> Result<Config, String> {
    Config::parse(text, &Source::default(), &Env::default()).map_err(|error| error.to_string())
}

#[track_caller]
fn is_refused(text: &str, reason: &str) {
    let error = read(text).expect_err(text);
    assert!(error.contains(reason), "{text}: {error}");
}

const WHOLE: &str = r#"
limits:
  global: {requests: 1000, per: 1m, burst: 2000}
  per_principal: {requests: 100}
  per_address: {requests: 50, per: 1s, algorithm: fixed_window}
  tiers:
    free: {requests: 1000, per: 1h, algorithm: sliding_window}
  tools:
    "git__*": {requests: 10}
traffic:
  max_in_flight: 500
  breaker: {failures: 3}
  retry: {attempts: 4, budget: 0.1}
servers:
  git:
    url: http://127.0.0.1:1/mcp
    traffic:
      breaker: {enabled: false}
      concurrency: {max: 8}
      tools:
        log: {timeout: 2s, cache: {ttl: 1m, scope: public}}
        "push_*": {retry: {enabled: false}, breaker: {error_rate: 0.25, failures: 0}}
"#;

#[test]
fn what_is_written_is_understood() {
    let config = read(WHOLE).unwrap();
    let traffic = &config.gateway.traffic;
    let global = traffic.limits.global.unwrap();
    assert_eq!((global.requests, global.burst), (1000, 2000));
    assert_eq!(traffic.limits.per_principal.unwrap().burst, 100);
    assert_eq!(traffic.limits.tiers["free"].algorithm, Algorithm::SlidingWindow);
    assert_eq!(traffic.in_flight.unwrap().most, 500);
    let git = &config.upstream("git").unwrap().traffic;
    assert_eq!(git.own.breaker, Choice::Off);
    assert_eq!(git.own.retry, Choice::Unsaid);
    let Choice::On(cache) = git.tools[0].1.cache else { panic!("a cache") };
    assert_eq!((cache.ttl, cache.scope), (Some(60 * SECOND), CacheScope::Public));
    let Choice::On(breaker) = git.tools[1].1.breaker else { panic!("a breaker") };
    assert_eq!((breaker.failures, breaker.permille), (0, 250));
}

#[test]
fn what_was_understood_is_shown_as_it_can_be_read_again() {
    let config = read(WHOLE).unwrap();
    let again = read(&config.normalized_yaml()).unwrap();
    assert_eq!(again.gateway, config.gateway);
    let plain = read("").unwrap();
    assert_eq!(read(&plain.normalized_yaml()).unwrap().gateway, plain.gateway);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    is_refused("limits: {global: {per: 1m}}", "`limits.global` has no `requests`");
    is_refused("limits: {global: {requests: 0}}", "limits.global.requests");
    is_refused("limits: {global: {requests: 1, per: 0s}}", "from 1ms to 31d");
    is_refused(
        "limits: {global: {requests: 1, burst: 2, algorithm: fixed_window}}",
        "for `algorithm: token_bucket` alone",
    );
    is_refused("limits: {tools: {'a b': {requests: 1}}}", "a pattern such as");
    is_refused("traffic: {breaker: {failures: 0}}", "would never open");
    is_refused("traffic: {breaker: {error_rate: 1.5}}", "a number from 0 to 1");
    is_refused("traffic: {retry: {attempts: 11}}", "traffic.retry.attempts");
    is_refused(
        "servers: {a: {url: 'http://a/', traffic: {tools: {x: {timeout: 0s}}}}}",
        "servers.a.traffic.tools.x.timeout",
    );
}

#[test]
fn a_limit_that_a_wider_one_makes_idle_is_told() {
    let found = |limits: &str| {
        let config = read(&format!("limits: {limits}")).unwrap();
        let idle = idle_limits(&config.gateway);
        idle.iter().map(|problem| problem.path.to_string()).collect::<Vec<_>>()
    };
    let wide = "global: {requests: 10, per: 1s}";
    assert_eq!(
        found(&format!("{{{wide}, per_principal: {{requests: 600}}}}")),
        ["limits.per_principal"]
    );
    assert!(found(&format!("{{{wide}, per_principal: {{requests: 599}}}}")).is_empty());
    assert!(found(&format!("{{{wide}, per_address: {{requests: 600, burst: 9}}}}")).is_empty());
    assert_eq!(
        found(&format!("{{{wide}, tiers: {{a: {{requests: 10, per: 1s}}}}}}")),
        ["limits.tiers.a"]
    );
    assert!(found("{per_principal: {requests: 600}}").is_empty());
    // Only the built-in tools are there.
    let tools = "{tools: {'gantry__*': {requests: 1}, 'git__*': {requests: 1}}}";
    assert_eq!(found(tools), ["limits.tools.git__*"]);
}

#[test]
fn a_room_that_a_wider_one_makes_idle_is_told() {
    let found = |text: &str| {
        let idle = idle_limits(&read(text).unwrap().gateway);
        idle.iter().map(|problem| problem.path.to_string()).collect::<Vec<_>>()
    };
    let server =
        |said: &str| format!("servers: {{ git: {{ url: 'http://a/', traffic: {said} }} }}");
    let all = "traffic: { max_in_flight: 10, concurrency: { max: MAX } }";
    assert_eq!(found(&all.replace("MAX", "10")), ["traffic.concurrency.max"]);
    assert!(found(&all.replace("MAX", "9")).is_empty());
    assert!(found("traffic: { concurrency: { max: 9999 } }").is_empty());
    let whole = "traffic: { max_in_flight: 10 }\n";
    let own =
        |max: &str| whole.to_owned() + &server(&format!("{{ concurrency: {{ max: {max} }} }}"));
    assert_eq!(found(&own("11")), ["servers.git.traffic.concurrency.max"]);
    assert!(found(&own("9")).is_empty());
    // Of a tool, within that of its server: its own, or that of every server.
    let tool = "tools: { log: { concurrency: { max: 4 } } }";
    let within = |max: &str| server(&format!("{{ concurrency: {{ max: {max} }}, {tool} }}"));
    let of_tool = ["servers.git.traffic.tools.log.concurrency.max"];
    assert_eq!(found(&within("4")), of_tool);
    assert!(found(&within("5")).is_empty());
    let usual = "traffic: { concurrency: { max: 3 } }\n".to_owned();
    assert_eq!(found(&(usual + &server(&format!("{{ {tool} }}")))), of_tool);
    assert!(found(&server(&format!("{{ {tool} }}"))).is_empty());
}
