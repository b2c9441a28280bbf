//! How widely a session with a legacy upstream is shared, and what narrows that: the table "Shared
//! lane or own lane" of `docs/eras.md`. Also the level at which an upstream logs on a lane.

mod learning;
mod levels;
mod resuming;

use serde_json::json;

use crate::support::scripted::{Answer, Script};

const LEGACY: &str = "2025-11-25";

/// A tool that tells the session it is called in.
fn who(script: Script) -> Script {
    script.tool("who", json!({}), |seen| Answer::text(seen.session().unwrap_or("nobody")))
}
