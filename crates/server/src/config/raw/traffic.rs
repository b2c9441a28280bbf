//! `limits`, `traffic`, `servers.NAME.traffic`: how much may pass and how servers are asked, as it is
//! written.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DurationText, RatioText, SizeText};

/// How many requests may come in which time. Whoever comes too early is told when to come again.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimits {
    /// From everybody together. Since 0.1.
    pub global: Option<Rate>,
    /// From each principal. Since 0.1.
    pub per_principal: Option<Rate>,
    /// From each address; an IPv6 network of 64 bits is one address. Since 0.1.
    pub per_address: Option<Rate>,
    /// With each credential that has a name: an API key, a token. Since 0.1.
    pub per_credential: Option<Rate>,
    /// With each credential of a tier, by the tier's name; instead of `per_credential`. Since 0.1.
    pub tiers: IndexMap<String, Rate>,
    /// For calls of tools, by pattern of `SERVER__TOOL`, from everybody together. Every pattern that
    /// fits counts. Since 0.1.
    pub tools: IndexMap<String, Rate>,
}

/// A number of requests in a time.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rate {
    /// How many. Required. Since 0.1.
    #[schemars(range(min = 1, max = 16_777_215))]
    pub requests: Option<u32>,
    /// In which time. Since 0.1.
    pub per: DurationText,
    /// How many may come at once, for `token_bucket`; as many as `requests` when it is absent.
    /// Since 0.1.
    #[schemars(range(min = 1, max = 16_777_215))]
    pub burst: Option<u32>,
    /// How they are counted. Since 0.1.
    pub algorithm: RateAlgorithm,
}

/// How requests are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RateAlgorithm {
    /// A bucket of `burst` that fills evenly.
    #[default]
    TokenBucket,
    /// A count from the first request on, which begins anew when the time is over.
    FixedWindow,
    /// A count of the last time, whenever it is looked: without a moment at which twice as many may
    /// come.
    SlidingWindow,
}

/// How calls are made, and what is kept of their answers.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Traffic {
    /// The most calls under way with all servers together; no limit when it is absent. Since 0.1.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_in_flight: Option<u32>,
    /// The most calls that wait for others to end. Since 0.1.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub max_waiting: u32,
    /// The longest that a call waits for others to end. Since 0.1.
    pub max_wait: DurationText,
    /// The most bytes of all kept answers together. Since 0.1.
    pub cache_size: SizeText,
    /// How long an answer is kept whose `cache` names no time. Since 0.1.
    pub cache_ttl: DurationText,
    /// Keep resources as long as their server allows it (`ttlMs`, `cacheScope`). Since 0.1.
    pub use_hints: bool,
    /// The circuit breaker of every server that says nothing of its own; none when it is absent.
    /// Since 0.1.
    pub breaker: Option<Breaker>,
    /// What is sent again, for every server that says nothing of its own. Since 0.1.
    pub retry: Option<Retry>,
    /// The room of every server that says nothing of its own; no limit when it is absent. Since 0.1.
    pub concurrency: Option<Concurrency>,
}

/// How one server is asked; what is absent here is as in `traffic`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServerTraffic {
    /// When the server is left alone because it fails. Since 0.1.
    pub breaker: Option<Breaker>,
    /// What is sent again. Since 0.1.
    pub retry: Option<Retry>,
    /// How many calls may be under way with it. Since 0.1.
    pub concurrency: Option<Concurrency>,
    /// How its tools are called, by pattern of its own names; the first that fits holds. Since 0.1.
    pub tools: IndexMap<String, ToolTraffic>,
}

/// How tools are called; what is absent here is as for the whole server.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ToolTraffic {
    /// The longest that the server may be silent during a call, instead of its own `timeout`.
    /// Since 0.1.
    pub timeout: Option<DurationText>,
    /// Keep answers; none is kept when it is absent. Since 0.1.
    pub cache: Option<Cache>,
    /// A circuit breaker for these tools alone, instead of the server's. Since 0.1.
    pub breaker: Option<Breaker>,
    /// What is sent again. Since 0.1.
    pub retry: Option<Retry>,
    /// How many calls of these tools may be under way, within what is allowed for the server.
    /// Since 0.1.
    pub concurrency: Option<Concurrency>,
}

/// When a server that fails is left alone. A failure is a call that was not answered: the server
/// could not be reached, was lost, or was silent for too long. A tool that says that it failed is an
/// answer.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Breaker {
    /// Have one at all. Since 0.1.
    pub enabled: bool,
    /// So many failures in a row open it; 0 for never. Since 0.1.
    #[schemars(range(min = 0, max = 10_000))]
    pub failures: u32,
    /// Such a part of the calls within `window` that failed opens it; 0 for never. Since 0.1.
    pub error_rate: RatioText,
    /// The time over which `error_rate` is counted. Since 0.1.
    pub window: DurationText,
    /// The calls that `window` must hold before `error_rate` means anything. Since 0.1.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub least: u32,
    /// How long it stays open before a call may try again; up to a fifth more by chance. Since 0.1.
    pub open: DurationText,
    /// How many calls may try at once. Since 0.1.
    #[schemars(range(min = 1, max = 1000))]
    pub probes: u32,
    /// So many tries in a row must succeed until it closes. Since 0.1.
    #[schemars(range(min = 1, max = 1000))]
    pub successes: u32,
}

/// What is sent again, and when. Nothing is once the client heard anything of the call: progress, a
/// log message, a question.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// Send anything again. Since 0.1.
    pub enabled: bool,
    /// How often a call is sent at most, the first time included. Since 0.1.
    #[schemars(range(min = 1, max = 10))]
    pub attempts: u32,
    /// The pause before the second time; up to a half less by chance. Since 0.1.
    pub backoff: DurationText,
    /// How much longer each pause is than the one before. Since 0.1.
    #[schemars(range(min = 1, max = 10))]
    pub factor: u32,
    /// The longest pause. Since 0.1.
    pub max_backoff: DurationText,
    /// The most repetitions, as a part of all calls. Since 0.1.
    pub budget: RatioText,
    /// Nothing is sent again later than this after the first time. Since 0.1.
    pub within: DurationText,
    /// What is sent again. Since 0.1.
    pub repeat: Repeat,
}

/// What is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Repeat {
    /// What surely was not carried out; and, of a server with `trust_annotations`, what only reads
    /// and tools that say that they are read-only or idempotent.
    #[default]
    Safe,
    /// Everything that failed for want of an answer: it may then be carried out twice.
    Always,
}

/// How many calls may be under way at once.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Concurrency {
    /// Limit them at all. Since 0.1.
    pub enabled: bool,
    /// How many. Since 0.1.
    #[schemars(range(min = 1, max = 100_000))]
    pub max: u32,
    /// How many more may wait for others to end. Since 0.1.
    #[schemars(range(min = 0, max = 100_000))]
    pub queue: u32,
    /// The longest wait. Since 0.1.
    pub wait: DurationText,
}

/// How answers of a tool are kept. An error is never kept, nor a question.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cache {
    /// Keep them at all. Since 0.1.
    pub enabled: bool,
    /// How long; `traffic.cache_ttl` when it is absent. Since 0.1.
    pub ttl: Option<DurationText>,
    /// For whom. Since 0.1.
    pub scope: CacheScope,
    /// The largest answer that is kept. Since 0.1.
    pub max_bytes: SizeText,
}

/// For whom an answer is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CacheScope {
    /// For the principal that asked.
    #[default]
    Principal,
    /// For everybody who may call the tool.
    Public,
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            requests: None,
            per: DurationText::from("1m"),
            burst: None,
            algorithm: RateAlgorithm::TokenBucket,
        }
    }
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            max_in_flight: None,
            max_waiting: 100,
            max_wait: DurationText::from("200ms"),
            cache_size: SizeText::from("64MiB"),
            cache_ttl: DurationText::from("5m"),
            use_hints: true,
            breaker: None,
            retry: None,
            concurrency: None,
        }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            enabled: true,
            failures: 5,
            error_rate: RatioText::from("0"),
            window: DurationText::from("30s"),
            least: 20,
            open: DurationText::from("30s"),
            probes: 1,
            successes: 3,
        }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            enabled: true,
            attempts: 3,
            backoff: DurationText::from("100ms"),
            factor: 2,
            max_backoff: DurationText::from("5s"),
            budget: RatioText::from("0.2"),
            within: DurationText::from("60s"),
            repeat: Repeat::Safe,
        }
    }
}

impl Default for Concurrency {
    fn default() -> Self {
        Self { enabled: true, max: 100, queue: 100, wait: DurationText::from("5s") }
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            enabled: true,
            ttl: None,
            scope: CacheScope::Principal,
            max_bytes: SizeText::from("1MiB"),
        }
    }
}
