//! `services.streaming`: resources that can be subscribed to, as they are written.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::DurationText;

/// What clients of the service `resource_streaming` can subscribe to beside its own resources.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Streaming {
    /// How often a session hears that its subscriptions live. Since 0.1.
    pub heartbeat: DurationText,
    /// Files, URLs and figures of the gateway, by name; each is the resource `stream://NAME`. Whoever
    /// may use the service may read them. A name is one like that of a server. Since 0.1.
    pub sources: IndexMap<String, StreamSource>,
}

/// Something that is looked at while somebody is subscribed to it: a `file`, a `url` or a `metric`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StreamSource {
    /// A file of 1 MiB at most; a relative path begins at the folder of this file. Since 0.1.
    pub file: Option<String>,
    /// Something that a GET answers with 1 MiB at most. Redirects are not followed. Since 0.1.
    pub url: Option<String>,
    /// The name of a figure of `/metrics`. Since 0.1.
    pub metric: Option<String>,
    /// Whether a name in `url` may stand for an address that is not public. An address in its place,
    /// and `localhost`, always may. Since 0.1.
    pub private: bool,
    /// The time between two looks: 2s, for a `url` 30s. Since 0.1.
    pub interval: Option<DurationText>,
}

impl Default for Streaming {
    fn default() -> Self {
        Self { heartbeat: DurationText::from("30s"), sources: IndexMap::new() }
    }
}
