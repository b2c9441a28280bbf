//! Legacy clients over HTTP.

use std::time::Duration;

use gantry_core::seal::KeyRing;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::gateway::{self, Running, server};
use crate::support::upstream::Upstream;
use crate::support::{greeting, legacy, modern, notification};

async fn with_upstream() -> (Running, Client, Upstream) {
    let running = gateway::start(Vec::new()).await;
    let upstream = Upstream::start(&running.tasks).await;
    running.gateway.apply(gateway::spec(vec![server("up", &upstream.url)])).await;
    let client = Client::new(&running);
    (running, client, upstream)
}

fn call(id: &Value, tool: &str, meta: &Value) -> Value {
    let params = json!({ "name": tool, "arguments": {}, "_meta": meta });
    legacy(id, "tools/call", &params)
}

fn text(message: &Value) -> &Value {
    &message["result"]["content"][0]["text"]
}

#[tokio::test]
async fn every_legacy_revision_is_answered_with_itself() {
    let client = Client::new(&gateway::start(Vec::new()).await);
    for (asked, agreed) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ] {
        let greeting = greeting(asked, &json!({}));
        let mut answer = client.send(&legacy(&json!(1), "initialize", &greeting)).await;
        let session = answer.headers["mcp-session-id"].to_str().unwrap().to_owned();
        assert!(session.len() <= 200);
        let result = answer.json().await["result"].clone();
        assert_eq!(result["protocolVersion"], agreed);
        assert_eq!(result["serverInfo"]["name"], "gantry");
        assert!(result["capabilities"]["tools"].is_object());
        assert!(result.get("resultType").is_none());
        let client = client.clone().with("mcp-session-id", &session);
        let mut pong = client.send(&legacy(&json!("p"), "ping", &json!({}))).await;
        assert_eq!(pong.json().await, json!({ "jsonrpc": "2.0", "id": "p", "result": {} }));
    }
}

#[tokio::test]
async fn a_session_is_of_no_use_to_others_elsewhere_or_after_its_end() {
    let client = Client::new(&gateway::start(Vec::new()).await);
    let session = client.initialize("2025-11-25", json!({})).await;
    let ping = legacy(&json!(1), "ping", &json!({}));
    assert_eq!(session.send(&ping).await.status, 200);
    for stranger in [
        session.clone().with("x-test-principal", "bob"),
        session.clone().at("/mcp/gantry"),
        session.clone().with("mcp-session-id", "nonsense"),
    ] {
        let mut answer = stranger.send(&ping).await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.json().await["id"], 1);
        assert_eq!(stranger.get().await.status, 404);
    }
    let wrong = session.clone().with("mcp-protocol-version", "2025-06-18");
    assert_eq!(wrong.send(&ping).await.status, 400);
    let right = session.clone().with("mcp-protocol-version", "2025-11-25");
    assert_eq!(right.send(&ping).await.status, 200);
    assert_eq!(session.request("DELETE", "").await.status, 200);
    assert_eq!(session.send(&ping).await.status, 404);
    assert_eq!(session.request("DELETE", "").await.status, 404);
}

#[tokio::test]
async fn a_modern_request_ignores_a_session_id() {
    let client = Client::new(&gateway::start(Vec::new()).await);
    let session = client.initialize("2025-11-25", json!({})).await.with("last-event-id", "1");
    let mut answer = session.modern(&modern(&json!(1), "tools/list", json!({}))).await;
    assert!(answer.headers.get("mcp-session-id").is_none());
    assert_eq!(answer.json().await["result"]["resultType"], "complete");
}

#[tokio::test]
async fn a_session_survives_the_process_that_opened_it() {
    let secret = [7_u8; 32];
    let first = gateway::with_keys(Vec::new(), KeyRing::new(&[&secret]).unwrap()).await;
    let session = Client::new(&first).initialize("2025-06-18", json!({ "roots": {} })).await;
    // The next process begins in a later second.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let second = gateway::with_keys(Vec::new(), KeyRing::new(&[&secret]).unwrap()).await;
    let session = session.moved_to(&second);
    let mut list = session.send(&legacy(&json!(1), "tools/list", &json!({}))).await;
    assert!(list.json().await["result"]["tools"].is_array());
    assert_eq!(session.request("DELETE", "").await.status, 200);
    assert_eq!(session.send(&legacy(&json!(1), "ping", &json!({}))).await.status, 404);
}

#[tokio::test]
async fn a_call_is_json_until_something_is_said() {
    let (_running, client, _upstream) = with_upstream().await;
    let session = client.initialize("2025-11-25", json!({})).await;
    let mut answer = session.send(&call(&json!(1), "up__echo", &json!({}))).await;
    assert!(!answer.is_stream());
    let message = answer.json().await;
    assert_eq!(text(&message), "{}");
    assert!(message["result"].get("resultType").is_none());
    let report = call(&json!("r"), "up__report", &json!({ "progressToken": "tok" }));
    let mut answer = session.send(&report).await;
    assert!(answer.is_stream());
    let all = answer.rest().await;
    assert_eq!(all[0]["params"]["progressToken"], "tok");
    assert_eq!(all.last().unwrap()["id"], "r");
    // The priming event has an id too.
    let mut ids = answer.ids.clone();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all.len() + 1);
}

#[tokio::test]
async fn logs_follow_the_level_of_the_session() {
    let (_running, client, _upstream) = with_upstream().await;
    let session = client.initialize("2025-06-18", json!({})).await;
    let logs = async |session: &Client| {
        let meta = json!({ "progressToken": 1 });
        let mut answer = session.send(&call(&json!(1), "up__report", &meta)).await;
        let all = answer.rest().await;
        all.iter().filter(|message| message["method"] == "notifications/message").count()
    };
    assert_eq!(logs(&session).await, 2);
    let loud = legacy(&json!(1), "logging/setLevel", &json!({ "level": "loud" }));
    assert_eq!(session.send(&loud).await.json().await["error"]["code"], -32602);
    let error = legacy(&json!(1), "logging/setLevel", &json!({ "level": "error" }));
    assert_eq!(session.send(&error).await.json().await["result"], json!({}));
    assert_eq!(logs(&session).await, 1);
}

#[tokio::test]
async fn a_client_is_asked_on_the_stream_of_its_call() {
    let (_running, client, _upstream) = with_upstream().await;
    let session = client.initialize("2025-11-25", json!({ "elicitation": {} })).await;
    let other = client.initialize("2025-11-25", json!({ "elicitation": {} })).await;
    let mut answer = session.send(&call(&json!(1), "up__ask", &json!({}))).await;
    let question = answer.next().await.unwrap();
    assert_eq!(question["method"], "elicitation/create");
    let id = question["id"].as_str().unwrap();
    assert_ne!(id, "q");
    let reply = |who: &str| {
        let content = json!({ "who": who });
        json!({ "jsonrpc": "2.0", "id": id, "result": { "action": "accept", "content": content } })
    };
    assert_eq!(other.send(&reply("mallory")).await.status, 202);
    assert_eq!(session.send(&reply("ann")).await.status, 202);
    let result = answer.next().await.unwrap();
    assert!(text(&result).as_str().unwrap().contains("ann"), "{result}");
    assert!(answer.next().await.is_none());
}

#[tokio::test]
async fn a_cancelled_call_gets_no_answer_and_is_cancelled_upstream() {
    let (_running, client, upstream) = with_upstream().await;
    let session = client.initialize("2025-11-25", json!({})).await;
    let hang = call(&json!(9), "up__hang", &json!({}));
    let cancel = async {
        let call = upstream.saw("tools/call").await;
        let params = json!({ "requestId": 9 });
        let cancelled = session.send(&notification("notifications/cancelled", &params)).await;
        assert_eq!(cancelled.status, 202);
        let passed_on = upstream.saw("notifications/cancelled").await;
        assert_eq!(passed_on["params"]["requestId"], call["id"]);
    };
    let (answer, ()) = tokio::join!(session.send(&hang), cancel);
    assert_eq!(answer.status, 202);
}

#[tokio::test]
async fn a_lost_connection_is_no_cancellation() {
    let (_running, client, upstream) = with_upstream().await;
    let session = client.initialize("2025-11-25", json!({})).await;
    let hang = call(&json!(9), "up__hang", &json!({}));
    let lost = tokio::time::timeout(Duration::from_millis(300), session.send(&hang)).await;
    assert!(lost.is_err());
    upstream.saw("tools/call").await;
    // The explicit cancellation is what ends it: the call was still open.
    let params = json!({ "requestId": 9 });
    session.send(&notification("notifications/cancelled", &params)).await;
    upstream.saw("notifications/cancelled").await;
}

#[tokio::test]
async fn a_batch_is_answered_as_an_array_and_only_in_its_revision() {
    let (_running, client, _upstream) = with_upstream().await;
    let batch = json!([
        legacy(&json!(1), "ping", &json!({})),
        notification("notifications/roots/list_changed", &json!({})),
        call(&json!(2), "up__echo", &json!({})),
        { "jsonrpc": "2.0", "id": 3 },
        call(&json!(4), "up__nothing", &json!({})),
    ]);
    let session = client.initialize("2025-03-26", json!({})).await;
    let answer = session.send(&batch).await.json().await;
    let mut ids: Vec<_> = answer.as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    ids.sort_by_key(Value::as_u64);
    assert_eq!(ids, [1, 2, 3, 4]);
    let silent = json!([notification("notifications/initialized", &json!({}))]);
    assert_eq!(session.send(&silent).await.status, 202);
    let greeting = json!([legacy(&json!(1), "initialize", &greeting("2025-03-26", &json!({})))]);
    assert_eq!(session.send(&greeting).await.status, 400);
    let newer = client.initialize("2025-06-18", json!({})).await;
    assert_eq!(newer.send(&batch).await.status, 400);
}

#[tokio::test]
async fn a_batch_that_speaks_becomes_a_stream() {
    let (_running, client, _upstream) = with_upstream().await;
    let session = client.initialize("2025-03-26", json!({})).await;
    let batch = json!([
        call(&json!(1), "up__report", &json!({ "progressToken": 1 })),
        call(&json!(2), "up__echo", &json!({})),
    ]);
    let mut answer = session.send(&batch).await;
    assert!(answer.is_stream());
    let all = answer.rest().await;
    assert_eq!(all.iter().filter(|message| message.get("result").is_some()).count(), 2);
}

#[tokio::test]
async fn an_unknown_method_is_no_lost_session() {
    let client = Client::new(&gateway::start(Vec::new()).await);
    let session = client.initialize("2025-11-25", json!({})).await;
    for method in ["tasks/list", "no/such", "gantry"] {
        let mut answer = session.send(&legacy(&json!(1), method, &json!({}))).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json().await["error"]["code"], -32601, "{method}");
    }
}

#[tokio::test]
async fn changes_reach_the_standalone_stream_or_wait_for_it() {
    let (running, client, upstream) = with_upstream().await;
    let session = client.initialize("2025-11-25", json!({})).await;
    let mut stream = session.get().await;
    assert!(stream.is_stream());
    let mut spec = gateway::spec(vec![server("up", &upstream.url), server("b", &upstream.url)]);
    running.gateway.apply(spec.clone()).await;
    assert_eq!(stream.next().await.unwrap()["method"], "notifications/tools/list_changed");
    // A newer stream takes the place of the older one.
    let newer = session.get().await;
    while stream.next().await.is_some() {}
    drop(newer);
    spec.servers.pop();
    running.gateway.apply(spec).await;
    let mut newest = session.get().await;
    assert_eq!(newest.next().await.unwrap()["method"], "notifications/tools/list_changed");
}

#[tokio::test]
async fn a_subscribed_resource_is_heard_of_until_the_last_unsubscription() {
    let (_running, client, upstream) = with_upstream().await;
    let session = client.initialize("2025-11-25", json!({})).await;
    session.send(&legacy(&json!(1), "resources/list", &json!({}))).await.json().await;
    let mut stream = session.get().await;
    let uri = json!({ "uri": "test://thing" });
    for _ in 0..2 {
        let mut answer = session.send(&legacy(&json!(1), "resources/subscribe", &uri)).await;
        assert_eq!(answer.json().await["result"], json!({}));
    }
    upstream.saw("resources/subscribe").await;
    let updated =
        |uri: &str| notification("notifications/resources/updated", &json!({ "uri": uri }));
    let unsubscribe = legacy(&json!(1), "resources/unsubscribe", &uri);
    session.send(&unsubscribe).await.json().await;
    upstream.announce(&updated("test://thing/part"));
    assert_eq!(stream.next().await.unwrap()["params"]["uri"], "test://thing/part");
    session.send(&unsubscribe).await.json().await;
    upstream.saw("resources/unsubscribe").await;
    upstream.announce(&updated("test://thing"));
    let unknown = legacy(&json!(1), "resources/subscribe", &json!({ "uri": "no://such" }));
    assert!(session.send(&unknown).await.json().await["error"]["code"].is_i64());
    let nothing = tokio::time::timeout(Duration::from_millis(300), stream.next()).await;
    assert!(nothing.is_err(), "{nothing:?}");
}

#[tokio::test]
async fn many_requests_of_one_session_run_at_once() {
    let (_running, client, upstream) = with_upstream().await;
    let session = client.initialize("2025-11-25", json!({})).await;
    let hang = call(&json!("h"), "up__hang", &json!({}));
    let others = async {
        upstream.saw("tools/call").await;
        for id in 0..5 {
            let mut answer = session.send(&call(&json!(id), "up__echo", &json!({}))).await;
            assert_eq!(answer.json().await["id"], id);
        }
        session.request("DELETE", "").await;
    };
    let (answer, ()) = tokio::join!(session.send(&hang), others);
    assert_eq!(answer.status, 202);
}
