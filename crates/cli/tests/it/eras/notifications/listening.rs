//! Changes, and who hears of them: cases 54 to 58.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{
    super::{in_front_of, ready},
    QUIET,
};
use crate::support::{
    client::{Client, Open, pipe::PipeClient},
    scripted::{Answer, End, Script, Scripted},
    wait::eventually,
};

const LIST_CHANGED: &str = "notifications/tools/list_changed";
const UPDATED: &str = "notifications/resources/updated";
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// A tool, and resources that can be subscribed to.
fn with_resources(script: Script) -> Script {
    let read = |_: &_| Answer::Result(json!({ "contents": [] }));
    script
        .tool("t", json!({}), |_| Answer::text("t"))
        .resource("test://a", json!({}), read)
        .resource("test://b", json!({}), read)
        .resource("test://no", json!({}), read)
}

/// The id of the subscription in a message.
fn subscription(message: &Value) -> &Value {
    let object = if message["result"].is_object() { "result" } else { "params" };
    &message[object]["_meta"][SUBSCRIPTION]
}

/// Reads an update of this URI.
async fn updated(stream: &mut Open, uri: &str) -> Value {
    let message = stream.next_message().await;
    assert_eq!(message["method"], UPDATED, "{message}");
    assert_eq!(message["params"]["uri"], uri, "{message}");
    message
}

/// M->L: a listen for tools and resources, of which one cannot be subscribed to and one is nobody's.
#[tokio::test]
async fn case_54_a_listen_is_acknowledged_first_and_then_told() {
    let script = with_resources(Scripted::legacy("2025-11-25"));
    let script = script.on("resources/subscribe", |seen| match seen.params()["uri"].as_str() {
        Some("test://no") => Answer::error(-32602, "not this one"),
        _ => Answer::Result(json!({})),
    });
    let upstream = script.start().await;
    let gantry = in_front_of(upstream.server()).await;
    ready(&gantry).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    for id in [json!(1), json!("1")] {
        let filter = json!({
            "toolsListChanged": true,
            "promptsListChanged": false,
            "resourceSubscriptions": ["test://a", "test://no", "nobody://x"],
        });
        let mut message =
            client.message("subscriptions/listen", json!({ "notifications": filter }));
        message["id"] = id.clone();
        let mut listen = client.send(&message, &[]).await;
        let acknowledged = listen.next_message().await;
        assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
        assert_eq!(*subscription(&acknowledged), id, "{acknowledged}");
        let honoured = json!({ "toolsListChanged": true, "resourceSubscriptions": ["test://a"] });
        assert_eq!(acknowledged["params"]["notifications"], honoured);
        // Something below a resource is part of it; another resource is not.
        for uri in ["test://b", "test://ab", "test://a/child"] {
            upstream.push(UPDATED, json!({ "uri": uri, "vendor": 1 })).await;
        }
        let message = updated(&mut listen, "test://a/child").await;
        assert_eq!(*subscription(&message), id, "{message}");
        assert_eq!(message["params"]["vendor"], 1, "{message}");
        upstream.push(LIST_CHANGED, json!({})).await;
        let message = listen.next_message().await;
        assert_eq!(message["method"], LIST_CHANGED);
        assert_eq!(*subscription(&message), id, "{message}");
        // With the stream the subscription ends.
        drop(listen);
        let unsubscribed = upstream.wait_for("resources/unsubscribe", 1).await;
        assert_eq!(unsubscribed[0].params()["uri"], "test://a");
        upstream.forget();
    }
}

/// M->L: two listens of one user in lanes of their own, on both of which the upstream tells.
#[tokio::test]
async fn case_54_an_update_is_told_once() {
    let upstream = with_resources(Scripted::legacy("2025-11-25")).start().await;
    let gantry = in_front_of(upstream.server()).await;
    ready(&gantry).await;
    let filter = json!({ "resourceSubscriptions": ["test://a"] });
    let mut listens = Vec::new();
    for capabilities in [json!({ "sampling": {} }), json!({ "elicitation": {} })] {
        let client = Client::modern(&gantry.url("/mcp"), capabilities);
        let mut listen = client.listen(filter.clone()).await;
        let acknowledged = listen.next_message().await;
        assert_eq!(acknowledged["params"]["notifications"], filter, "{acknowledged}");
        listens.push(listen);
    }
    let subscribed = upstream.wait_for("resources/subscribe", 2).await;
    assert_ne!(subscribed[0].session(), subscribed[1].session());
    upstream.wait_for_streams(3).await;
    assert_eq!(upstream.push_now(UPDATED, &json!({ "uri": "test://a" })), 3);
    for listen in &mut listens {
        updated(listen, "test://a").await;
        let more = listen.messages_within(QUIET).await;
        assert_eq!(more, [] as [Value; 0]);
    }
}

/// M->*: an upstream's list changes while a client has a call open and listens to nothing.
#[tokio::test]
async fn case_55_without_a_listen_nothing_is_sent_and_the_next_list_is_fresh() {
    for script in [Scripted::legacy("2025-11-25"), Scripted::modern()] {
        let done = Arc::new(Notify::new());
        let end = Arc::clone(&done);
        let script = script.tool("slow", json!({}), move |_| {
            let end = Arc::clone(&end);
            Answer::talk(async move |talk| {
                talk.progress(0.5).await;
                end.notified().await;
                Answer::text("done")
            })
        });
        let upstream = script.start().await;
        let gantry = in_front_of(upstream.server()).await;
        ready(&gantry).await;
        let client = Client::modern(&gantry.url("/mcp/up"), json!({}));
        let params = json!({ "name": "slow", "_meta": { "progressToken": 1 } });
        let call = client.start("tools/call", params).await;
        upstream.change(|script| script.tool("more", json!({}), |_| Answer::text("more")));
        upstream.push(LIST_CHANGED, json!({})).await;
        eventually("the fresh list", async || {
            (client.tool_names().await == ["slow", "more"]).then_some(())
        })
        .await;
        done.notify_one();
        let reply = call.finish().await;
        assert_eq!(reply.messages.len(), 1, "{reply:?}");
        assert_eq!(reply.messages[0]["method"], "notifications/progress", "{reply:?}");
    }
}

/// Whether the newest listen that the upstream saw asks for this URI.
fn asks_for(upstream: &Scripted, uri: &str) -> bool {
    let listens = upstream.seen_of("subscriptions/listen");
    let filter = listens.last().map(|seen| seen.params()["notifications"].clone());
    let filter = filter.unwrap_or_default();
    filter["resourceSubscriptions"].as_array().is_some_and(|uris| uris.contains(&json!(uri)))
}

/// L->M: subscribe twice, unsubscribe twice; a URI that the upstream does not honour.
#[tokio::test]
async fn case_56_a_subscription_lasts_until_its_last_end() {
    let honoured = |filter: &Value| {
        let mut filter = filter.clone();
        if let Some(uris) = filter["resourceSubscriptions"].as_array_mut() {
            uris.retain(|uri| uri != "test://no");
        }
        filter
    };
    let script = with_resources(Scripted::modern()).acknowledge(honoured);
    let upstream = script.start().await;
    let gantry = in_front_of(upstream.server()).await;
    ready(&gantry).await;
    let client = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    let mut stream = client.get().await;
    let ask = async |method: &str, uri: &str| client.request(method, json!({ "uri": uri })).await;
    for _ in 0..2 {
        assert_eq!(*ask("resources/subscribe", "test://a").await.result(), json!({}));
    }
    upstream.push(UPDATED, json!({ "uri": "test://a" })).await;
    let message = updated(&mut stream, "test://a").await;
    assert!(message["params"]["_meta"].is_null(), "that is of the other era: {message}");
    assert_eq!(*ask("resources/unsubscribe", "test://a").await.result(), json!({}));
    upstream.push(UPDATED, json!({ "uri": "test://a/1" })).await;
    updated(&mut stream, "test://a/1").await;
    assert_eq!(*ask("resources/unsubscribe", "test://a").await.result(), json!({}));
    eventually("a listen without the URI", async || {
        (!asks_for(&upstream, "test://a")).then_some(())
    })
    .await;
    // The old stream is heard a little longer, but nobody is told.
    upstream.push_now(UPDATED, &json!({ "uri": "test://a" }));
    upstream.wait_for_streams(1).await;
    assert_eq!(upstream.push_now(UPDATED, &json!({ "uri": "test://a" })), 0);

    let refused = ask("resources/subscribe", "test://no").await;
    assert_eq!(refused.refusal(), (200, -32602), "{refused:?}");
    let heard = stream.messages_within(QUIET).await;
    assert_eq!(heard, [] as [Value; 0]);
    assert!(upstream.seen_of("resources/subscribe").is_empty());
}

/// L->M: a second subscription, which the upstream is slow to acknowledge; meanwhile something
/// happens on the old stream.
#[tokio::test]
async fn case_56_nothing_is_missed_while_a_subscription_changes() {
    let acknowledge = Arc::new(Notify::new());
    let gate = Arc::clone(&acknowledge);
    let slow = move |seen: &crate::support::scripted::Seen| {
        if !seen.params().to_string().contains("test://b") {
            return Answer::Default;
        }
        let gate = Arc::clone(&gate);
        Answer::talk(async move |talk| {
            gate.notified().await;
            let meta = json!({ SUBSCRIPTION: talk.seen.id() });
            let filter = talk.seen.params()["notifications"].clone();
            let params = json!({ "_meta": meta, "notifications": filter });
            talk.notify("notifications/subscriptions/acknowledged", params).await;
            talk.notify(UPDATED, json!({ "uri": "test://b", "_meta": meta })).await;
            Answer::Hang
        })
    };
    let script = with_resources(Scripted::modern()).on("subscriptions/listen", slow);
    let upstream = script.start().await;
    let gantry = in_front_of(upstream.server()).await;
    ready(&gantry).await;
    let client = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    let mut stream = client.get().await;
    client.request("resources/subscribe", json!({ "uri": "test://a" })).await.result();
    let old = upstream.seen_of("subscriptions/listen").pop().expect("a listen for the first");
    let subscribing = client.request("resources/subscribe", json!({ "uri": "test://b" }));
    let meanwhile = async {
        eventually("the second listen", async || asks_for(&upstream, "test://b").then_some(()))
            .await;
        assert_eq!(upstream.push_now(UPDATED, &json!({ "uri": "test://a/1" })), 1);
        updated(&mut stream, "test://a/1").await;
        assert_eq!(upstream.push_now(UPDATED, &json!({ "uri": "test://a/2" })), 1);
        acknowledge.notify_one();
    };
    let (subscribed, ()) = tokio::join!(subscribing, meanwhile);
    assert_eq!(*subscribed.result(), json!({}), "{subscribed:?}");
    let mut uris: Vec<_> = Vec::new();
    for _ in 0..2 {
        uris.push(stream.next_message().await["params"]["uri"].clone());
    }
    uris.sort_by_key(Value::to_string);
    assert_eq!(uris, ["test://a/2", "test://b"]);
    assert_eq!(old.ended().await, End::Abandoned, "the old stream is let go");
}

/// *->M: the upstream's listen stream breaks, and ends well.
#[tokio::test]
async fn case_57_a_broken_listen_is_opened_again_and_everything_counts_as_changed() {
    let upstream = with_resources(Scripted::modern()).start().await;
    let gantry = in_front_of(upstream.server()).await;
    ready(&gantry).await;
    let url = gantry.url("/mcp");
    let legacy = Client::legacy(&url, "2025-11-25", json!({})).await;
    let mut stream = legacy.get().await;
    legacy.request("resources/subscribe", json!({ "uri": "test://a" })).await.result();
    let modern = Client::modern(&url, json!({}));
    let filter = json!({ "toolsListChanged": true, "resourceSubscriptions": ["test://b"] });
    let mut listen = modern.listen(filter).await;
    listen.next_message().await;
    eventually("a listen for both", async || {
        (asks_for(&upstream, "test://a") && asks_for(&upstream, "test://b")).then_some(())
    })
    .await;
    upstream.wait_for_streams(1).await;
    for well in [false, true] {
        let before = upstream.seen_of("subscriptions/listen").len();
        if well {
            upstream.end_listens();
        } else {
            upstream.break_streams();
        }
        upstream.wait_for("subscriptions/listen", before + 1).await;
        let expected: [(&mut Open, &[&str]); 2] = [
            (&mut stream, &["notifications/resources/list_changed", UPDATED, LIST_CHANGED]),
            (&mut listen, &[UPDATED, LIST_CHANGED]),
        ];
        for (stream, expected) in expected {
            let mut methods = Vec::new();
            for _ in expected {
                methods.push(stream.next_message().await["method"].clone());
            }
            methods.sort_by_key(Value::to_string);
            assert_eq!(methods, expected, "one of each");
            let more = stream.messages_within(QUIET).await;
            assert_eq!(more, [] as [Value; 0]);
        }
        // The new stream is as good as the old one was.
        upstream.push(UPDATED, json!({ "uri": "test://a" })).await;
        updated(&mut stream, "test://a").await;
    }
}

/// M->*: the gateway is told to end while clients listen, over HTTP and on a pipe.
#[tokio::test]
async fn case_58_a_listen_ends_with_its_result() {
    let upstream = with_resources(Scripted::legacy("2025-11-25")).start().await;
    let gantry = in_front_of(upstream.server()).await;
    ready(&gantry).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let filter = json!({ "toolsListChanged": true });
    let mut message = client.message("subscriptions/listen", json!({ "notifications": filter }));
    message["id"] = json!("mine");
    let mut listen = client.send(&message, &[]).await;
    listen.next_message().await;
    let mut pipe = PipeClient::attach(&gantry);
    message["id"] = json!(9);
    pipe.send(&message).await;
    let acknowledged = pipe.next().await;
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(*subscription(&acknowledged), 9);

    let over_http = async {
        let end = listen.next_message().await;
        assert_eq!(end["id"], "mine", "{end}");
        assert_eq!(end["result"]["resultType"], "complete", "{end}");
        assert_eq!(*subscription(&end), "mine", "{end}");
        assert_eq!(listen.next_or_end().await, None, "then it closes");
    };
    let on_pipe = async {
        let cancelled = pipe.next().await;
        assert_eq!(cancelled["method"], "notifications/cancelled", "{cancelled}");
        assert_eq!(cancelled["params"]["requestId"], 9, "{cancelled}");
        let end = pipe.next().await;
        assert_eq!(end["id"], 9, "{end}");
        assert_eq!(end["result"]["resultType"], "complete", "{end}");
        assert_eq!(*subscription(&end), 9, "{end}");
    };
    let started = std::time::Instant::now();
    let ((status, log), (), ()) = tokio::join!(gantry.stop(), over_http, on_pipe);
    assert!(status.success(), "{status}: {log}");
    assert!(started.elapsed() < Duration::from_secs(10), "listens hold the end up");
}
