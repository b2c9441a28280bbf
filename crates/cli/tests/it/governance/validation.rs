//! Arguments that a tool does not take, told to the model before its server is asked.

use serde_json::{Value, json};

use super::traffic::{gateway, modern};
use crate::support::client::Client;
use crate::support::scripted::{Answer, Script, Scripted};

fn adder(script: Script, kind: &str) -> Script {
    let schema = json!({
        "type": "object", "properties": { "n": { "type": kind } }, "required": ["n"],
    });
    script.tool("add", json!({ "inputSchema": schema }), |_| Answer::text("added"))
}

#[tokio::test]
async fn what_does_not_fit_is_told_in_both_eras_and_reaches_no_server() {
    let upstream = adder(Scripted::dual(), "integer").start().await;
    let server = json!({ "validate_arguments": true });
    let gantry = gateway(&upstream, server, json!({})).await;
    let legacy = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    for client in [modern(&gantry), legacy] {
        let refused = client.call("up__add", json!({ "n": "one" })).await;
        assert!(refused.is_error(), "{refused:?}");
        assert!(
            refused.text().contains("`/n`") && refused.text().contains("integer"),
            "{refused:?}"
        );
        assert!(client.call("up__add", json!({})).await.is_error());
        assert_eq!(client.call("up__add", json!({ "n": 1 })).await.text(), "added");
    }
    assert_eq!(upstream.seen_of("tools/call").len(), 2);
}

#[tokio::test]
async fn a_changed_schema_counts_from_then_on() {
    let upstream = adder(Scripted::legacy("2025-11-25"), "integer").start().await;
    let gantry = gateway(&upstream, json!({ "validate_arguments": true }), json!({})).await;
    let client = modern(&gantry);
    assert!(client.call("up__add", json!({ "n": "one" })).await.is_error());
    upstream.change(|script| adder(script, "string"));
    upstream.push("notifications/tools/list_changed", json!({})).await;
    crate::support::wait::eventually("the new schema counts", async || {
        let reply = client.call("up__add", json!({ "n": "one" })).await;
        (reply.result()["isError"] != Value::Bool(true)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn servers_get_what_came_where_nobody_wants_it() {
    let upstream = adder(Scripted::modern(), "integer").start().await;
    let gantry = gateway(&upstream, json!({}), json!({})).await;
    assert_eq!(modern(&gantry).call("up__add", json!({ "n": "one" })).await.text(), "added");
}
