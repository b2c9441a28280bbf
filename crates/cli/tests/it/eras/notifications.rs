//! What is said beside results: progress and logs (cases 50 to 53), changes and subscriptions (54
//! to 58), cancelling and going away (59 to 61).

mod cancelling;
mod listening;
mod resuming;

use std::{path::Path, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::in_front_of;
use crate::support::{
    client::{Client, Open, Reply},
    scripted::{Answer, Script, Scripted, stdio::StdioScript},
    wait::eventually,
};

/// The key under which a modern request asks for logs.
const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";

/// How long is looked for what must not come. What could send it has been done before.
const QUIET: Duration = Duration::from_millis(400);

/// Calls `up__t` with this progress token.
async fn start(client: &Client, token: &Value) -> Open {
    let meta = json!({ "progressToken": token });
    client.start("tools/call", json!({ "name": "up__t", "_meta": meta })).await
}

/// Writes a file that a scripted program waits for.
fn touch(path: &Path) {
    std::fs::write(path, "").expect("a file can be written in one's own folder");
}

/// A server whose tool `t` waits until two calls are open, and then tells progress.
fn in_pairs(script: Script) -> Script {
    let both = Arc::new(Barrier::new(2));
    script.tool("t", json!({}), move |_| {
        let both = Arc::clone(&both);
        Answer::talk(async move |talk| {
            both.wait().await;
            talk.progress(0.25).await;
            talk.progress(0.75).await;
            both.wait().await;
            Answer::text("done")
        })
    })
}

/// Panics unless progress came, and under this token alone.
#[track_caller]
fn assert_progress(reply: &Reply, token: &Value, values: &[f64]) {
    let seen = reply.notifications("notifications/progress");
    let tokens: Vec<_> = seen.iter().map(|message| &message["params"]["progressToken"]).collect();
    assert_eq!(tokens, vec![token; values.len()], "{reply:?}");
    let seen = seen.iter().filter_map(|message| message["params"]["progress"].as_f64());
    assert_eq!(seen.collect::<Vec<_>>(), values, "{reply:?}");
}

/// M->L: two calls with tokens that differ in their type alone, on one lane, over HTTP.
#[tokio::test]
async fn case_50_progress_comes_under_the_caller_s_own_token() {
    let upstream = in_pairs(Scripted::legacy("2025-11-25")).start().await;
    let gantry = in_front_of(upstream.server()).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let (number, text) = (json!(1), json!("1"));
    let calls = async { tokio::join!(start(&client, &number), start(&client, &text)) };
    let (first, second) = calls.await;
    let (first, second) = tokio::join!(first.finish(), second.finish());
    assert_progress(&first, &number, &[0.25, 0.75]);
    assert_progress(&second, &text, &[0.25, 0.75]);
    let seen = upstream.wait_for("tools/call", 2).await;
    assert_eq!(seen[0].session(), seen[1].session());
    let token = |at: usize| seen[at].meta()["progressToken"].clone();
    assert!(!token(0).is_null() && token(0) != token(1), "{seen:?}");
}

/// M->L: the same on the one pipe of a program, where only the token tells.
#[tokio::test]
async fn case_50_progress_on_a_pipe_comes_under_the_caller_s_own_token() {
    let script = StdioScript::new("2025-11-25");
    let go = script.path("go");
    let steps = json!([
        { "wait_for_file": go }, { "progress": 0.5 }, { "progress": 1 },
        { "result": { "content": [{ "type": "text", "text": "done" }] } },
    ]);
    let script = script.tool("t", json!({}), steps);
    let gantry = in_front_of(script.server()).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let (number, text) = (json!(7), json!("seven"));
    let calls = async { tokio::join!(start(&client, &number), start(&client, &text)) };
    let ready = async {
        script.wait_for("tools/call", 2).await;
        touch(&go);
    };
    let ((first, second), ()) = tokio::join!(calls, ready);
    let (first, second) = tokio::join!(first.finish(), second.finish());
    assert_progress(&first, &number, &[0.5, 1.0]);
    assert_progress(&second, &text, &[0.5, 1.0]);
    // Who gave no token is told nothing, and neither is the upstream.
    let reply = client.call("up__t", json!({})).await;
    assert_eq!(reply.messages, [] as [Value; 0], "{reply:?}");
    let seen = script.wait_for("tools/call", 3).await;
    assert!(seen[2].message["params"]["_meta"]["progressToken"].is_null(), "{seen:?}");
    assert_eq!(seen[0].start, seen[1].start);
}

/// A server whose tool `t` logs at two levels.
fn logging(script: Script) -> Script {
    script.tool("t", json!({}), |_| {
        let log = |level: &str| {
            let params = json!({ "level": level, "data": { "said": level } });
            json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": params })
        };
        Answer::Stream(vec![log("debug"), log("warning")], Box::new(Answer::text("done")))
    })
}

/// The levels of the logs that came before a result.
fn levels(reply: &Reply) -> Vec<&str> {
    let logs = reply.notifications("notifications/message").into_iter();
    logs.filter_map(|log| log["params"]["level"].as_str()).collect()
}

/// M->L: one caller asks for logs, one does not; both are on one lane.
#[tokio::test]
async fn case_51_only_who_asks_for_logs_gets_them() {
    let upstream = logging(Scripted::legacy("2025-11-25")).start().await;
    let gantry = in_front_of(upstream.server()).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let asking = |level: &str| {
        let params = json!({ "name": "up__t", "_meta": { LOG_LEVEL: level } });
        client.request("tools/call", params)
    };
    assert_eq!(levels(&asking("info").await), ["warning"]);
    assert_eq!(levels(&client.call("up__t", json!({})).await), [] as [&str; 0]);
    assert_eq!(levels(&asking("info").await), ["warning"]);
    let told = upstream.seen_of("logging/setLevel");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].params()["level"], "info");
    // Who wants less is alone now; who wants more is told of once.
    assert_eq!(levels(&asking("error").await), [] as [&str; 0]);
    assert_eq!(upstream.seen_of("logging/setLevel")[1].params()["level"], "error");
    let both = async { tokio::join!(asking("debug"), asking("debug")) };
    let (first, second) = both.await;
    assert_eq!(levels(&first), ["debug", "warning"]);
    assert_eq!(levels(&second), ["debug", "warning"]);
    assert_eq!(upstream.seen_of("logging/setLevel").len(), 3);
}

/// L->L stdio: a log that could belong to either of two calls.
#[tokio::test]
async fn case_52_a_log_that_could_be_anybody_s_is_the_operator_s() {
    let script = StdioScript::new("2025-11-25");
    let (go, end) = (script.path("go"), script.path("end"));
    let secret = "between two calls";
    let log = json!({ "level": "error", "data": secret });
    let script = script.tool(
        "t",
        json!({}),
        json!([
            { "wait_for_file": go },
            { "notify": { "method": "notifications/message", "params": log } },
            { "wait_for_file": end },
            { "result": { "content": [{ "type": "text", "text": "done" }] } },
        ]),
    );
    let gantry = in_front_of(script.server()).await;
    let url = gantry.url("/mcp");
    let first = Client::legacy(&url, "2025-11-25", json!({})).await;
    let second = Client::legacy(&url, "2025-11-25", json!({})).await;
    let (mut first_stream, mut second_stream) = (first.get().await, second.get().await);
    let steps = async {
        let seen = script.wait_for("tools/call", 2).await;
        assert_eq!(seen[0].pid, seen[1].pid, "they share a lane");
        touch(&go);
        eventually("the log of the gateway", async || {
            (gantry.log().matches(secret).count() == 2).then_some(())
        })
        .await;
        touch(&end);
    };
    let calls = [first.call("up__t", json!({})), second.call("up__t", json!({}))];
    let [one, two] = calls;
    let (one, two, ()) = tokio::join!(one, two, steps);
    for reply in [one, two] {
        assert_eq!(reply.text(), "done");
        assert_eq!(reply.messages, [] as [Value; 0], "{reply:?}");
    }
    for stream in [&mut first_stream, &mut second_stream] {
        let heard = stream.messages_within(QUIET).await;
        assert_eq!(heard, [] as [Value; 0]);
    }
    // A call that is alone is the one that is meant.
    let reply = first.call("up__t", json!({})).await;
    assert_eq!(levels(&reply), ["error"], "{reply:?}");
}

/// L->M: a call before a level is set, and one after.
#[tokio::test]
async fn case_53_the_level_of_a_session_is_in_its_requests() {
    let upstream = logging(Scripted::modern()).start().await;
    let gantry = in_front_of(upstream.server()).await;
    let client = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    client.call("up__t", json!({})).await;
    let set = client.request("logging/setLevel", json!({ "level": "notice" })).await;
    assert_eq!(*set.result(), json!({}), "{set:?}");
    let reply = client.call("up__t", json!({})).await;
    assert_eq!(levels(&reply), ["warning"], "{reply:?}");
    let log = reply.notifications("notifications/message")[0];
    assert_eq!(log["params"]["data"], json!({ "said": "warning" }));
    let seen = upstream.wait_for("tools/call", 2).await;
    assert_eq!(seen[0].meta()[LOG_LEVEL], Value::Null, "{seen:?}");
    assert_eq!(seen[1].meta()[LOG_LEVEL], "notice", "{seen:?}");
    assert!(upstream.seen_of("logging/setLevel").is_empty());
    let refused = client.request("logging/setLevel", json!({ "level": "loud" })).await;
    assert_eq!(refused.refusal(), (200, -32602), "{refused:?}");
}
