//! Many at once: sessions that do nothing, calls, upstreams and tools.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{assert_calm, config_with, good, median, resident};
use crate::{
    eras::config,
    support::{
        client::Client,
        gantry::Gantry,
        scripted::{Answer, Script, Scripted},
        wait::eventually,
    },
};

const SESSIONS: u64 = 1000;
/// What an idle session may cost.
const SESSION_BYTES: u64 = 8 * 1024;
const CALLS: usize = 200;
const UPSTREAMS: usize = 50;
const TOOLS: usize = 20;

/// Opens sessions, some at a time.
async fn open(gantry: &Gantry, count: u64) -> Vec<Client> {
    let mut clients = Vec::new();
    let mut opening = JoinSet::new();
    for _ in 0..count {
        let url = gantry.url("/mcp");
        opening.spawn(async move { Client::legacy(&url, "2025-11-25", json!({})).await });
        if opening.len() >= 32 {
            clients.extend(opening.join_next().await.expect("some are opened"));
        }
    }
    clients.extend(opening.join_all().await);
    clients
}

#[tokio::test]
async fn a_thousand_idle_sessions_and_two_hundred_calls_at_once() {
    let slow = |_: &crate::support::scripted::Seen| {
        Answer::talk(async |_| {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Answer::text("done")
        })
    };
    let upstream = Scripted::legacy("2025-11-25").tool("slow", json!({}), slow).start().await;
    let mut gantry = Gantry::start(&config(&[("up", upstream.server())])).await;
    let pid = gantry.process().id().expect("it runs");
    // What the first ones need is not theirs alone: threads, buffers, tables that grow.
    let mut clients = open(&gantry, 200).await;
    let before = resident(pid);
    clients.extend(open(&gantry, SESSIONS).await);
    let each = resident(pid).saturating_sub(before) / SESSIONS;
    println!("{each} bytes for each of {SESSIONS} idle sessions");
    assert!(each < SESSION_BYTES, "an idle session costs {each} bytes");

    let begun = Instant::now();
    let mut calls = JoinSet::new();
    for client in clients.iter().take(CALLS) {
        let client = client.clone();
        calls.spawn(async move { client.call("up__slow", json!({})).await });
    }
    while let Some(reply) = calls.join_next().await {
        assert_eq!(reply.expect("a call does not panic").text(), "done");
    }
    let took = begun.elapsed();
    println!("{CALLS} calls at once took {took:?}");
    assert!(took < Duration::from_secs(8), "they waited for each other: {took:?}");
    let metrics = super::fetch(&gantry, "/metrics").await;
    let open = metrics.lines().find(|line| line.contains("sessions") && line.ends_with(" 1200"));
    assert!(open.is_some(), "{metrics}");
    let (status, log) = gantry.stop().await;
    assert!(status.success(), "{status}");
    assert_calm(&log);
}

/// Servers with many tools each, and the definitions of a real one.
async fn many() -> Vec<Scripted> {
    let mut upstreams = Vec::new();
    for _ in 0..UPSTREAMS {
        let mut script: Script = Scripted::modern().hints(60_000, "public");
        for tool in 0..TOOLS {
            let definition = json!({
                "description": "Does what its name says, as far as anybody knows. ".repeat(4),
                "inputSchema": { "type": "object", "properties": {
                    "path": { "type": "string", "description": "Where." },
                    "depth": { "type": "integer", "minimum": 0 },
                }, "required": ["path"] },
            });
            script = script.tool(&format!("tool_{tool}"), definition, |_| Answer::text("fine"));
        }
        upstreams.push(script.start().await);
    }
    upstreams
}

/// Lists everything, page by page; returns how many tools there are and how long it took.
async fn list_all(client: &Client) -> (usize, Duration) {
    let begun = Instant::now();
    let (mut count, mut cursor) = (0, Value::Null);
    loop {
        let params = if cursor.is_null() { json!({}) } else { json!({ "cursor": cursor }) };
        let reply = client.request("tools/list", params).await;
        count += reply.result()["tools"].as_array().map_or(0, Vec::len);
        cursor = reply.result()["nextCursor"].clone();
        if cursor.is_null() {
            return (count, begun.elapsed());
        }
    }
}

/// A gateway in front of these servers, all of whose tools are there.
async fn listing(servers: &[(&str, Value)], expected: usize) -> (Gantry, Client) {
    let more = json!({ "builtin": false, "startup": { "first_offer_wait": "1s" } });
    let gantry = Gantry::start(&config_with(servers, &more)).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    eventually("all tools are listed", async || {
        (list_all(&client).await.0 == expected).then_some(())
    })
    .await;
    (gantry, client)
}

#[tokio::test]
async fn a_thousand_tools_are_listed_as_fast_when_one_of_fifty_servers_hangs() {
    let upstreams = many().await;
    let names: Vec<_> = (0..UPSTREAMS).map(|number| format!("up{number}")).collect();
    let mut servers: Vec<(&str, Value)> =
        names.iter().zip(&upstreams).map(|(name, up)| (&**name, up.server())).collect();
    let (healthy, on_healthy) = listing(&servers, UPSTREAMS * TOOLS).await;
    let hung = Scripted::modern().first(|_| Some(Answer::Hang)).start().await;
    let mut entry = hung.server();
    entry["probe_timeout"] = "30s".into();
    servers[UPSTREAMS / 2] = ("hung", entry);
    let (with_hung, on_hung) = listing(&servers, (UPSTREAMS - 1) * TOOLS).await;

    // In turns, so that what else the machine does falls on both.
    let (mut healthy_times, mut hung_times) = (Vec::new(), Vec::new());
    for _ in 0..25 {
        let (count, time) = list_all(&on_healthy).await;
        assert_eq!(count, UPSTREAMS * TOOLS);
        healthy_times.push(time);
        let (count, time) = list_all(&on_hung).await;
        assert_eq!(count, (UPSTREAMS - 1) * TOOLS);
        hung_times.push(time);
    }
    let (healthy_time, hung_time) = (median(healthy_times), median(hung_times));
    println!("{healthy_time:?} when all are healthy, {hung_time:?} when one hangs");
    // A few milliseconds are the machine's.
    let limit = healthy_time * 2 + Duration::from_millis(5);
    assert!(hung_time < limit, "{hung_time:?} instead of {healthy_time:?}");
    for gantry in [healthy, with_hung] {
        let (_, log) = gantry.stop().await;
        assert_calm(&log);
    }
}

/// Calls through one gateway from many clients of both eras, while lists are read.
#[tokio::test]
async fn calls_of_both_eras_at_once_are_all_answered() {
    let upstream = good().await;
    let gantry = Gantry::start(&config(&[("good", upstream.server())])).await;
    let modern = Client::modern(&gantry.url("/mcp"), json!({}));
    let legacy = Client::legacy(&gantry.url("/mcp"), "2025-06-18", json!({})).await;
    eventually("the tool is there", async || {
        modern.tool_names().await.contains(&"good__good".to_owned()).then_some(())
    })
    .await;
    let mut work = JoinSet::new();
    for number in 0..CALLS {
        let client = if number % 2 == 0 { modern.clone() } else { legacy.clone() };
        work.spawn(async move {
            assert_eq!(client.call("good__good", json!({})).await.text(), "fine");
            assert!(client.tool_names().await.contains(&"good__good".to_owned()));
        });
    }
    work.join_all().await;
    let (_, log) = gantry.stop().await;
    assert_calm(&log);
}
