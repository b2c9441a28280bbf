//! Calls that their caller's user has to approve.

use serde_json::{Value, json};

use super::{ADA, CI, bearer};
use crate::support::client::{Client, MODERN, Reply};
use crate::support::gantry::Gantry;
use crate::support::scripted::{Answer, Script, Scripted};
use crate::support::wait::eventually;

fn furnished(script: Script) -> Script {
    script
        .tool("write", json!({}), |seen| Answer::text(seen.arguments().to_string()))
        .tool("wipe", json!({ "annotations": { "destructiveHint": true } }), |_| {
            Answer::text("wiped")
        })
        .tool("look", json!({ "annotations": { "readOnlyHint": true } }), |_| Answer::text("seen"))
        .tool("rounds", json!({}), |seen| {
            let Some(state) = seen.params()["requestState"].as_str() else {
                let ask = json!({
                    "method": "elicitation/create",
                    "params": { "message": "?", "requestedSchema": { "type": "object", "properties": {} } },
                });
                return Answer::Result(json!({
                    "resultType": "input_required",
                    "inputRequests": { "own": ask },
                    "requestState": "its.own \"state\"",
                }));
            };
            Answer::text(json!([state, seen.params()["inputResponses"]]).to_string())
        })
        .resource("asked://a", json!({}), |_| Answer::Result(json!({ "contents": [] })))
}

async fn gateway(script: Script, timeout: &str) -> (Gantry, Scripted) {
    let up = furnished(script).start().await;
    let config = json!({
        "servers": { "up": up.server() },
        "auth": { "tokens": [{ "name": "ada", "token": ADA }, { "name": "ci", "token": CI }] },
        "access": {
            "rules": [
                { "name": "careful", "effect": "approve", "tools": ["up__write", "up__rounds"],
                  "when": "arguments.path != '/tmp'" },
                { "name": "guarded", "effect": "approve", "resources": ["asked://*"] },
            ],
            "approval": { "destructive": "ask", "timeout": timeout },
        },
    });
    let gantry = Gantry::start(&config.to_string()).await;
    let ada = client(&gantry, MODERN, json!({}));
    eventually("the server is ready", async || {
        let told = ada.call("gantry__list_servers", json!({})).await;
        let server = &told.result()["structuredContent"]["servers"][0];
        (server["state"] == "ready" && server["tools"] == 4).then_some(())
    })
    .await;
    (gantry, up)
}

fn client(gantry: &Gantry, revision: &str, capabilities: Value) -> Client {
    let client = Client::new(&gantry.url("/mcp"), revision, capabilities);
    client.with_header("authorization", &bearer(ADA))
}

fn asks() -> Value {
    json!({ "elicitation": {} })
}

/// Calls again with what the client was given and an answer to the question.
async fn again(client: &Client, call: &Value, state: &Value, responses: Value) -> Reply {
    let mut params = call.clone();
    params["requestState"] = state.clone();
    params["inputResponses"] = responses;
    client.request("tools/call", params).await
}

fn answer(action: &str) -> Value {
    json!({ "gantry_approval": { "action": action, "content": {} } })
}

#[tokio::test]
async fn a_legacy_client_is_asked_in_the_middle_of_the_call() {
    let (gantry, up) = gateway(Scripted::dual(), "1m").await;
    let client = client(&gantry, "2025-11-25", asks()).connect().await;
    for (action, code) in [("accept", None), ("decline", Some("E0417")), ("cancel", Some("E0417"))]
    {
        up.forget();
        let asked = client.clone().answering(move |request| {
            assert_eq!(request["method"], "elicitation/create");
            let text = request["params"]["message"].as_str().unwrap_or_default();
            assert!(text.contains("`up__write`") && text.contains("/etc/x"), "{text}");
            assert!(text.contains("`careful`"), "{text}");
            json!({ "result": { "action": action, "content": {} } })
        });
        let reply = asked.call("up__write", json!({ "path": "/etc/x" })).await;
        match code {
            None => assert_eq!(reply.text(), r#"{"path":"/etc/x"}"#),
            Some(code) => {
                assert_eq!(reply.error()["data"]["code"], code, "{reply:?}");
                assert_eq!(up.seen_of("tools/call").len(), 0);
            }
        }
    }
    // Nobody is asked where the rule does not match.
    assert_eq!(
        client.call("up__write", json!({ "path": "/tmp" })).await.text(),
        r#"{"path":"/tmp"}"#
    );
    // A subscription has no user at its side.
    let subscribed = client.request("resources/subscribe", json!({ "uri": "asked://a" })).await;
    assert_eq!(subscribed.error()["data"]["code"], "E0415", "{subscribed:?}");
}

#[tokio::test]
async fn who_cannot_be_asked_is_refused() {
    let (gantry, up) = gateway(Scripted::dual(), "1m").await;
    for revision in [MODERN, "2025-11-25"] {
        let client = client(&gantry, revision, json!({}));
        let client = if client.is_modern() { client } else { client.connect().await };
        let reply = client.call("up__write", json!({ "path": "/etc/x" })).await;
        assert_eq!(reply.error()["data"]["code"], "E0418", "{reply:?}");
    }
    let api = Client::new(&gantry.url("/api/tools/up__write"), MODERN, json!({}));
    let api = api.with_header("authorization", &bearer(ADA));
    let reply = api.post(r#"{"path":"/etc/x"}"#, &[]).await;
    let body: Value = serde_json::from_slice(&reply.body).expect("it is JSON");
    assert_eq!((reply.status, &body["error"]["details"]["code"]), (403, &json!("E0418")), "{body}");
    assert_eq!(up.seen_of("tools/call").len(), 0);
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_none() {
    let (gantry, up) = gateway(Scripted::dual(), "1s").await;
    let client = client(&gantry, "2025-11-25", asks()).connect().await;
    let open = client.start("tools/call", json!({ "name": "up__write", "arguments": {} })).await;
    let mut open = open;
    let question = open.next_message().await;
    assert_eq!(question["method"], "elicitation/create", "{question}");
    // The question is taken back before the call is refused.
    let mut last = open.next_message().await;
    if last["method"] == "notifications/cancelled" {
        last = open.next_message().await;
    }
    assert_eq!(last["error"]["data"]["code"], "E0417", "{last}");
    assert_eq!(up.seen_of("tools/call").len(), 0);
}

#[tokio::test]
async fn a_modern_client_calls_again_with_the_approval() {
    let (gantry, up) = gateway(Scripted::dual(), "1m").await;
    let client = client(&gantry, MODERN, asks());
    let call = json!({ "name": "up__write", "arguments": { "path": "/etc/x", "n": 1 } });
    let first = client.request("tools/call", call.clone()).await;
    assert_eq!(first.result()["resultType"], "input_required", "{first:?}");
    let question = &first.result()["inputRequests"]["gantry_approval"];
    assert_eq!(question["method"], "elicitation/create", "{first:?}");
    let state = &first.result()["requestState"];
    assert_eq!(up.seen_of("tools/call").len(), 0);

    let declined = again(&client, &call, state, answer("decline")).await;
    assert_eq!(declined.error()["data"]["code"], "E0417", "{declined:?}");
    let unanswered = again(&client, &call, state, json!({})).await;
    assert_eq!(unanswered.result()["resultType"], "input_required", "{unanswered:?}");

    // For nothing else, and nobody else.
    let mut other = call.clone();
    other["arguments"]["path"] = "/etc/y".into();
    let mut tampered = state.as_str().unwrap_or_default().to_owned();
    tampered.replace_range(20..21, if tampered.as_bytes()[20] == b'A' { "B" } else { "A" });
    let stranger = Client::modern(&gantry.url("/mcp"), asks());
    let stranger = stranger.with_header("authorization", &bearer(CI));
    for reply in [
        again(&client, &other, state, answer("accept")).await,
        again(&client, &call, &tampered.into(), answer("accept")).await,
        again(&client, &call, &json!("anything"), answer("accept")).await,
        again(
            &client,
            &call,
            &json!(format!("{}.more", state.as_str().unwrap_or_default())),
            answer("accept"),
        )
        .await,
        again(&stranger, &call, state, answer("accept")).await,
    ] {
        assert_eq!(reply.code(), -32602, "{reply:?}");
    }
    assert_eq!(up.seen_of("tools/call").len(), 0);

    // The order of keys is not part of what was approved.
    let same = json!({ "name": "up__write", "arguments": { "n": 1, "path": "/etc/x" } });
    let done = again(&client, &same, state, answer("accept")).await;
    assert_eq!(done.text(), r#"{"n":1,"path":"/etc/x"}"#);
    let seen = up.wait_for("tools/call", 1).await;
    assert!(seen[0].params()["requestState"].is_null(), "{:?}", seen[0]);
    assert!(seen[0].params()["inputResponses"].is_null(), "{:?}", seen[0]);
}

#[tokio::test]
async fn a_server_that_asks_back_gets_its_own_state_and_answers() {
    let (gantry, _up) = gateway(Scripted::modern(), "1m").await;
    let client = client(&gantry, MODERN, asks());
    let call = json!({ "name": "up__rounds", "arguments": { "path": "/etc/x" } });
    let first = client.request("tools/call", call.clone()).await;
    let second = again(&client, &call, &first.result()["requestState"], answer("accept")).await;
    assert_eq!(second.result()["resultType"], "input_required", "{second:?}");
    assert!(second.result()["inputRequests"]["own"].is_object(), "{second:?}");
    let state = &second.result()["requestState"];
    let own = json!({ "own": { "action": "accept", "content": {} } });
    let last = again(&client, &call, state, own.clone()).await;
    assert_eq!(last.text(), json!(["its.own \"state\"", own]).to_string());
    // The server's state alone opens nothing.
    let forged = again(&client, &call, &json!("its.own \"state\""), own).await;
    assert_eq!(forged.code(), -32602, "{forged:?}");
}

#[tokio::test]
async fn a_destructive_tool_asks_by_itself() {
    let (gantry, _up) = gateway(Scripted::dual(), "1m").await;
    let client = client(&gantry, MODERN, asks());
    assert_eq!(client.call("up__look", json!({})).await.text(), "seen");
    let asked = client.call("up__wipe", json!({})).await;
    assert_eq!(asked.result()["resultType"], "input_required", "{asked:?}");
    let call = json!({ "name": "up__wipe", "arguments": {} });
    let done = again(&client, &call, &asked.result()["requestState"], answer("accept")).await;
    assert_eq!(done.text(), "wiped");
    let told = gantry.run(&["policy", "explain", "--as", "ada", "up__wipe"]).await;
    assert!(told.stdout.contains("needs an approval"), "{told}");
}
