//! What is configured of traffic: plain data, validated by whoever made it.

use std::collections::BTreeMap;
use std::time::Duration;

use gantry_policy::rate::Rate;
use gantry_policy::{breaker, retry};

/// Everything that concerns no server alone, and what holds for those that say nothing themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrafficSpec {
    /// How much may come in.
    pub limits: LimitsSpec,
    /// How many calls may be under way in the whole process.
    pub in_flight: Option<Room>,
    /// Bytes of all kept answers together.
    pub cache_bytes: usize,
    /// How long an answer is kept where its tool says no time.
    pub cache_ttl: Duration,
    /// Whether answers are kept that their server lets be kept (`ttlMs`, `cacheScope`).
    pub use_hints: bool,
    /// What holds for servers that say nothing themselves.
    pub defaults: CallSpec,
}

/// How much may come in, by whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitsSpec {
    /// From everybody together.
    pub global: Option<Rate>,
    /// From each principal.
    pub per_principal: Option<Rate>,
    /// From each address; from each network of 64 bits where it is IPv6.
    pub per_address: Option<Rate>,
    /// With each credential.
    pub per_credential: Option<Rate>,
    /// With each credential of a tier, instead of `per_credential`.
    pub tiers: BTreeMap<String, Rate>,
    /// For tools, by pattern of `SERVER__TOOL`, from everybody together.
    pub tools: Vec<(String, Rate)>,
}

/// What is said of the traffic with one server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerSpec {
    /// For every call.
    pub own: CallSpec,
    /// For calls of tools, by pattern of the server's own names; the first that fits holds.
    pub tools: Vec<(String, CallSpec)>,
}

/// What is said of calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallSpec {
    /// When a failing server is left alone.
    pub breaker: Choice<breaker::Settings>,
    /// What is sent again.
    pub retry: Choice<RetrySpec>,
    /// How many may be under way.
    pub concurrency: Choice<Room>,
    /// How long the server may be silent, instead of its own `timeout`.
    pub timeout: Option<Duration>,
    /// Whether answers are kept; for tools alone.
    pub cache: Choice<CacheSpec>,
}

/// What is said of one thing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Choice<T> {
    /// Nothing, so that the more general word holds.
    #[default]
    Unsaid,
    /// That it is not wanted.
    Off,
    /// How it is wanted.
    On(T),
}

/// What is sent again, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetrySpec {
    /// How often and when.
    pub settings: retry::Settings,
    /// What.
    pub repeats: Repeats,
}

/// What may be sent again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Repeats {
    /// What surely was not carried out, and what a trusted server says may be carried out twice.
    #[default]
    Safe,
    /// Everything: the configuration says that it may be carried out twice.
    Always,
}

/// How many calls there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Under way at once.
    pub most: usize,
    /// Waiting for others to end.
    pub queue: usize,
    /// The longest wait.
    pub wait: Duration,
}

/// How an answer is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheSpec {
    /// How long; as long as [`TrafficSpec::cache_ttl`] says where it is not said.
    pub ttl: Option<Duration>,
    /// For whom.
    pub scope: CacheScope,
    /// The largest that is kept, bytes.
    pub max_bytes: usize,
}

/// For whom an answer is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CacheScope {
    /// For the principal that asked.
    #[default]
    Principal,
    /// For everybody who may ask.
    Public,
}

impl Default for TrafficSpec {
    fn default() -> Self {
        Self {
            limits: LimitsSpec::default(),
            in_flight: None,
            cache_bytes: 64 << 20,
            cache_ttl: Duration::from_mins(5),
            use_hints: true,
            defaults: CallSpec::default(),
        }
    }
}

impl<T> Choice<T> {
    /// Returns what holds where `more_general` is said of the wider circle.
    pub fn or<'a>(&'a self, more_general: &'a Self) -> Option<&'a T> {
        match (self, more_general) {
            (Self::On(own), _) => Some(own),
            (Self::Unsaid, Self::On(general)) => Some(general),
            (Self::Off | Self::Unsaid, _) => None,
        }
    }

    /// Returns what is said, falling back on the wider circle where nothing is.
    #[must_use]
    pub fn over(self, more_general: Self) -> Self {
        match self {
            Self::Unsaid => more_general,
            said => said,
        }
    }
}

impl LimitsSpec {
    /// Tells whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
