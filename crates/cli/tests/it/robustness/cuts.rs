//! Streams that are cut: clients that come again with `Last-Event-ID` get all that was promised.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{sync::Notify, task::JoinSet};

use super::{assert_calm, config_with, gate::Gate};
use crate::{
    eras::config,
    support::{
        client::{Client, Open},
        gantry::Gantry,
        node, process,
        scripted::{Answer, Scripted},
        wait::eventually,
    },
};

const SESSIONS: usize = 4;
/// Of each session.
const CUTS: u32 = 30;
/// Read between two cuts.
const PIECE: u32 = 11;
const REPORTS: u32 = CUTS * PIECE + 20;

/// A server whose tool `count` tells progress and logs, one after the other.
async fn counting(revision: &str) -> Scripted {
    let count = |_: &_| {
        Answer::talk(async |talk| {
            for number in 0..REPORTS {
                if number % 2 == 0 {
                    talk.progress(f64::from(number)).await;
                } else {
                    let log = json!({ "level": "info", "data": number });
                    talk.notify("notifications/message", log).await;
                }
                // As a tool does that works; nobody waits for this.
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Answer::text("counted")
        })
    };
    Scripted::legacy(revision).tool("count", json!({}), count).start().await
}

/// The number that a notification tells.
fn number(message: &Value) -> Option<f64> {
    let params = &message["params"];
    params["data"].as_f64().or_else(|| params["progress"].as_f64())
}

/// Reads at most `most` messages; notes the last id. Returns whether the answer was among them.
async fn read(open: &mut Open, most: u32, last: &mut String, heard: &mut Vec<Value>) -> bool {
    let mut count = 0;
    while count < most {
        let Some(event) = open.next_event().await else { return false };
        if let Some(id) = event.id {
            *last = id;
        }
        if event.data.is_empty() {
            continue;
        }
        let message: Value = serde_json::from_str(&event.data).expect("a message is JSON");
        count += 1;
        let is_answer = message["method"].is_null();
        heard.push(message);
        if is_answer {
            return true;
        }
    }
    false
}

/// Calls, is cut again and again, and hears everything once and in order.
async fn count_through_cuts(client: Client, cuts: Arc<AtomicUsize>) {
    let params = json!({ "name": "up__count", "_meta": { "progressToken": "t" } });
    let mut open = client.start("tools/call", params).await;
    let (mut last, mut heard) = (String::new(), Vec::new());
    while !read(&mut open, PIECE, &mut last, &mut heard).await {
        drop(open);
        cuts.fetch_add(1, Ordering::Relaxed);
        open = client.resume(&last).await;
        assert_eq!(open.status, 200, "{open:?}");
        assert_eq!(open.headers["gantry-replay"], "complete", "{open:?}");
    }
    let answer = heard.pop().expect("the answer came last");
    assert_eq!(answer["result"]["content"][0]["text"], "counted", "{answer}");
    let numbers: Vec<_> = heard.iter().filter_map(number).collect();
    let expected: Vec<_> = (0..REPORTS).map(f64::from).collect();
    assert_eq!(numbers, expected, "each once and in order");
    // The answer is there for a while, for a client that did not get it.
    let mut late = client.resume(&last).await;
    assert_eq!((late.status, late.next_or_end().await), (200, None), "there is nothing after it");
}

#[tokio::test]
async fn a_stream_that_is_cut_a_hundred_times_under_load_loses_nothing() {
    let upstream = counting("2025-11-25").await;
    let gantry = Gantry::start(&config(&[("up", upstream.server())])).await;
    let cuts = Arc::new(AtomicUsize::new(0));
    let mut counting = JoinSet::new();
    for session in 0..SESSIONS {
        let revision = ["2025-11-25", "2025-06-18"][session % 2];
        let client = Client::legacy(&gantry.url("/mcp"), revision, json!({})).await;
        counting.spawn(count_through_cuts(client, Arc::clone(&cuts)));
    }
    while let Some(counted) = counting.join_next().await {
        counted.expect("a client does not panic");
    }
    let cuts = cuts.load(Ordering::Relaxed);
    assert!(cuts >= 100, "{cuts} cuts are too few");
    println!("{cuts} cuts of {SESSIONS} streams of {REPORTS} events");
    let (status, log) = gantry.stop().await;
    assert!(status.success(), "{status}");
    assert_calm(&log);
}

/// What is not kept any more is told: by a header while there is something to go on with.
#[tokio::test]
async fn a_client_that_is_away_for_too_much_is_told() {
    let upstream = counting("2025-11-25").await;
    let more = json!({ "streams": { "replay_events": 20 } });
    let gantry = Gantry::start(&config_with(&[("up", upstream.server())], &more)).await;
    let client = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    let params = json!({ "name": "up__count", "_meta": { "progressToken": "t" } });
    let mut open = client.start("tools/call", params).await;
    let (mut last, mut heard) = (String::new(), Vec::new());
    assert!(!read(&mut open, 1, &mut last, &mut heard).await);
    drop(open);
    let rest = eventually("the call has ended", async || {
        let mut again = client.resume(&last).await;
        let (mut at, mut heard) = (String::new(), Vec::new());
        let ended = read(&mut again, REPORTS, &mut at, &mut heard).await;
        (ended && again.headers["gantry-replay"] == "partial").then_some(heard)
    })
    .await;
    assert!(rest.len() <= 20, "{}", rest.len());
    assert_eq!(rest.last().expect("it has ended")["result"]["content"][0]["text"], "counted");
    // What was never there is refused, and what is a stranger's too.
    let stranger = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    for (client, id) in
        [(&stranger, last.as_str()), (&client, "c0123456789abcdef-1"), (&client, "1")]
    {
        let reply = client.resume(id).await.finish().await;
        assert_eq!(reply.status, 410, "{reply:?}");
        assert_eq!(reply.error()["data"]["code"], "E0310");
    }
    assert_eq!(client.request("ping", json!({})).await.status, 200, "the session goes on");
}

/// The standalone stream, over a cut and over a restart.
#[tokio::test]
async fn a_standalone_stream_goes_on_after_a_cut_and_begins_anew_after_a_restart() {
    let upstream = counting("2025-11-25").await;
    let gantry = Gantry::start(&config(&[("up", upstream.server())])).await;
    let client = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    eventually("the tool is there", async || {
        client.tool_names().await.contains(&"up__count".to_owned()).then_some(())
    })
    .await;
    let mut stream = client.get().await;
    let primer = stream.next_event().await.expect("a stream begins with a primer");
    assert_eq!(primer.retry.as_deref(), Some("1000"));
    let last = primer.id.expect("a primer has an id");
    drop(stream);
    upstream.change(|script| script.tool("more", json!({}), |_| Answer::text("more")));
    upstream.push("notifications/tools/list_changed", json!({})).await;
    eventually("the list has changed", async || {
        client.tool_names().await.contains(&"up__more".to_owned()).then_some(())
    })
    .await;
    let mut stream = client.resume(&last).await;
    assert_eq!(stream.next_message().await["method"], "notifications/tools/list_changed");

    // At the end the client is told when to come again.
    let reading = async move {
        let mut retry = None;
        while let Some(event) = stream.next_event().await {
            retry = event.retry.or(retry);
        }
        retry
    };
    let (gantry, retry) = tokio::join!(gantry.restart(), reading);
    assert_eq!(retry.as_deref(), Some("1000"));
    let session = client.session().to_owned();
    let client = Client::new(&gantry.url("/mcp"), "2025-11-25", json!({})).with_session(&session);
    let mut stream = client.resume(&last).await;
    assert_eq!(stream.status, 200);
    assert_eq!(stream.headers["gantry-replay"], "partial");
    assert!(stream.next_event().await.expect("it begins anew").id.is_some());
}

/// A call that hangs at the end of the gateway: its client gets an answer, and no broken stream.
#[tokio::test]
async fn a_call_under_way_at_the_end_is_answered_with_an_error_that_allows_another_try() {
    let upstream = Scripted::legacy("2025-11-25").tool("hang", json!({}), |_| {
        Answer::talk(async |talk| {
            talk.progress(0.5).await;
            Answer::Hang
        })
    });
    let upstream = upstream.start().await;
    let more = json!({ "server": { "limits": { "shutdown": "2s" } } });
    let gantry = Gantry::start(&config_with(&[("up", upstream.server())], &more)).await;
    let client = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    let params = json!({ "name": "up__hang", "_meta": { "progressToken": "t" } });
    let mut open = client.start("tools/call", params).await;
    assert_eq!(open.next_message().await["method"], "notifications/progress");
    let (_, answer) = tokio::join!(gantry.stop(), open.next_message());
    let text = answer.to_string();
    assert_eq!(answer["error"]["data"]["code"], "E0312", "{text}");
}

/// A second stands for the ten minutes that a call may take: it lives by its progress, and the stream
/// on which nothing is said by comments.
#[tokio::test]
async fn a_long_call_lives_by_its_progress_and_a_silent_stream_by_comments() {
    let upstream = Scripted::legacy("2025-11-25").tool("long", json!({}), |_| {
        Answer::talk(async |talk| {
            for number in 0..15 {
                tokio::time::sleep(Duration::from_millis(200)).await;
                talk.progress(f64::from(number)).await;
            }
            Answer::text("done")
        })
    });
    let upstream = upstream.start().await;
    let mut entry = upstream.server();
    entry["timeout"] = "1s".into();
    let more = json!({ "server": { "limits": { "sse_keep_alive": "1s" } } });
    let gantry = Gantry::start(&config_with(&[("up", entry)], &more)).await;
    let client = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    let mut silent = client.get().await;
    assert!(!silent.next_event().await.expect("it begins with a primer").comment);
    let params = json!({ "name": "up__long", "_meta": { "progressToken": "t" } });
    let reply = client.request("tools/call", params).await;
    assert_eq!(reply.text(), "done");
    assert_eq!(reply.notifications("notifications/progress").len(), 15);
    assert!(silent.next_event().await.expect("it is open").comment, "it is a sign of life");
    assert!(silent.next_event().await.expect("it is open").comment);
}

/// The official client resumes by itself when its connection breaks in the middle of a call.
#[tokio::test]
async fn the_typescript_client_gets_the_answer_of_a_call_whose_stream_was_cut() {
    let finish = Arc::new(Notify::new());
    let finished = Arc::clone(&finish);
    let upstream = Scripted::legacy("2025-11-25").tool("slow", json!({}), move |_| {
        let finish = Arc::clone(&finish);
        Answer::talk(async move |talk| {
            talk.progress(1.0).await;
            finish.notified().await;
            talk.progress(2.0).await;
            Answer::text("done")
        })
    });
    let upstream = upstream.start().await;
    let more = json!({ "streams": { "retry": "100ms" } });
    let gantry = Gantry::start(&config_with(&[("up", upstream.server())], &more)).await;
    let mut gate = Gate::before(&gantry.url("/mcp")).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/resuming.cjs");
    let mut command = node::script(script);
    command.arg(gate.url()).arg("up__slow");
    let mut client = process::Process::start("the client", command);
    let said = |text: &'static str| move |_, line: &str| line.contains(text).then_some(());
    let limit = Duration::from_secs(30);
    client.find_line(limit, said("progress 1")).await.expect("the first report comes");
    gate.close();
    finished.notify_one();
    gate.open().await;
    client.find_line(limit, said("progress 2")).await.expect("the second report is replayed");
    client.find_line(limit, said("answer done")).await.expect("the answer is replayed");
    let calls = upstream.seen_of("tools/call").len();
    assert_eq!(calls, 1, "the call was not made again");
}
