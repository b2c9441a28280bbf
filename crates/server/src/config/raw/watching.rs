//! `health` and `metrics`: how the gateway is watched, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

/// Figures for Prometheus.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// Serve `/metrics`, and with it `/actuator/prometheus` and `/actuator/metrics`. Since 0.1.
    pub enabled: bool,
    /// One more path at which `/metrics` is answered. Since 0.1.
    pub path: String,
    /// The address and port of a listener that shows the figures and nothing else, beside the main
    /// one. Beyond the loopback `auth.tokens` or `metrics.anonymous` is needed. Since 0.1.
    pub listen: Option<String>,
    /// Show the figures to everybody who reaches `metrics.listen`, without a token. Since 0.1.
    pub anonymous: bool,
}

/// Where `/health` is found.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Health {
    /// One more path at which `/health` is answered. Since 0.1.
    pub path: String,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { enabled: true, path: "/metrics".to_owned(), listen: None, anonymous: false }
    }
}

impl Default for Health {
    fn default() -> Self {
        Self { path: "/health".to_owned() }
    }
}
