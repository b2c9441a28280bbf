//! Errors that mean another thing in the other era, and sessions that upstreams forget: cases 46
//! to 49.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::super::{in_front_of, ready, status};
use crate::support::{
    client::Client,
    scripted::{Answer, Script, Scripted},
    wait::eventually,
};

const MISSING: &str = "test://missing";

/// A server that lists a resource and refuses to read it, by this error.
async fn without_resource(script: Script, code: i64, data: Value) -> Scripted {
    let answer = move |_: &_| Answer::error_with(code, "no such resource", data.clone());
    script.resource(MISSING, json!({}), answer).start().await
}

/// M->L: a resource that is missing.
#[tokio::test]
async fn case_46_a_missing_resource_is_an_invalid_parameter_for_a_modern_client() {
    let data = json!({ "uri": MISSING, "vendor": { "a": [1] } });
    let upstream = without_resource(Scripted::legacy("2025-11-25"), -32002, data.clone()).await;
    let gantry = in_front_of(upstream.server()).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let reply = client.request("resources/read", json!({ "uri": MISSING })).await;
    assert_eq!(reply.refusal(), (200, -32602), "{reply:?}");
    assert_eq!(reply.error()["data"], data, "{reply:?}");
    assert_eq!(reply.error()["message"], "no such resource", "{reply:?}");
    // Between legacy peers nothing changes.
    let client = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    let reply = client.request("resources/read", json!({ "uri": MISSING })).await;
    assert_eq!(reply.refusal(), (200, -32002), "{reply:?}");
    assert_eq!(reply.error()["data"], data, "{reply:?}");
}

/// L->M: -32602 that names the URI that was asked for, another one, and none.
#[tokio::test]
async fn case_47_an_invalid_parameter_is_a_missing_resource_only_if_it_names_it() {
    let table = [
        (json!({ "uri": MISSING }), -32002),
        (json!({ "uri": "test://other" }), -32602),
        (json!({ "field": "uri" }), -32602),
    ];
    for (data, expected) in table {
        let upstream = without_resource(Scripted::modern(), -32602, data.clone()).await;
        let gantry = in_front_of(upstream.server()).await;
        let client = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
        let reply = client.request("resources/read", json!({ "uri": MISSING })).await;
        assert_eq!(reply.refusal(), (200, expected), "{reply:?}");
        assert_eq!(reply.error()["data"], data, "{reply:?}");
    }
    let upstream = Scripted::modern()
        .resource(MISSING, json!({}), |_| Answer::error(-32602, "no"))
        .start()
        .await;
    let gantry = in_front_of(upstream.server()).await;
    let client = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    let reply = client.request("resources/read", json!({ "uri": MISSING })).await;
    assert_eq!(reply.refusal(), (200, -32602), "{reply:?}");
}

/// L->M: a method that the upstream answers by 404; one that only the gateway is asked for.
#[tokio::test]
async fn case_48_an_unknown_method_upstream_is_no_lost_session() {
    let upstream = Scripted::modern()
        .tool("t", json!({}), |_| Answer::text("t"))
        .prompt("p", json!({}), |_| Answer::error(-32601, "no prompts today"))
        .on("completion/complete", |_| Answer::error(-32601, "no completion"))
        .start()
        .await;
    let gantry = in_front_of(upstream.server()).await;
    let client = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    let reference = json!({ "type": "ref/prompt", "name": "up__p" });
    let completion = json!({ "ref": reference, "argument": { "name": "a", "value": "" } });
    let requests = [
        ("completion/complete", completion),
        ("prompts/get", json!({ "name": "up__p" })),
        ("no/such/method", json!({})),
        ("server/discovered", json!({})),
    ];
    for (method, params) in requests {
        let reply = client.request(method, params).await;
        assert_eq!(reply.refusal(), (200, -32601), "{method}: {reply:?}");
    }
    assert_eq!(client.call("up__t", json!({})).await.text(), "t");
}

/// M->L (and L->L): the upstream forgets its sessions; several calls come at once.
#[tokio::test]
async fn case_49_a_forgotten_session_is_opened_anew_and_nobody_notices() {
    let upstream = Scripted::legacy("2025-11-25")
        .tool("t", json!({}), |seen| Answer::text(seen.session().unwrap_or("nobody")))
        .start()
        .await;
    let gantry = in_front_of(upstream.server()).await;
    ready(&gantry).await;
    let url = gantry.url("/mcp");
    let modern = Client::modern(&url, json!({}));
    let legacy = Client::legacy(&url, "2025-11-25", json!({})).await;
    let own = Client::modern(&url, json!({ "sampling": {} }));
    for client in [&modern, &legacy, &own] {
        let old = client.call("up__t", json!({})).await.text().to_owned();
        upstream.expire_sessions();
        upstream.forget();
        let mut calls = JoinSet::new();
        for _ in 0..5 {
            let client = client.clone();
            calls.spawn(async move { client.call("up__t", json!({})).await });
        }
        let mut sessions = BTreeSet::new();
        for reply in calls.join_all().await {
            assert!(!reply.is_error(), "{reply:?}");
            sessions.insert(reply.text().to_owned());
        }
        assert!(sessions.len() == 1 && !sessions.contains(&old), "{old} {sessions:?}");
        // Each ran once: what was refused was not carried out.
        let seen = upstream.seen_of("tools/call");
        let ran = seen.iter().filter(|seen| seen.session() != Some(old.as_str()));
        assert_eq!(ran.count(), 5, "{seen:?}");
        assert_eq!(status(&gantry, "up").await["state"], "ready");
    }
    // The upstream is heard as before.
    upstream.change(|script| script.tool("more", json!({}), |_| Answer::text("more")));
    upstream.push("notifications/tools/list_changed", json!({})).await;
    eventually("the changed list", async || {
        modern.tool_names().await.contains(&"up__more".to_owned()).then_some(())
    })
    .await;
    assert_eq!(status(&gantry, "up").await["state"], "ready");
}
