//! The audit trail of a running gateway: what is in it, by which door whatever came, and what becomes
//! of it when something fails or is killed.

mod beside;
mod commands;
mod doors;
mod failing;
mod killed;
mod outage;
mod told;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{
    gantry::Gantry,
    scripted::{Answer, Script, Scripted},
    wait::eventually,
};

/// A configuration with a trail in a file, and more members of `audit`.
fn config(server: Value, audit: Value) -> Value {
    let mut config = json!({
        "servers": { "up": server },
        "audit": { "file": "audit/trail.log" },
    });
    for (name, value) in audit.as_object().into_iter().flatten() {
        config["audit"][name] = value.clone();
    }
    config
}

/// An upstream whose tool `good` succeeds and whose tool `bad` does not.
fn script() -> Script {
    Scripted::modern()
        .tool("good", json!({}), |_| Answer::text("fine"))
        .tool("bad", json!({}), |_| {
            let content = json!([{ "type": "text", "text": "no" }]);
            Answer::Result(json!({ "content": content, "isError": true }))
        })
        .tool("hang", json!({}), |_| Answer::Hang)
        .resource("test://a", json!({}), |_| Answer::Result(json!({ "contents": [] })))
        .prompt("ask", json!({}), |_| Answer::Result(json!({ "messages": [] })))
}

/// Where the trail of a gateway is.
fn trail(gantry: &Gantry) -> PathBuf {
    let config = gantry.config();
    config.parent().expect("a file is in a folder").join("audit/trail.log")
}

/// The entries in a file; the last line may be incomplete.
fn read(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let parse =
        |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    whole.lines().map(parse).collect()
}

/// The entries of a gateway.
fn entries(gantry: &Gantry) -> Vec<Value> {
    read(&trail(gantry))
}

/// Waits until so many entries fit, and returns them.
async fn until(gantry: &Gantry, n: usize, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
    eventually(&format!("{n} entries"), async || {
        let found: Vec<_> = entries(gantry).into_iter().filter(|entry| fits(entry)).collect();
        (found.len() >= n).then_some(found)
    })
    .await
}

/// Checks that a trail is whole, by the command.
async fn is_whole(gantry: &Gantry) {
    let verified = gantry.run(&["audit", "verify"]).await;
    assert!(verified.status.success(), "{verified}");
}

fn is_event(entry: &Value, event: &str) -> bool {
    entry["event_type"] == event
}
