//! Batches: cases 91 and 92.

use serde_json::{Value, json};

use super::{LEGACY, alone};
use crate::{
    eras::{config, wait_for_state},
    support::{
        client::{Client, MODERN},
        gantry::Gantry,
        scripted::{Answer, Script, Scripted},
    },
};

/// L->* at 2025-03-26: a batch of three calls to upstreams of three eras; with an `initialize`
/// inside, with a claim inside, empty, with rubbish inside.
#[tokio::test]
async fn case_91_a_batch_of_2025_03_26_is_split_and_answered_as_one() {
    let script = |script: Script, name: &'static str| {
        script.tool("say", json!({}), move |_| Answer::text(name)).start()
    };
    let legacy = script(Scripted::legacy("2025-06-18"), "legacy").await;
    let modern = script(Scripted::modern(), "modern").await;
    let dual = script(Scripted::dual(), "dual").await;
    let servers =
        [("legacy", legacy.server()), ("modern", modern.server()), ("dual", dual.server())];
    let gantry = Gantry::start(&config(&servers)).await;
    for (name, _) in &servers {
        wait_for_state(&gantry, name, "ready").await;
    }
    let client = Client::legacy(&gantry.url("/mcp"), "2025-03-26", json!({})).await;
    let session = [("mcp-session-id", client.session())];
    let call = |id: Value, name: &str| {
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": { "name": format!("{name}__say"), "arguments": {} } })
    };
    let batch = json!([
        call(json!(1), "legacy"),
        call(json!("two"), "modern"),
        { "jsonrpc": "2.0", "method": "notifications/progress", "params": { "progressToken": 1 } },
        call(json!(3), "dual"),
    ]);
    let reply = client.post(batch.to_string(), &session).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let answers = reply.message.as_array().cloned().unwrap_or_default();
    assert_eq!(answers.len(), 3, "{reply:?}");
    for (id, name) in [(json!(1), "legacy"), (json!("two"), "modern"), (json!(3), "dual")] {
        let answer = answers.iter().find(|answer| answer["id"] == id);
        let answer = answer.unwrap_or_else(|| panic!("no answer to {id}: {reply:?}"));
        assert_eq!(answer["result"]["content"][0]["text"], name, "{reply:?}");
        assert_eq!(answer["result"]["resultType"], Value::Null, "{reply:?}");
    }
    for upstream in [&legacy, &modern, &dual] {
        let calls = upstream.seen_of("tools/call");
        assert_eq!(calls.len(), 1);
        assert!(calls[0].message.is_object(), "to an upstream always single messages");
    }

    let only_notifications = json!([{ "jsonrpc": "2.0", "method": "notifications/x" }]);
    assert_eq!(client.post(only_notifications.to_string(), &session).await.status, 202);
    let initialize = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-03-26", "capabilities": {} } });
    let enveloped = Client::modern(&gantry.url("/mcp"), json!({})).message("tools/list", json!({}));
    for inside in [initialize, enveloped] {
        let batch = json!([call(json!(1), "legacy"), inside]);
        let reply = client.post(batch.to_string(), &session).await;
        assert_eq!(reply.refusal(), (400, -32600), "{batch}: {reply:?}");
    }
    let reply = client.post("[]", &session).await;
    assert_eq!(reply.refusal(), (400, -32600), "{reply:?}");
    assert_eq!(legacy.seen_of("tools/call").len(), 1, "a refused batch does nothing");
}

/// L->* at other revisions, and M->*: a batch.
#[tokio::test]
async fn case_92_a_batch_is_refused_in_every_other_revision() {
    let gantry = alone().await;
    let ping = json!([{ "jsonrpc": "2.0", "id": 1, "method": "ping" }]).to_string();
    for revision in LEGACY.into_iter().filter(|&revision| revision != "2025-03-26") {
        let client = Client::legacy(&gantry.url("/mcp"), revision, json!({})).await;
        let reply = client.post(ping.clone(), &[("mcp-session-id", client.session())]).await;
        assert_eq!(reply.refusal(), (400, -32600), "{revision}: {reply:?}");
    }
    let modern = Client::modern(&gantry.url("/mcp"), json!({}));
    let enveloped = json!([modern.message("tools/list", json!({}))]).to_string();
    for headers in [&[("mcp-protocol-version", MODERN), ("mcp-method", "tools/list")][..], &[]] {
        for body in [&enveloped, &ping] {
            let reply = modern.post(body.clone(), headers).await;
            assert_eq!(reply.refusal(), (400, -32600), "{body}: {reply:?}");
        }
    }
}
