//! `log` and `tracing`: what is told of the gateway's work, as it is written.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{DurationText, LogFormat, LogLevel, RatioText, SizeText};

/// The log, written to standard error and, if wanted, to files.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// The least important messages that are written. Since 0.1.
    pub level: LogLevel,
    /// The same for parts of the gateway, by the beginning of their name: `gantry_gateway: debug`.
    /// `gantry_gateway::requests` has a line for each request to a server. Since 0.1.
    pub levels: IndexMap<String, LogLevel>,
    /// How a line looks. Since 0.1.
    pub format: LogFormat,
    /// A file that has every line as well; its folder is made. A relative path begins at the folder
    /// of this file. Written by `gantry serve` alone. Since 0.1.
    pub file: Option<String>,
    /// A file that has the errors alone. Since 0.1.
    pub error_file: Option<String>,
    /// When a file is begun anew, and how long old ones are kept. Since 0.1.
    pub rotation: Rotation,
}

/// When a file of the log is begun anew, and how long old ones are kept.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rotation {
    /// A file that would become larger is named `FILE.1`, and a new one is begun. Since 0.1.
    pub max_size: SizeText,
    /// The most old files that are kept beside each file. Since 0.1.
    #[schemars(range(min = 0, max = 1000))]
    pub max_files: u16,
    /// Old files without a younger line are removed; with it, a file is begun anew each day, or
    /// sooner if this is shorter. Since 0.1.
    pub max_age: Option<DurationText>,
    /// The most that a file and its old ones may have together; the oldest go. Since 0.1.
    pub total_size: Option<SizeText>,
}

/// Traces of requests, for a collector.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tracing {
    /// Where spans are sent, by OTLP over HTTP. Nothing is recorded without `endpoint`. Since 0.1.
    pub otlp: Otlp,
}

/// Where spans are sent.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Otlp {
    /// The collector, such as `http://127.0.0.1:4318`; `/v1/traces` is put behind it. Since 0.1.
    pub endpoint: Option<String>,
    /// Headers to send along, such as an authorization. Since 0.1.
    pub headers: IndexMap<String, String>,
    /// The part of the requests that is recorded, where the client does not say: from 0 to 1.
    /// Since 0.1.
    pub sample_ratio: RatioText,
    /// How the gateway is called in traces, and in the lines of the log as `service`. Since 0.1.
    pub service_name: String,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: LogLevel::Info,
            levels: IndexMap::new(),
            format: LogFormat::Text,
            file: None,
            error_file: None,
            rotation: Rotation::default(),
        }
    }
}

impl Default for Rotation {
    fn default() -> Self {
        Self { max_size: SizeText::from("10MiB"), max_files: 10, max_age: None, total_size: None }
    }
}

impl Default for Otlp {
    fn default() -> Self {
        Self {
            endpoint: None,
            headers: IndexMap::new(),
            sample_ratio: RatioText::from("1"),
            service_name: "mcp-server".to_owned(),
        }
    }
}

impl std::fmt::Debug for Otlp {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Otlp").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
