//! What differs around the exchanges and between them: headers, session ids, and what an upstream
//! says when nobody asks (`docs/differences.md`: sessions, http-headers, batches, changes, limits).
//! What becomes of slow readers is tested in `robustness`.

use serde_json::json;

use super::LEGACY;
use crate::{
    eras::config,
    support::{
        client::Client,
        gantry::Gantry,
        scripted::{Answer, Scripted},
    },
};

#[tokio::test]
async fn a_session_has_another_id_on_each_hop() {
    let upstream =
        Scripted::legacy(LEGACY[0]).tool("t", json!({}), |_| Answer::text("t")).start().await;
    let gantry = Gantry::start(&config(&[("up", upstream.server())])).await;
    let client = Client::legacy(&gantry.url("/mcp/up"), LEGACY[0], json!({})).await;
    let reply = client.call("t", json!({})).await;
    let calls = upstream.wait_for("tools/call", 1).await;
    let session = calls[0].session().expect("a legacy upstream with sessions gets its own id");
    assert!(upstream.sessions().iter().any(|known| known == session));
    assert_ne!(session, client.session());
    assert!(reply.session().is_none_or(|shown| shown != session), "{reply:?}");
}

#[tokio::test]
async fn no_header_of_a_client_travels_but_those_of_mcp() {
    let upstream = Scripted::modern()
        .tool("t", json!({}), |_| {
            let headers = vec![
                ("content-type", "application/json".to_owned()),
                ("x-answer", "upstream's".to_owned()),
                ("set-cookie", "a=b".to_owned()),
            ];
            let body =
                r#"{"jsonrpc":"2.0","id":2,"result":{"resultType":"complete","content":[]}}"#;
            Answer::Status { status: 200, headers, body: body.to_owned() }
        })
        .start()
        .await;
    let gantry = Gantry::start(&config(&[("up", upstream.server())])).await;
    let client = Client::modern(&gantry.url("/mcp/up"), json!({}))
        .with_header("x-own", "client's")
        .with_header("cookie", "c=d")
        .with_header("user-agent", "raw/1");
    client.tool_names().await;
    let mut message = client.message("tools/call", json!({ "name": "t" }));
    message["id"] = 2.into();
    let headers = [("mcp-param-unknown", "kept")];
    let reply = client.send(&message, &headers).await.finish().await;
    assert!(reply.result()["content"].is_array(), "{reply:?}");
    let calls = upstream.wait_for("tools/call", 1).await;
    for name in ["x-own", "cookie"] {
        assert_eq!(calls[0].header(name), None, "{name}");
    }
    assert!(calls[0].header("user-agent").is_some_and(|agent| agent.starts_with("gantry/")));
    assert_eq!(calls[0].header("mcp-param-unknown"), Some("kept"));
    assert_eq!(calls[0].header("accept"), Some("application/json, text/event-stream"));
    for name in ["x-answer", "set-cookie"] {
        assert_eq!(reply.header(name), None, "{name}");
    }
}

#[tokio::test]
async fn a_batch_reaches_the_server_as_single_messages() {
    let revision = "2025-03-26";
    let upstream = Scripted::legacy(revision)
        .tool("a", json!({}), |_| Answer::text("a"))
        .tool("b", json!({}), |_| Answer::text("b"))
        .start()
        .await;
    let gantry = Gantry::start(&config(&[("up", upstream.server())])).await;
    let client = Client::legacy(&gantry.url("/mcp/up"), revision, json!({})).await;
    client.tool_names().await;
    let call = |id: u32, name: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{name}","x":1.0}}}}"#
        )
    };
    let batch = format!("[{},{}]", call(7, "a"), call(8, "b"));
    let reply = client.post(batch, &[("mcp-session-id", client.session())]).await;
    let mut answers = reply.message.as_array().cloned().unwrap_or_default();
    answers.sort_by_key(|answer| answer["id"].as_u64());
    let texts: Vec<_> = answers
        .iter()
        .map(|answer| (answer["id"].clone(), answer["result"]["content"][0]["text"].clone()))
        .collect();
    assert_eq!(texts, [(json!(7), json!("a")), (json!(8), json!("b"))], "{reply:?}");
    let calls = upstream.wait_for("tools/call", 2).await;
    assert!(calls.iter().all(|seen| seen.body.ends_with(br#""x":1.0}}"#)), "{calls:?}");
}

#[tokio::test]
async fn what_takes_too_long_or_is_too_large_is_an_error_that_says_so() {
    let upstream = Scripted::legacy(LEGACY[0])
        .tool("silent", json!({}), |_| Answer::Hang)
        .tool("large", json!({}), |_| Answer::text("x".repeat(100_000)))
        .tool("good", json!({}), |_| Answer::text("fine"))
        .start()
        .await;
    let mut server = upstream.server();
    server["timeout"] = "1s".into();
    server["max_message"] = "64KiB".into();
    let gantry = Gantry::start(&config(&[("up", server)])).await;
    let client = Client::legacy(&gantry.url("/mcp/up"), LEGACY[0], json!({})).await;
    let silent = client.call("silent", json!({})).await.message.to_string();
    assert!(silent.contains("`up`") && silent.contains("`timeout`"), "{silent}");
    let cancelled = upstream.wait_for("notifications/cancelled", 1).await;
    let call = upstream.wait_for("tools/call", 1).await;
    assert_eq!(cancelled[0].params()["requestId"], *call[0].id());
    let large = client.call("large", json!({})).await.message.to_string();
    assert!(large.contains("`up`") && large.contains("65536"), "{large}");
    assert_eq!(client.call("good", json!({})).await.text(), "fine");
}

/// A burst of changes is one change, and it comes when the new list can be had.
#[tokio::test]
async fn changes_are_announced_when_the_new_list_is_there() {
    let upstream =
        Scripted::legacy(LEGACY[0]).tool("t", json!({}), |_| Answer::text("t")).start().await;
    let gantry = Gantry::start(&config(&[("up", upstream.server())])).await;
    let client = Client::legacy(&gantry.url("/mcp/up"), LEGACY[0], json!({})).await;
    assert_eq!(client.tool_names().await, ["t"]);
    let mut stream = client.get().await;
    upstream.change(|script| script.tool("more", json!({}), |_| Answer::text("more")));
    for _ in 0..5 {
        upstream.push("notifications/tools/list_changed", json!({})).await;
    }
    let told = stream.next_message().await;
    assert_eq!(told, json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" }));
    assert_eq!(client.tool_names().await, ["t", "more"]);
}

/// What is announced of a resource is the upstream's own message.
#[tokio::test]
async fn an_update_of_a_resource_is_the_upstreams_own() {
    let upstream = Scripted::legacy(LEGACY[0])
        .resource("test://a", json!({}), |_| Answer::Result(json!({ "contents": [] })))
        .start()
        .await;
    let gantry = Gantry::start(&config(&[("up", upstream.server())])).await;
    let client = Client::legacy(&gantry.url("/mcp/up"), LEGACY[0], json!({})).await;
    let mut stream = client.get().await;
    client.request("resources/subscribe", json!({ "uri": "test://a" })).await.result();
    let params = json!({ "uri": "test://a", "title": "new", "x": [1.5], "_meta": { "k": null } });
    upstream.push("notifications/resources/updated", params.clone()).await;
    let told = stream.next_message().await;
    assert_eq!(told["params"], params);
    assert_eq!(told["method"], "notifications/resources/updated");
}
