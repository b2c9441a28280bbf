//! The configuration as it is written: the shape of `gantry.yaml`, its defaults and its words.
//!
//! These types are where the JSON Schema, the reference page and the defaults come from; nothing
//! reads them but [`Config`](super::Config), which checks them and turns them into values.
//! Everything may be left out, so that a missing part is told apart from a wrong one later, with a
//! better message. What durations, sizes and patterns mean is checked there too.

mod access;
mod admin;
mod audit;
mod browsers;
mod connections;
mod declared;
mod doors;
mod hooks;
mod identity;
mod listener;
mod log;
mod rules;
mod service_ports;
mod services;
mod sessions;
mod storage;
mod streaming;
mod traffic;
mod upstream;
mod watching;
mod words;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

pub use access::{ApiKey, Auth, Token};
pub use admin::Admin;
pub use audit::{Audit, AuditArguments, AuditFull, AuditRotation, AuditSync};
pub use browsers::{Cors, SecurityHeaders};
pub use connections::{Compression, Connections};
pub use declared::{Argument, Prompt, Resource, Role, Utterance};
pub use doors::{Https, Management, TlsVersion};
pub use hooks::{Hook, HookFailure, Hooks, Webhook};
pub use identity::{Jwt, OAuth};
pub use listener::{Limits, Server};
pub use log::{Log, Otlp, Rotation, Tracing};
pub use rules::{Access, AccessDefault, Approval, DestructiveMode, Rule, RuleEffect};
pub use service_ports::Embeddings;
pub use services::Services;
pub use sessions::{SessionStoreKind, Sessions, Streams};
pub use storage::{Storage, StoragePool};
pub use streaming::{StreamSource, Streaming};
pub use traffic::{
    Breaker, Cache, CacheScope, Concurrency, Rate, RateAlgorithm, RateLimits, Repeat, Retry,
    ServerTraffic, ToolTraffic, Traffic,
};
pub use upstream::{EraMode, SessionMode, ToolWords, Tools, TransportMode, Upstream, UpstreamKind};
pub use watching::{Health, Metrics};
pub use words::{DurationText, LogFormat, LogLevel, NameText, PatternText, RatioText, SizeText};

/// The configuration of a Gantry gateway.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Gantry configuration")]
pub struct Config {
    /// The gateway's own door: where it listens, whom it answers, and its limits. Since 0.1.
    pub server: Server,
    /// The upstream servers by name, in the order in which they are asked for resources. A name is
    /// 1 to 32 of `a-z`, `0-9`, `_` and `-`, without `__`; `gantry`, `declared` and the names of the
    /// built-in services are reserved. Since 0.1.
    pub servers: IndexMap<String, Upstream>,
    /// More files with servers, or folders of such files; a relative path begins at this file's
    /// folder. They are watched like this file. A file may be one of Gantry with `servers` alone, or
    /// one of another system. Since 0.1.
    pub servers_from: Vec<String>,
    /// Filtered sets of tools, each served at `/mcp/NAME`: a list of patterns of public tool names,
    /// such as `git__*`. Views and servers share one namespace. Since 0.1.
    pub views: IndexMap<String, Vec<PatternText>>,
    /// Prompts that need no server, by name; they are offered as those of a server `declared`.
    /// Since 0.1.
    pub prompts: IndexMap<String, Prompt>,
    /// Texts that need no server, by URI; they are offered as those of a server `declared`.
    /// Since 0.1.
    pub resources: IndexMap<String, Resource>,
    /// The built-in services. Since 0.1.
    pub services: Services,
    /// How public names are made. Since 0.1.
    pub names: Names,
    /// How the gateway behaves while its upstreams come up. Since 0.1.
    pub startup: Startup,
    /// What `/ready` depends on. Since 0.1.
    pub ready: Ready,
    /// How long a client may keep a list before it asks again; `0s` forbids keeping. Since 0.1.
    pub list_ttl: DurationText,
    /// The log. Since 0.1.
    pub log: Log,
    /// Traces of requests, for a collector. Since 0.1.
    pub tracing: Tracing,
    /// The audit trail. Since 0.1.
    pub audit: Audit,
    /// Who may use the gateway. Since 0.1.
    pub auth: Auth,
    /// Who may do what. Since 0.1.
    pub access: Access,
    /// What looks at calls of tools and at their results. Since 0.1.
    pub hooks: Hooks,
    /// What the administrator may do over the network. Since 0.1.
    pub admin: Admin,
    /// How many requests may come in which time. Since 0.1.
    pub limits: RateLimits,
    /// How calls are made, and what is kept of their answers. Since 0.1.
    pub traffic: Traffic,
    /// Figures for Prometheus at `/metrics`. Since 0.1.
    pub metrics: Metrics,
    /// Where `/health` is found. Since 0.1.
    pub health: Health,
    /// Where what outlives the process is kept. Since 0.1.
    pub storage: Storage,
    /// The sessions of legacy clients. Since 0.1.
    pub sessions: Sessions,
    /// What is kept of event streams, so that they can be resumed. Since 0.1.
    pub streams: Streams,
    /// Serve the transport of revision 2024-11-05, HTTP+SSE, at `/sse` and `/messages`. Since 0.1.
    pub legacy_sse: bool,
    /// Offer the built-in tools about the gateway itself on `/mcp`, as the server `gantry`.
    /// Since 0.1.
    pub builtin: bool,
}

/// How public names are made.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Names {
    /// The most characters of a public name. Longer ones are cut and end in a short hash; lower it
    /// for clients that put a prefix of their own before every name. Since 0.1.
    #[schemars(range(min = 24, max = 128))]
    pub max: u16,
}

/// How the gateway behaves while its upstreams come up.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Startup {
    /// The longest that the first list waits for upstreams that have never been seen. Since 0.1.
    pub first_offer_wait: DurationText,
}

/// What `/ready` depends on.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ready {
    /// The servers without which the gateway is not ready. Since 0.1.
    pub require: Vec<NameText>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            server: Server::default(),
            servers: IndexMap::new(),
            servers_from: Vec::new(),
            views: IndexMap::new(),
            prompts: IndexMap::new(),
            resources: IndexMap::new(),
            services: Services::default(),
            names: Names::default(),
            startup: Startup::default(),
            ready: Ready::default(),
            list_ttl: DurationText::from("60s"),
            log: Log::default(),
            tracing: Tracing::default(),
            audit: Audit::default(),
            auth: Auth::default(),
            access: Access::default(),
            hooks: Hooks::default(),
            admin: Admin::default(),
            limits: RateLimits::default(),
            traffic: Traffic::default(),
            metrics: Metrics::default(),
            health: Health::default(),
            storage: Storage::default(),
            sessions: Sessions::default(),
            streams: Streams::default(),
            legacy_sse: true,
            builtin: true,
        }
    }
}

impl Default for Names {
    fn default() -> Self {
        Self { max: 64 }
    }
}

impl Default for Startup {
    fn default() -> Self {
        Self { first_offer_wait: DurationText::from("2s") }
    }
}
