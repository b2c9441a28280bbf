//! The era of a child: cases 22 to 25 on stdio.

use std::time::Duration;

use serde_json::json;

use super::LEGACY;
use crate::{
    eras::{in_front_of, ready, status},
    support::{
        client::{Client, MODERN},
        scripted::stdio::StdioScript,
        wait::eventually,
    },
};

fn echo_on_stdio(revision: &str) -> StdioScript {
    let text = json!({ "content": [{ "type": "text", "text": "echoed by $start" }] });
    StdioScript::new(revision).tool("echo", json!({}), json!([{ "result": text }]))
}

/// *->L stdio: the child exits when it is probed.
#[tokio::test]
async fn case_22_a_child_that_exits_on_the_probe_is_started_once_more_and_is_legacy() {
    let script = echo_on_stdio(LEGACY).on("server/discover", json!([{ "exit": 1 }]));
    let gantry = in_front_of(script.server()).await;
    let state = ready(&gantry).await;
    assert_eq!(state["era"], "legacy", "{state}");
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    assert_eq!(client.call("up__echo", json!({})).await.text(), "echoed by 1");
    assert_eq!(script.starts(), 2, "{:?}", script.seen());
    assert_hears_initialize_first(&script, 1);
}

#[track_caller]
fn assert_hears_initialize_first(script: &StdioScript, start: u64) {
    let lines = script.seen();
    let first = lines.iter().find(|line| line.start == start);
    let first = first.unwrap_or_else(|| panic!("nothing was sent to child {start}: {lines:?}"));
    assert_eq!(first.message["method"], "initialize", "{lines:?}");
    let probes = lines.iter().filter(|line| line.message["method"] == "server/discover");
    assert!(probes.clone().all(|line| line.start == 0), "{lines:?}");
    assert_eq!(probes.count(), 1, "{lines:?}");
}

/// *->L stdio: the child says nothing to the probe, or answers when it is too late.
#[tokio::test]
async fn case_23_a_child_that_is_silent_is_replaced_and_its_late_answer_changes_nothing() {
    let discovered = json!({ "supportedVersions": [MODERN], "capabilities": { "tools": {} } });
    let late = json!([{ "delay_ms": 500 }, { "result": discovered }]);
    for steps in [json!([{ "silence": true }]), late] {
        let script = echo_on_stdio(LEGACY).on_start(0, "server/discover", steps);
        let mut server = script.server();
        server["probe_timeout"] = "300ms".into();
        let gantry = in_front_of(server).await;
        let state = ready(&gantry).await;
        assert_eq!(state["era"], "legacy", "{state}");
        // Past the time of the late answer.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let client = Client::modern(&gantry.url("/mcp"), json!({}));
        assert_eq!(client.call("up__echo", json!({})).await.text(), "echoed by 1");
        assert_eq!(status(&gantry, "up").await["era"], "legacy");
        assert_eq!(script.starts(), 2, "{:?}", script.seen());
        assert_hears_initialize_first(&script, 1);
    }
}

/// *->M stdio: the probe is answered with an error that says nothing, `initialize` with -32022.
#[tokio::test]
async fn case_24_a_child_that_refuses_the_fallback_as_too_old_is_probed_again() {
    let nothing = json!([{ "error": { "code": -32603, "message": "not yet" } }]);
    let script = echo_on_stdio(MODERN).once("server/discover", nothing);
    let gantry = in_front_of(script.server()).await;
    let state = ready(&gantry).await;
    assert_eq!(state["era"], "modern", "{state} {:?}", script.seen());
    assert_eq!(script.starts(), 1, "{:?}", script.seen());
}

/// *->L stdio: the child is replaced by one that is modern alone, and starts again.
#[tokio::test]
async fn case_25_a_child_that_was_upgraded_is_found_out_when_it_starts_again() {
    let die = |script: StdioScript| script.tool("die", json!({}), json!([{ "exit": 1 }]));
    let script = die(echo_on_stdio(LEGACY));
    let gantry = in_front_of(script.server()).await;
    assert_eq!(ready(&gantry).await["era"], "legacy");
    script.turn_into(&die(echo_on_stdio(MODERN)));
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let died = client.call("up__die", json!({})).await;
    assert_eq!(died.refusal(), (200, -32603), "{died:?}");
    eventually("the child is known to be modern", async || {
        (status(&gantry, "up").await["era"] == "modern").then_some(())
    })
    .await;
    assert!(client.call("up__echo", json!({})).await.text().starts_with("echoed by"));
}
