//! `limits`, `traffic`, `servers.NAME.traffic`, checked.

mod show;

use std::collections::BTreeMap;
use std::time::Duration;

use gantry_core::ErrorCode;
use gantry_gateway::governance::traffic::spec::{
    CacheScope, CacheSpec, CallSpec, Choice, LimitsSpec, Repeats, RetrySpec, Room, ServerSpec,
    TrafficSpec,
};
use gantry_gateway::spec::GatewaySpec;
use gantry_policy::rate::{Algorithm, Rate};
use gantry_policy::{breaker, retry};
use indexmap::IndexMap;

use super::check::Checker;
use super::log::ratio;
use super::path::Path;
use super::problem::Problem;
use super::{raw, units, upstream};

pub(crate) use show::{
    limits as show_limits, rate as show_rate, server as show_server, traffic as show_traffic,
};

const SHORTEST: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);
/// A window longer than this is a quota, which should outlive the process; these counts do not.
const MONTH: Duration = Duration::from_hours(24 * 31);

/// Checks what concerns no server alone.
pub(crate) fn check(raw: &raw::Config, checker: &mut Checker<'_>) -> TrafficSpec {
    let root = Path::root();
    let path = root.key("traffic");
    let traffic = &raw.traffic;
    let max_wait =
        checker.duration(&path.key("max_wait"), &traffic.max_wait, (Duration::ZERO, DAY));
    TrafficSpec {
        limits: limits(&raw.limits, &root.key("limits"), checker),
        in_flight: traffic.max_in_flight.map(|most| Room {
            most: most as usize,
            queue: traffic.max_waiting as usize,
            wait: max_wait,
        }),
        cache_bytes: checker.size(&path.key("cache_size"), &traffic.cache_size, (0, 1 << 40)),
        cache_ttl: checker.duration(&path.key("cache_ttl"), &traffic.cache_ttl, (SHORTEST, MONTH)),
        use_hints: traffic.use_hints,
        defaults: CallSpec {
            breaker: breaker(traffic.breaker.as_ref(), &path, checker),
            retry: retry(traffic.retry.as_ref(), &path, checker),
            concurrency: room(traffic.concurrency.as_ref(), &path, checker),
            timeout: None,
            cache: Choice::Unsaid,
        },
    }
}

/// Checks what is said of one server, which stands at `path`.
pub(crate) fn check_server(
    raw: &raw::ServerTraffic,
    path: &Path,
    checker: &mut Checker<'_>,
) -> ServerSpec {
    let own = CallSpec {
        breaker: breaker(raw.breaker.as_ref(), path, checker),
        retry: retry(raw.retry.as_ref(), path, checker),
        concurrency: room(raw.concurrency.as_ref(), path, checker),
        timeout: None,
        cache: Choice::Unsaid,
    };
    let at = path.key("tools");
    let mut tools = Vec::new();
    for (pattern, tool) in &raw.tools {
        let path = at.key(pattern);
        is_pattern(pattern, &path, checker);
        let said = CallSpec {
            breaker: breaker(tool.breaker.as_ref(), &path, checker),
            retry: retry(tool.retry.as_ref(), &path, checker),
            concurrency: room(tool.concurrency.as_ref(), &path, checker),
            timeout: tool
                .timeout
                .as_ref()
                .map(|timeout| checker.duration(&path.key("timeout"), timeout, (SHORTEST, DAY))),
            cache: cache(tool.cache.as_ref(), &path.key("cache"), checker),
        };
        tools.push((pattern.clone(), said));
    }
    ServerSpec { own, tools }
}

/// Looks for limits that can never be reached: because they are for no tool, or because a wider one
/// is reached before.
pub(crate) fn idle_limits(gateway: &GatewaySpec) -> Vec<Problem> {
    let limits = [idle_patterns(gateway), wide_limits(gateway)].concat();
    [limits, wide_rooms(gateway), wide_rooms_of_tools(gateway)].concat()
}

fn idle_patterns(gateway: &GatewaySpec) -> Vec<Problem> {
    let tools = Path::root().key("limits").key("tools");
    let patterns = gateway.traffic.limits.tools.iter().map(|(pattern, _)| pattern);
    patterns
        .filter(|pattern| !gateway.could_match(pattern))
        .map(|pattern| {
            let path = tools.key(pattern);
            let message =
                format!("`{path}` can never be reached: it fits no tool of any of `servers`");
            Problem::new(ErrorCode::LimitIdle, &path, message)
                .with_hint(Some("a pattern is held against `SERVER__TOOL`"))
        })
        .collect()
}

fn wide_limits(gateway: &GatewaySpec) -> Vec<Problem> {
    let limits = &gateway.traffic.limits;
    let root = Path::root().key("limits");
    let Some(global) = &limits.global else { return Vec::new() };
    let single = [
        ("per_principal", &limits.per_principal),
        ("per_address", &limits.per_address),
        ("per_credential", &limits.per_credential),
    ];
    let single = single.into_iter().filter_map(|(key, rate)| Some((root.key(key), rate.as_ref()?)));
    let tiers = limits.tiers.iter().map(|(name, rate)| (root.key("tiers").key(name), rate));
    let tools = limits.tools.iter().map(|(name, rate)| (root.key("tools").key(name), rate));
    single
        .chain(tiers)
        .chain(tools)
        .filter(|(_, rate)| is_never_tighter(rate, global))
        .map(|(path, _)| {
            let message =
                format!("`{path}` can never be reached: `limits.global` allows less to everybody");
            Problem::new(ErrorCode::LimitIdle, &path, message)
                .with_hint(Some("lower it, raise `limits.global`, or leave it out"))
        })
        .collect()
}

/// Room for calls of one server that is as large as that of the whole process.
fn wide_rooms(gateway: &GatewaySpec) -> Vec<Problem> {
    let Some(all) = &gateway.traffic.in_flight else { return Vec::new() };
    let root = Path::root();
    let usual = (root.key("traffic"), &gateway.traffic.defaults);
    let own = gateway
        .servers
        .iter()
        .map(|server| (root.key("servers").key(&server.name).key("traffic"), &server.traffic.own));
    let is_wide = |room: &Choice<Room>| matches!(room, Choice::On(room) if room.most >= all.most);
    std::iter::once(usual)
        .chain(own)
        .filter(|(_, said)| is_wide(&said.concurrency))
        .map(|(path, _)| {
            let path = path.key("concurrency").key("max");
            let message = format!(
                "`{path}` can never be reached: `traffic.max_in_flight` allows less to all servers"
            );
            Problem::new(ErrorCode::LimitIdle, &path, message)
                .with_hint(Some("lower it, raise `traffic.max_in_flight`, or leave it out"))
        })
        .collect()
}

/// Room for calls of some tools that is as large as that of their server.
fn wide_rooms_of_tools(gateway: &GatewaySpec) -> Vec<Problem> {
    let mut found = Vec::new();
    for server in &gateway.servers {
        let path = Path::root().key("servers").key(&server.name).key("traffic");
        let of_server = match server.traffic.own.concurrency {
            Choice::Unsaid => gateway.traffic.defaults.concurrency,
            said => said,
        };
        let Choice::On(whole) = of_server else { continue };
        for (pattern, said) in &server.traffic.tools {
            if !matches!(said.concurrency, Choice::On(room) if room.most >= whole.most) {
                continue;
            }
            let path = path.key("tools").key(pattern).key("concurrency").key("max");
            let message = format!("`{path}` can never be reached: its server has no more room");
            found.push(
                Problem::new(ErrorCode::LimitIdle, &path, message)
                    .with_hint(Some("lower it, give the server more room, or leave it out")),
            );
        }
    }
    found
}

/// Tells whether a limit lets at least as much through as another, at once and over time.
fn is_never_tighter(limit: &Rate, other: &Rate) -> bool {
    let at_once = |rate: &Rate| match rate.algorithm {
        Algorithm::TokenBucket => rate.burst,
        Algorithm::FixedWindow | Algorithm::SlidingWindow => rate.requests,
    };
    let over_time = |rate: &Rate, by: &Rate| u128::from(rate.requests) * by.per.as_nanos();
    at_once(limit) >= at_once(other) && over_time(limit, other) >= over_time(other, limit)
}

fn limits(raw: &raw::RateLimits, path: &Path, checker: &mut Checker<'_>) -> LimitsSpec {
    let mut one = |key: &str, raw: &Option<raw::Rate>| {
        raw.as_ref().and_then(|raw| rate(raw, &path.key(key), checker))
    };
    let (global, per_principal) =
        (one("global", &raw.global), one("per_principal", &raw.per_principal));
    let (per_address, per_credential) =
        (one("per_address", &raw.per_address), one("per_credential", &raw.per_credential));
    let tiers: BTreeMap<_, _> =
        rates(&raw.tiers, &path.key("tiers"), checker).into_iter().collect();
    for pattern in raw.tools.keys() {
        is_pattern(pattern, &path.key("tools").key(pattern), checker);
    }
    let tools = rates(&raw.tools, &path.key("tools"), checker);
    LimitsSpec { global, per_principal, per_address, per_credential, tiers, tools }
}

fn rates(
    raw: &IndexMap<String, raw::Rate>,
    path: &Path,
    checker: &mut Checker<'_>,
) -> Vec<(String, Rate)> {
    let one = |(name, raw): (&String, &raw::Rate)| {
        Some((name.clone(), rate(raw, &path.key(name), checker)?))
    };
    raw.iter().filter_map(one).collect()
}

/// Reads a rate that stands at `path`.
pub(crate) fn rate(raw: &raw::Rate, path: &Path, checker: &mut Checker<'_>) -> Option<Rate> {
    let per = checker.duration(&path.key("per"), &raw.per, (SHORTEST, MONTH));
    let Some(requests) = raw.requests else {
        checker.conflict(path, format!("`{path}` has no `requests`"), None);
        return None;
    };
    let algorithm = match raw.algorithm {
        raw::RateAlgorithm::TokenBucket => Algorithm::TokenBucket,
        raw::RateAlgorithm::FixedWindow => Algorithm::FixedWindow,
        raw::RateAlgorithm::SlidingWindow => Algorithm::SlidingWindow,
    };
    if raw.burst.is_some() && algorithm != Algorithm::TokenBucket {
        let at = path.key("burst");
        let message = format!("`{at}` is for `algorithm: token_bucket` alone");
        checker.conflict(&at, message, Some("leave it out: a window has no burst"));
    }
    Some(Rate { requests, per, burst: raw.burst.unwrap_or(requests), algorithm })
}

fn breaker(
    raw: Option<&raw::Breaker>,
    path: &Path,
    checker: &mut Checker<'_>,
) -> Choice<breaker::Settings> {
    let Some(raw) = raw else { return Choice::Unsaid };
    let path = path.key("breaker");
    let settings = breaker::Settings {
        failures: raw.failures,
        permille: permille(&raw.error_rate, &path.key("error_rate"), checker),
        window: checker.duration(&path.key("window"), &raw.window, (SECOND, DAY)),
        least: raw.least,
        open: checker.duration(&path.key("open"), &raw.open, (SHORTEST, DAY)),
        probes: raw.probes,
        successes: raw.successes,
    };
    if raw.enabled && settings.failures == 0 && settings.permille == 0 {
        let message = format!("`{path}` would never open: `failures` and `error_rate` are 0");
        checker.conflict(&path, message, Some("`enabled: false` is how to have none"));
    }
    chosen(raw.enabled, settings)
}

fn retry(raw: Option<&raw::Retry>, path: &Path, checker: &mut Checker<'_>) -> Choice<RetrySpec> {
    let Some(raw) = raw else { return Choice::Unsaid };
    let path = path.key("retry");
    let mut duration = |key: &str, text: &raw::DurationText| {
        checker.duration(&path.key(key), text, (Duration::ZERO, DAY))
    };
    let (backoff, most) =
        (duration("backoff", &raw.backoff), duration("max_backoff", &raw.max_backoff));
    let within = duration("within", &raw.within);
    let budget = permille(&raw.budget, &path.key("budget"), checker);
    let settings = retry::Settings {
        attempts: raw.attempts,
        backoff,
        factor_percent: raw.factor * 100,
        most,
        budget_permille: Some(budget),
        within,
    };
    let repeats = match raw.repeat {
        raw::Repeat::Safe => Repeats::Safe,
        raw::Repeat::Always => Repeats::Always,
    };
    chosen(raw.enabled, RetrySpec { settings, repeats })
}

fn room(raw: Option<&raw::Concurrency>, path: &Path, checker: &mut Checker<'_>) -> Choice<Room> {
    let Some(raw) = raw else { return Choice::Unsaid };
    let at = path.key("concurrency").key("wait");
    let wait = checker.duration(&at, &raw.wait, (Duration::ZERO, DAY));
    chosen(raw.enabled, Room { most: raw.max as usize, queue: raw.queue as usize, wait })
}

fn cache(raw: Option<&raw::Cache>, path: &Path, checker: &mut Checker<'_>) -> Choice<CacheSpec> {
    let Some(raw) = raw else { return Choice::Unsaid };
    let ttl =
        raw.ttl.as_ref().map(|ttl| checker.duration(&path.key("ttl"), ttl, (SHORTEST, MONTH)));
    let max_bytes = checker.size(&path.key("max_bytes"), &raw.max_bytes, (1, 1 << 30));
    let scope = match raw.scope {
        raw::CacheScope::Principal => CacheScope::Principal,
        raw::CacheScope::Public => CacheScope::Public,
    };
    chosen(raw.enabled, CacheSpec { ttl, scope, max_bytes })
}

fn chosen<T>(is_on: bool, how: T) -> Choice<T> {
    if is_on { Choice::On(how) } else { Choice::Off }
}

fn is_pattern(pattern: &str, path: &Path, checker: &mut Checker<'_>) {
    if !upstream::is_pattern(pattern) {
        checker.invalid(path, pattern, upstream::A_PATTERN);
    }
}

/// Reads a part as thousandths.
fn permille(text: &raw::RatioText, path: &Path, checker: &mut Checker<'_>) -> u32 {
    ratio(text, path, checker);
    // What was refused stands for nothing, since the whole configuration is.
    units::parse_thousandths(&text.0).unwrap_or_default()
}

#[cfg(test)]
mod tests;
