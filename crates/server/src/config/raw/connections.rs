//! What goes on between a client's socket and its requests, as it is written: `server.connections`
//! and `server.compression`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{DurationText, Rate, SizeText};

/// How many connections there may be, and how long each is kept.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Connections {
    /// The most connections of `server.listen`, and of `server.https`, that are open at a time. One
    /// more is answered with 503. Since 0.1.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max: u32,
    /// The most of them from one address, or from one network of 64 bits of IPv6. Those of
    /// `server.trusted_proxies` are not counted. Since 0.1.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub per_address: Option<u32>,
    /// How many may be opened in which time from one such address. Since 0.1.
    pub rate: Option<Rate>,
    /// How long a connection may wait for the head of its next request; as long as
    /// `server.limits.request_timeout` when it is absent. A client's own time-out should be shorter.
    /// Since 0.1.
    pub keep_alive: Option<DurationText>,
    /// After how many requests a connection is closed, so that clients spread anew over the instances
    /// behind a load balancer; never when it is absent. Since 0.1.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub max_requests: Option<u32>,
}

/// Answers that are made smaller, by gzip, for clients that take it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Compression {
    /// Whether any are. Since 0.1.
    pub enabled: bool,
    /// Smaller answers are sent as they are. Since 0.1.
    pub minimum: SizeText,
    /// How hard to try, from 1 to 9. Since 0.1.
    #[schemars(range(min = 1, max = 9))]
    pub level: u32,
    /// Which types of content; event streams are never made smaller. Since 0.1.
    pub types: Vec<String>,
    /// Whether answers to requests with a credential are, too. The size of an answer that holds a
    /// secret beside words of somebody else's tells of the secret. Since 0.1.
    pub with_credentials: bool,
}

impl Default for Connections {
    fn default() -> Self {
        Self { max: 10_000, per_address: None, rate: None, keep_alive: None, max_requests: None }
    }
}

impl Default for Compression {
    fn default() -> Self {
        let types = [
            "application/json",
            "application/openmetrics-text",
            "application/vnd.spring-boot.actuator.v3+json",
            "text/html",
            "text/plain",
        ];
        Self {
            enabled: false,
            minimum: SizeText::from("1KiB"),
            level: 6,
            types: types.map(str::to_owned).into(),
            with_credentials: false,
        }
    }
}
