//! `admin`: what the administrator may do over the network, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

/// What the administrator may do over the network.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Admin {
    /// Let the HTTP API make servers that are started by a `command`. Whoever has the admin token can
    /// then run any program as the gateway's user; without it, only servers with a `url` can be made.
    /// Since 0.1.
    pub allow_commands: bool,
}
