//! Upstreams that speak HTTP+SSE, the transport of 2024-11-05, and nothing else: case 20, and what
//! comes of it.

use std::time::Duration;

use serde_json::json;

use super::{LEGACY, with_echo, works};
use crate::{
    eras::{config, in_front_of, ready, wait_for_state},
    support::{
        client::Client,
        gantry::Gantry,
        scripted::{Answer, Script, Scripted},
        wait::eventually,
    },
};

/// What a POST to the address of the stream is answered, with a status.
type Refusal = fn(u16) -> Answer;

/// A server of the revision that had this transport.
fn old() -> Script {
    with_echo(Scripted::legacy("2024-11-05")).over_sse()
}

/// *->L: POST is answered in each of the ways of such servers, and GET opens with `endpoint`.
#[tokio::test]
async fn case_20_an_upstream_with_http_sse_alone_is_spoken_to_by_that() {
    let refusals: [(&str, Refusal, u16); 3] = [
        ("not-allowed", Answer::status, 405),
        ("html", |status| Answer::body(status, "text/html", "Cannot POST /mcp"), 404),
        ("empty", Answer::status, 400),
    ];
    let mut upstreams = Vec::new();
    for (name, refusal, status) in refusals {
        let script = old().first(move |seen| {
            (seen.verb == "POST" && seen.path == "/mcp").then(|| refusal(status))
        });
        upstreams.push((name, script.start().await));
    }
    let servers = upstreams.iter().map(|(name, upstream)| {
        let mut server = upstream.server();
        server["headers"] = json!({ "Authorization": "Bearer right" });
        (*name, server)
    });
    let gantry = Gantry::start(&config(&servers.collect::<Vec<_>>())).await;
    for (name, upstream) in &upstreams {
        let status = wait_for_state(&gantry, name, "ready").await;
        assert_eq!(status["era"], "legacy", "{status}");
        assert_eq!(status["revision"], "2024-11-05", "{status}");
        assert_eq!(status["transport"], "sse", "{status}");
        works(&gantry, name).await;
        let seen = upstream.seen();
        let refused: Vec<_> = seen.iter().filter(|seen| seen.path == "/mcp").collect();
        let tried = ["server/discover", "initialize", ""];
        assert_eq!(refused.iter().map(|seen| seen.method()).collect::<Vec<_>>(), tried, "{seen:?}");
        assert_eq!(refused[2].verb, "GET", "{seen:?}");
        for seen in seen {
            assert_eq!(seen.header("authorization"), Some("Bearer right"), "{seen:?}");
            if seen.path != "/mcp" {
                assert_eq!(seen.header("mcp-protocol-version"), None, "{seen:?}");
                assert_eq!(seen.session(), None, "{seen:?}");
                assert_eq!(seen.claim(), None, "{seen:?}");
            }
        }
    }
}

/// *->L: what has neither is said to be no server, and why.
#[tokio::test]
async fn case_20_what_takes_neither_post_nor_get_is_no_server() {
    let neither = Scripted::legacy(LEGACY).first(|_| Some(Answer::status(404)));
    let talking = Scripted::legacy(LEGACY).first(|seen| {
        let get = seen.verb == "GET";
        let stream = || Answer::body(200, "text/event-stream", "data: {}\n\n");
        Some(if get { stream() } else { Answer::status(405) })
    });
    for script in [neither, talking] {
        let upstream = script.start().await;
        let gantry = in_front_of(upstream.server()).await;
        let state = wait_for_state(&gantry, "up", "not_mcp").await;
        let detail = state["detail"].as_str().unwrap_or_default();
        assert!(detail.contains("is the path right?"), "{state}");
    }
}

/// *->L: the address for messages is of another origin, where the credentials must not go.
#[tokio::test]
async fn case_20_messages_go_to_no_other_origin() {
    let thief = old().start().await;
    let away = thief.url().replace("/mcp", "/messages?session=session-1");
    let events = format!("event: endpoint\ndata: {away}\n\n");
    let script = old().first(move |seen| {
        (seen.verb == "GET").then(|| Answer::body(200, "text/event-stream", events.clone()))
    });
    let upstream = script.start().await;
    let mut server = upstream.server();
    server["headers"] = json!({ "Authorization": "Bearer right" });
    let gantry = in_front_of(server).await;
    let state = wait_for_state(&gantry, "up", "unreachable").await;
    let detail = state["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("own origin"), "{state}");
    assert_eq!(state["code"], "E0204", "{state}");
    assert!(thief.seen().is_empty(), "{:?}", thief.seen());
}

/// Which transport is tried is settled by configuration, and remembered over a restart.
#[tokio::test]
async fn a_transport_that_is_known_is_not_asked_for() {
    let upstream = old().start().await;
    let mut server = upstream.server();
    server["transport"] = "sse".into();
    let gantry = in_front_of(server.clone()).await;
    assert_eq!(ready(&gantry).await["transport"], "sse");
    works(&gantry, "up").await;
    assert_eq!(upstream.seen_of("server/discover").len(), 0);
    drop(gantry);

    server["transport"] = "streamable".into();
    let gantry = in_front_of(server.clone()).await;
    let state = wait_for_state(&gantry, "up", "not_mcp").await;
    assert_eq!(state["transport"], "http", "{state}");
    drop(gantry);

    server["transport"] = "auto".into();
    let gantry = in_front_of(server).await;
    ready(&gantry).await;
    upstream.forget();
    let gantry = gantry.restart().await;
    assert_eq!(ready(&gantry).await["transport"], "sse");
    let posted = upstream.seen().into_iter().filter(|seen| seen.path == "/mcp");
    assert!(posted.clone().all(|seen| seen.verb == "GET"), "{:?}", posted.collect::<Vec<_>>());
}

/// A server that is replaced by one with Streamable HTTP is found out when it refuses the other.
#[tokio::test]
async fn an_upstream_that_gave_http_sse_up_is_spoken_to_by_what_it_has_now() {
    let upstream = old().start().await;
    let gantry = in_front_of(upstream.server()).await;
    assert_eq!(ready(&gantry).await["transport"], "sse");
    upstream.turn_into(with_echo(Scripted::legacy(LEGACY)));
    upstream.break_streams();
    let state = eventually("another transport", async || {
        let state = ready(&gantry).await;
        (state["transport"] == "http").then_some(state)
    });
    assert_eq!(state.await["revision"], LEGACY);
    works(&gantry, "up").await;
}

/// The stream is the session: when it breaks, the next one begins with a handshake.
#[tokio::test]
async fn a_stream_that_broke_is_opened_again() {
    let script = old().tool("hang", json!({}), |_| Answer::Hang);
    let upstream = script.start().await;
    let gantry = in_front_of(upstream.server()).await;
    ready(&gantry).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let (reply, ()) = tokio::join!(client.call("up__hang", json!({})), async {
        upstream.wait_for("tools/call", 1).await;
        upstream.forget();
        upstream.break_streams();
    });
    assert!(reply.message.to_string().contains("upstream_lost"), "{reply:?}");
    upstream.wait_for("initialize", 1).await;
    works(&gantry, "up").await;
    assert_eq!(upstream.seen_of("server/discover").len(), 0, "what is known is not asked again");
    // What it says by itself is heard on the new stream.
    upstream.change(|script| script.tool("more", json!({}), |_| Answer::text("more")));
    upstream.push("notifications/tools/list_changed", json!({})).await;
    eventually("another tool", async || {
        client.tool_names().await.contains(&"up__more".to_owned()).then_some(())
    })
    .await;
}

/// L->L: questions, progress and log messages of a call; each session has a stream of its own.
#[tokio::test]
async fn a_session_is_asked_back_over_http_sse() {
    let script = old().tool("ask", json!({}), |_| {
        Answer::talk(async |talk| {
            talk.progress(0.5).await;
            let answer = talk.ask("sampling/createMessage", json!({ "messages": [] })).await;
            Answer::text(answer["result"]["model"].to_string())
        })
    });
    let upstream = script.start().await;
    let gantry = in_front_of(upstream.server()).await;
    ready(&gantry).await;
    let url = gantry.url("/mcp");
    let mut clients = Vec::new();
    for name in ["ada", "bob"] {
        let client = Client::legacy(&url, "2024-11-05", json!({ "sampling": {} })).await;
        clients.push((name, client.answering(move |_| json!({ "result": { "model": name } }))));
    }
    let call = || {
        let meta = json!({ "progressToken": "t" });
        json!({ "name": "up__ask", "arguments": {}, "_meta": meta })
    };
    let ask = async |client: &Client| client.request("tools/call", call()).await;
    let (first, second) = tokio::join!(ask(&clients[0].1), ask(&clients[1].1));
    for (reply, (name, _)) in [first, second].iter().zip(&clients) {
        assert_eq!(reply.text(), format!("\"{name}\""), "{reply:?}");
        let progress = reply.notifications("notifications/progress");
        assert_eq!(progress[0]["params"]["progressToken"], "t", "{reply:?}");
    }
    upstream.wait_for_streams(3).await;
    clients[0].1.delete().await;
    upstream.wait_for_streams(2).await;
}

/// M->L: a lane that may be asked back carries one call at a time, unless it is one session's.
#[tokio::test]
async fn a_lane_on_one_stream_that_may_be_asked_back_carries_one_call_at_a_time() {
    let upstream = old().tool("hang", json!({}), |_| Answer::Hang).start().await;
    let gantry = in_front_of(upstream.server()).await;
    ready(&gantry).await;
    let asked = Client::modern(&gantry.url("/mcp"), json!({ "sampling": {} }));
    let unasked = Client::modern(&gantry.url("/mcp"), json!({}));
    tokio::select! {
        hung = asked.call("up__hang", json!({})) => panic!("nobody answers it: {hung:?}"),
        () = async {
            upstream.wait_for("tools/call", 1).await;
            let second = asked.call("up__echo", json!({}));
            let second = tokio::time::timeout(Duration::from_secs(1), second).await;
            assert!(second.is_err(), "it waits for its turn: {second:?}");
            assert_eq!(unasked.call("up__echo", json!({})).await.text(), "echoed");
            let calls = upstream.seen_of("tools/call");
            assert_eq!(calls.len(), 2, "{calls:?}");
        } => {}
    }
}

/// An answer that is too large ends its call at once, and no other.
#[tokio::test]
async fn an_event_that_is_too_large_ends_the_call_that_it_answers() {
    let script = old()
        .tool("large", json!({}), |_| Answer::text("x".repeat(100_000)))
        // Many servers write the id last.
        .tool("last", json!({}), |_| {
            Answer::talk(async |talk| {
                let (long, id) = ("x".repeat(100_000), talk.seen.id());
                let said = format!(r#"{{"result":{{"a":"{long}"}},"jsonrpc":"2.0","id":{id}}}"#);
                talk.raw(format!("event: message\ndata: {said}\n\n")).await;
                Answer::Hang
            })
        })
        .tool("late", json!({}), |_| {
            Answer::talk(async |talk| {
                talk.progress(0.5).await;
                talk.ask("ping", json!({})).await;
                Answer::text("fine")
            })
        })
        .tool("hang", json!({}), |_| Answer::Hang);
    let upstream = script.start().await;
    let mut server = upstream.server();
    server["timeout"] = "10m".into();
    server["max_message"] = "64KiB".into();
    let gantry = in_front_of(server).await;
    ready(&gantry).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    tokio::select! {
        hung = client.call("up__hang", json!({})) => panic!("nobody answers it: {hung:?}"),
        () = async {
            upstream.wait_for("tools/call", 1).await;
            for tool in ["up__large", "up__last"] {
                let failed = client.call(tool, json!({})).await.message.to_string();
                assert!(failed.contains("65536") && failed.contains("E0208"), "{tool}: {failed}");
            }
            assert_eq!(client.call("up__late", json!({})).await.text(), "fine");
        } => {}
    }
}
