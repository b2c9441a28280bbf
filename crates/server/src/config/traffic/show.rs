//! Writes down what was understood of `limits`, `traffic` and `servers.NAME.traffic`.

use std::time::Duration;

use gantry_gateway::governance::traffic::spec::{
    CacheScope, CacheSpec, CallSpec, Choice, LimitsSpec, Repeats, RetrySpec, Room, ServerSpec,
    TrafficSpec,
};
use gantry_policy::breaker;
use gantry_policy::rate::{Algorithm, Rate};
use serde_json::{Map, Value, json};

use crate::config::units;

/// Shows `limits`.
pub(crate) fn limits(limits: &LimitsSpec) -> Value {
    let mut shown = Map::new();
    let single = [
        ("global", &limits.global),
        ("per_principal", &limits.per_principal),
        ("per_address", &limits.per_address),
        ("per_credential", &limits.per_credential),
    ];
    for (key, rate_of) in single {
        if let Some(rate_of) = rate_of {
            shown.insert(key.to_owned(), rate(rate_of));
        }
    }
    let tiers = limits.tiers.iter().map(|(name, of)| (name.clone(), rate(of)));
    shown.insert("tiers".to_owned(), Value::Object(tiers.collect()));
    let tools = limits.tools.iter().map(|(pattern, of)| (pattern.clone(), rate(of)));
    shown.insert("tools".to_owned(), Value::Object(tools.collect()));
    Value::Object(shown)
}

/// Shows `traffic`.
pub(crate) fn traffic(traffic: &TrafficSpec) -> Value {
    let mut shown = calls(&traffic.defaults);
    if let Some(room) = &traffic.in_flight {
        shown.insert("max_in_flight".to_owned(), json!(room.most));
        shown.insert("max_waiting".to_owned(), json!(room.queue));
        shown.insert("max_wait".to_owned(), time(room.wait));
    }
    shown.insert("cache_size".to_owned(), json!(units::format_size(traffic.cache_bytes)));
    shown.insert("cache_ttl".to_owned(), time(traffic.cache_ttl));
    shown.insert("use_hints".to_owned(), json!(traffic.use_hints));
    Value::Object(shown)
}

/// Shows `servers.NAME.traffic`.
pub(crate) fn server(server: &ServerSpec) -> Value {
    let mut shown = calls(&server.own);
    let tools = server.tools.iter();
    let tools = tools.map(|(pattern, said)| (pattern.clone(), Value::Object(calls(said))));
    shown.insert("tools".to_owned(), Value::Object(tools.collect()));
    Value::Object(shown)
}

fn calls(said: &CallSpec) -> Map<String, Value> {
    let mut shown = Map::new();
    let mut add = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            shown.insert(key.to_owned(), value);
        }
    };
    add("timeout", said.timeout.map(time));
    add("cache", chosen(&said.cache, cache));
    add("breaker", chosen(&said.breaker, breaker));
    add("retry", chosen(&said.retry, retry));
    add("concurrency", chosen(&said.concurrency, room));
    shown
}

fn chosen<T>(choice: &Choice<T>, show: fn(&T) -> Value) -> Option<Value> {
    match choice {
        Choice::Unsaid => None,
        Choice::Off => Some(json!({ "enabled": false })),
        Choice::On(how) => Some(show(how)),
    }
}

/// Shows a rate.
pub(crate) fn rate(rate: &Rate) -> Value {
    let algorithm = match rate.algorithm {
        Algorithm::TokenBucket => "token_bucket",
        Algorithm::FixedWindow => "fixed_window",
        Algorithm::SlidingWindow => "sliding_window",
    };
    let mut shown =
        json!({ "requests": rate.requests, "per": time(rate.per), "algorithm": algorithm });
    if rate.algorithm == Algorithm::TokenBucket {
        shown["burst"] = json!(rate.burst);
    }
    shown
}

fn cache(cache: &CacheSpec) -> Value {
    let scope = match cache.scope {
        CacheScope::Principal => "principal",
        CacheScope::Public => "public",
    };
    let mut shown = json!({ "scope": scope, "max_bytes": units::format_size(cache.max_bytes) });
    if let Some(ttl) = cache.ttl {
        shown["ttl"] = time(ttl);
    }
    shown
}

fn breaker(settings: &breaker::Settings) -> Value {
    json!({
        "failures": settings.failures,
        "error_rate": units::format_thousandths(settings.permille),
        "window": time(settings.window),
        "least": settings.least,
        "open": time(settings.open),
        "probes": settings.probes,
        "successes": settings.successes,
    })
}

fn retry(retry: &RetrySpec) -> Value {
    let settings = &retry.settings;
    let repeat = match retry.repeats {
        Repeats::Safe => "safe",
        Repeats::Always => "always",
    };
    json!({
        "attempts": settings.attempts,
        "backoff": time(settings.backoff),
        "factor": settings.factor_percent / 100,
        "max_backoff": time(settings.most),
        "budget": units::format_thousandths(settings.budget_permille.unwrap_or(1000)),
        "within": time(settings.within),
        "repeat": repeat,
    })
}

fn room(room: &Room) -> Value {
    json!({ "max": room.most, "queue": room.queue, "wait": time(room.wait) })
}

fn time(time: Duration) -> Value {
    json!(units::format_duration(time))
}
