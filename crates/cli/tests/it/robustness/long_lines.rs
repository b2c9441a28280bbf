//! A child prints a line that is longer than it may be.

use std::time::Duration;

use serde_json::json;

use crate::{
    eras::{in_front_of, ready},
    support::{client::Client, scripted::stdio::StdioScript},
};

/// A server whose calls may take ten minutes, and whose lines may have 64 KiB.
fn patient(script: &StdioScript) -> serde_json::Value {
    let mut server = script.server();
    server["timeout"] = "10m".into();
    server["max_message"] = "64KiB".into();
    server
}

#[tokio::test]
async fn an_answer_that_is_too_long_ends_its_call_at_once_and_no_other() {
    let long = "x".repeat(100_000);
    let large = json!({ "content": [{ "type": "text", "text": long }] });
    let shouting = json!({ "method": "notifications/message", "params": { "data": long } });
    for revision in ["2025-11-25", "2026-07-28"] {
        let script = StdioScript::new(revision);
        let go = script.path("go");
        let fine = json!({ "content": [{ "type": "text", "text": "fine" }] });
        let script = script
            .tool("large", json!({}), json!([{ "result": large }]))
            .tool("shout", json!({}), json!([{ "notify": shouting }, { "result": fine }]))
            .tool("late", json!({}), json!([{ "wait_for_file": go }, { "result": fine }]));
        let gantry = in_front_of(patient(&script)).await;
        ready(&gantry).await;
        let client = Client::modern(&gantry.url("/mcp"), json!({}));
        let (late, ()) = tokio::join!(client.call("up__late", json!({})), async {
            script.wait_for("tools/call", 1).await;
            let failed = client.call("up__large", json!({})).await.message.to_string();
            assert!(failed.contains("65536"), "{revision}: {failed}");
            let shouted = client.call("up__shout", json!({})).await;
            assert_eq!(shouted.text(), "fine", "{revision}: only a notification was too long");
            std::fs::write(&go, "").unwrap();
        });
        assert_eq!(late.text(), "fine", "{revision}");
    }
}

#[tokio::test]
async fn a_long_line_that_names_no_call_ends_the_only_one_there_is() {
    let script = StdioScript::new("2025-11-25");
    let go = script.path("go");
    let fine = json!({ "content": [{ "type": "text", "text": "fine" }] });
    let script = script
        .tool("babble", json!({}), json!([{ "raw": "x".repeat(100_000) }, { "silence": true }]))
        .tool("late", json!({}), json!([{ "wait_for_file": go }, { "result": fine }]));
    let gantry = in_front_of(patient(&script)).await;
    ready(&gantry).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let failed = client.call("up__babble", json!({})).await;
    let code = &failed.message["error"]["data"]["code"];
    assert_eq!(code, "E0208", "{failed:?}");

    // With another call open nobody can tell whose line it was.
    let (late, ()) = tokio::join!(client.call("up__late", json!({})), async {
        script.wait_for("tools/call", 2).await;
        let babble = client.call("up__babble", json!({}));
        let babble = tokio::time::timeout(Duration::from_secs(1), babble).await;
        assert!(babble.is_err(), "nothing is guessed: {babble:?}");
        assert_eq!(script.seen_of("tools/call").len(), 3);
        std::fs::write(&go, "").unwrap();
    });
    assert_eq!(late.text(), "fine");
}
