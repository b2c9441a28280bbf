//! The transport of 2024-11-05: one stream for all that the server says, and a path to post to.
//!
//! Clients on the official SDKs use it in `peers`; here is what a raw one sees, and what is refused.

use std::time::Duration;

use serde_json::{Value, json};

use super::{config, in_front_of, ready};
use crate::support::{
    client::{Client, old::Connection},
    gantry::{Gantry, Setup},
    scripted::{Answer, Script, Scripted},
    wait::eventually,
};

fn script() -> Script {
    Scripted::legacy("2025-11-25")
        .tool("greet", json!({}), |_| Answer::text("hello"))
        .tool("ask", json!({}), |_| {
            Answer::talk(async |talk| {
                talk.progress(0.5).await;
                let answer = talk.ask("roots/list", json!({})).await;
                Answer::text(answer["result"]["roots"].to_string())
            })
        })
        .tool("hang", json!({}), |_| Answer::Hang)
}

fn call(id: u64, tool: &str) -> Value {
    let params = json!({ "name": tool, "arguments": {}, "_meta": { "progressToken": "t" } });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
}

#[tokio::test]
async fn everything_that_is_said_comes_on_the_one_stream() {
    let upstream = script().start().await;
    let gantry = in_front_of(upstream.server()).await;
    ready(&gantry).await;
    for (path, tool) in [("/sse", "up__"), ("/sse/up", "")] {
        let mut old = Connection::open(&gantry, path, None).await;
        old.initialize("2024-11-05", json!({ "roots": {} })).await;
        assert_eq!(old.ask(1, "ping", json!({})).await["result"], json!({}));
        let list = old.ask(2, "tools/list", json!({})).await;
        assert_eq!(list["result"]["tools"][0]["name"], format!("{tool}greet"), "{list}");
        assert_eq!(old.post(&call(3, &format!("{tool}greet"))).await.status, 202);
        let answer = old.stream.next_message().await;
        assert_eq!(answer["result"]["content"][0]["text"], "hello", "{answer}");
        // Asked back on the same stream.
        assert_eq!(old.post(&call(4, &format!("{tool}ask"))).await.status, 202);
        assert_eq!(old.stream.next_message().await["params"]["progressToken"], "t");
        let asked = old.stream.next_message().await;
        assert_eq!(asked["method"], "roots/list", "{asked}");
        let result = json!({ "roots": ["here"] });
        let reply = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result });
        assert_eq!(old.post(&reply).await.status, 202);
        let answer = old.stream.next_message().await;
        assert_eq!(answer["result"]["content"][0]["text"], r#"["here"]"#, "{answer}");
        // Outside of calls, too.
        upstream.change(|script| script.tool("more", json!({}), |_| Answer::text("more")));
        upstream.push("notifications/tools/list_changed", json!({})).await;
        assert_eq!(old.stream.next_message().await["method"], "notifications/tools/list_changed");
        upstream.change(|script| script.without_tool("more"));
        upstream.push("notifications/tools/list_changed", json!({})).await;
        assert_eq!(old.stream.next_message().await["method"], "notifications/tools/list_changed");
    }
}

#[tokio::test]
async fn a_batch_of_2025_03_26_is_answered_by_one_array() {
    let gantry = Gantry::start("").await;
    let mut old = Connection::open(&gantry, "/sse", None).await;
    old.initialize("2025-03-26", json!({})).await;
    let ping = |id: u64| json!({ "jsonrpc": "2.0", "id": id, "method": "ping" });
    assert_eq!(old.post(&json!([ping(1), ping(2)])).await.status, 202);
    let answers = old.stream.next_message().await;
    let mut ids: Vec<_> =
        answers.as_array().expect("an array").iter().filter_map(|one| one["id"].as_u64()).collect();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2]);
    // An envelope of the modern era means nothing here.
    let claim = json!({ "_meta": { "io.modelcontextprotocol/protocolVersion": "2026-07-28" } });
    let answer = old.ask(3, "ping", claim).await;
    assert_eq!((&answer["id"], &answer["result"]), (&json!(3), &json!({})), "{answer}");
}

#[tokio::test]
async fn the_end_of_the_stream_is_the_end_of_the_session_and_its_calls() {
    let upstream = script().start().await;
    let gantry = in_front_of(upstream.server()).await;
    ready(&gantry).await;
    let mut old = Connection::open(&gantry, "/sse", None).await;
    old.initialize("2024-11-05", json!({})).await;
    assert_eq!(old.post(&call(1, "up__hang")).await.status, 202);
    upstream.wait_for("tools/call", 1).await;
    let Connection { stream, posting, .. } = old;
    drop(stream);
    upstream.wait_for("notifications/cancelled", 1).await;
    eventually("the handle is of no use any more", async || {
        let reply = posting.post(call(2, "up__greet").to_string(), &[]).await;
        (reply.refusal() == (404, -32600)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_refused_and_the_connection_goes_on() {
    let tokens = ["a-token-of-alice-that-nobody-guesses", "a-token-of-bob-that-nobody-guesses"];
    let mut whole: Value = serde_json::from_str(&config(&[])).expect("it is JSON");
    whole["auth"]["tokens"] = json!([
        { "name": "alice", "token": tokens[0] }, { "name": "bob", "token": tokens[1] },
    ]);
    whole["server"]["limits"]["body"] = "4KiB".into();
    let gantry = Gantry::start(&whole.to_string()).await;
    let mut old = Connection::open(&gantry, "/sse", Some(tokens[0])).await;
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }).to_string();
    let at = |path: &str, token: &str| {
        Client::new(&gantry.url(path), "2024-11-05", json!({}))
            .with_header("authorization", &format!("Bearer {token}"))
    };
    // A handle that is unknown, cut, missing.
    for path in ["/messages?sessionId=0123", "/messages?sessionId=", "/messages", "/messages?x=y"] {
        let reply = at(path, tokens[0]).post(ping.clone(), &[]).await;
        assert_eq!(reply.refusal(), (404, -32600), "{path} {reply:?}");
        let message = reply.error()["message"].to_string();
        assert!(message.contains("GET on `/sse`"), "a session is not to be had here: {message}");
    }
    // Somebody else's, and nobody's.
    let own = old.posting.post(ping.clone(), &[]).await;
    assert_eq!(own.status, 202);
    assert_eq!(old.stream.next_message().await["id"], 1, "a ping needs no handshake");
    let reply = at(&old.path, tokens[1]).post(ping.clone(), &[]).await;
    assert_eq!(reply.refusal(), (404, -32600), "{reply:?}");
    let reply = Client::new(&gantry.url(&old.path), "2024-11-05", json!({}));
    let reply = reply.post(ping.clone(), &[]).await;
    assert_eq!(reply.status, 401, "{reply:?}");
    // The wrong type, size, form, method.
    let reply = old.posting.post(ping.clone(), &[("content-type", "text/plain")]).await;
    assert_eq!(reply.status, 415, "{reply:?}");
    let reply = old.posting.post("x".repeat(5000), &[]).await;
    assert_eq!(reply.status, 413, "{reply:?}");
    let reply = old.posting.post("{", &[]).await;
    assert_eq!(reply.refusal(), (400, -32700), "{reply:?}");
    let reply = old.posting.bare("GET", &[]).await.finish().await;
    assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")), "{reply:?}");
    let reply = at("/sse", tokens[0]).post(ping.clone(), &[]).await;
    assert_eq!((reply.status, reply.header("allow")), (405, Some("GET")), "{reply:?}");
    let reply = at("/sse", tokens[0]).bare("GET", &[("accept", "application/json")]).await;
    assert_eq!(reply.status, 406);
    let reply = at("/sse/nobody", tokens[0]).bare("GET", &[]).await;
    assert_eq!(reply.status, 404);
    let foreign = [("accept", "text/event-stream"), ("origin", "https://evil.example.com")];
    assert_eq!(at("/sse", tokens[0]).bare("GET", &foreign).await.status, 403);
    // Before a handshake, and after it.
    let refused = old.ask(2, "tools/list", json!({})).await;
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(2), &json!(-32600)));
    old.initialize("2024-11-05", json!({})).await;
    assert_eq!(old.ask(3, "ping", json!({})).await["id"], 3);
    // GET of the other transport is as it was.
    let reply = at("/mcp", tokens[0]).bare("GET", &[("accept", "text/event-stream")]).await;
    assert_eq!(reply.status, 405);
}

#[tokio::test]
async fn it_can_be_switched_off() {
    let gantry = Gantry::start("legacy_sse: false").await;
    for (verb, path) in [("GET", "/sse"), ("GET", "/sse/gantry"), ("POST", "/messages?sessionId=1")]
    {
        let client = Client::new(&gantry.url(path), "2024-11-05", json!({}));
        let reply = client.bare(verb, &[("accept", "text/event-stream")]).await.finish().await;
        assert_eq!(reply.status, 404, "{path} {reply:?}");
        assert!(reply.message["error"]["message"].to_string().contains("legacy_sse"), "{reply:?}");
    }
}

#[tokio::test]
async fn the_end_of_the_gateway_waits_for_calls_and_ends_the_stream() {
    let slow = |_: &_| {
        Answer::talk(async |talk| {
            talk.progress(0.5).await;
            // As a tool does that works.
            tokio::time::sleep(Duration::from_secs(1)).await;
            Answer::text("done")
        })
    };
    let upstream = Scripted::legacy("2025-11-25").tool("slow", json!({}), slow).start().await;
    let gantry = Setup::new(&config(&[("up", upstream.server())])).start().await;
    ready(&gantry).await;
    let mut old = Connection::open(&gantry, "/sse", None).await;
    old.initialize("2024-11-05", json!({})).await;
    assert_eq!(old.post(&call(1, "up__slow")).await.status, 202);
    assert_eq!(old.stream.next_message().await["method"], "notifications/progress");
    let reading = async {
        let answer = old.stream.next_message().await;
        (answer, old.stream.next_or_end().await)
    };
    let ((status, _), (answer, end)) = tokio::join!(gantry.stop(), reading);
    assert_eq!(answer["result"]["content"][0]["text"], "done", "{answer}");
    assert_eq!(end, None);
    assert!(status.success(), "{status}");
}
