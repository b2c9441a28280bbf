//! How a client takes a request back: cases 59 and 61.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    super::{in_front_of, ready},
    start,
};
use crate::support::{
    client::Client,
    scripted::{Answer, End, Script, Scripted, stdio::StdioScript},
};

/// A server whose tool `t` tells progress, if it is wanted, and never ends.
fn endless(script: Script) -> Script {
    script.tool("t", json!({}), |_| {
        Answer::talk(async |talk| {
            talk.progress(0.5).await;
            Answer::Hang
        })
    })
}

/// The same as a program.
fn endless_program(revision: &str) -> StdioScript {
    let steps = json!([{ "progress": 0.5 }, { "silence": true }]);
    StdioScript::new(revision).tool("t", json!({}), steps)
}

/// M->L: a client closes the stream of its call, over HTTP.
#[tokio::test]
async fn case_59_a_closed_stream_cancels_the_call_upstream() {
    let upstream = endless(Scripted::legacy("2025-11-25")).start().await;
    let gantry = in_front_of(upstream.server()).await;
    ready(&gantry).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let mut open = start(&client, &json!("p")).await;
    assert_eq!(open.next_message().await["method"], "notifications/progress");
    drop(open);
    let cancelled = upstream.wait_for("notifications/cancelled", 1).await;
    let call = upstream.seen_of("tools/call").remove(0);
    assert_eq!(cancelled[0].params()["requestId"], *call.id(), "{cancelled:?}");
    assert_eq!(cancelled[0].session(), call.session(), "{cancelled:?}");

    // Also when not even the head of the answer has come.
    upstream.forget();
    let silent = client.call("up__t", json!({}));
    let seen = async { upstream.wait_for("tools/call", 1).await.remove(0) };
    let call = tokio::select! {
        _ = silent => panic!("the call has no answer"),
        call = seen => call,
    };
    let cancelled = upstream.wait_for("notifications/cancelled", 1).await;
    assert_eq!(cancelled[0].params()["requestId"], *call.id(), "{cancelled:?}");
}

/// M->L: the same, on the pipe of a program.
#[tokio::test]
async fn case_59_a_closed_stream_cancels_the_call_of_a_program() {
    let script = endless_program("2025-11-25");
    let gantry = in_front_of(script.server()).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let mut open = start(&client, &json!(5)).await;
    assert_eq!(open.next_message().await["params"]["progressToken"], 5);
    drop(open);
    let cancelled = script.wait_for("notifications/cancelled", 1).await;
    let call = script.seen_of("tools/call").remove(0);
    assert_eq!(cancelled[0].message["params"]["requestId"], call.message["id"]);
    assert_eq!(script.starts(), 1);
}

/// L->M: a client cancels its call, over HTTP.
#[tokio::test]
async fn case_61_an_explicit_cancel_closes_the_stream_upstream() {
    let upstream = endless(Scripted::modern()).start().await;
    let gantry = in_front_of(upstream.server()).await;
    ready(&gantry).await;
    let client = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    for id in [json!(77), json!("77")] {
        upstream.forget();
        let params = json!({ "name": "up__t", "_meta": { "progressToken": "p" } });
        let mut message = client.message("tools/call", params);
        message["id"] = id.clone();
        let mut open = client.send(&message, &[]).await;
        assert_eq!(open.next_message().await["method"], "notifications/progress");
        // A cancel of something else changes nothing.
        let other = json!({ "requestId": "another" });
        assert_eq!(client.notify("notifications/cancelled", other).await.status, 202);
        let cancel = json!({ "requestId": id, "reason": "enough" });
        assert_eq!(client.notify("notifications/cancelled", cancel).await.status, 202);
        let call = upstream.wait_for("tools/call", 1).await.remove(0);
        assert_eq!(call.ended().await, End::Abandoned);
        assert_eq!(open.next_or_end().await, None, "there is no reply");
        assert!(upstream.seen_of("notifications/cancelled").is_empty(), "that is of the other era");
    }
    // The session lives on.
    assert_eq!(client.tool_names().await.first().map(String::as_str), Some("up__t"));
}

/// L->M: the same, on the pipe of a program.
#[tokio::test]
async fn case_61_an_explicit_cancel_reaches_a_program() {
    let script = endless_program("2026-07-28");
    let gantry = in_front_of(script.server()).await;
    ready(&gantry).await;
    let client = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    let mut message = client.message("tools/call", json!({ "name": "up__t" }));
    message["params"]["_meta"]["progressToken"] = json!(1);
    let mut open = client.send(&message, &[]).await;
    assert_eq!(open.next_message().await["method"], "notifications/progress");
    let cancel = json!({ "requestId": message["id"] });
    client.notify("notifications/cancelled", cancel).await;
    let cancelled = script.wait_for("notifications/cancelled", 1).await;
    let call = script.seen_of("tools/call").remove(0);
    assert_eq!(cancelled[0].message["params"]["requestId"], call.message["id"]);
    let said = open.messages_within(Duration::from_millis(400)).await;
    assert_eq!(said, [] as [Value; 0], "there is no reply");
}
