//! One upstream hangs, one dies in a loop, one prints rubbish, one is slow to start, and one is
//! good: nothing of the good one is delayed or missing, and of each the truth is told everywhere.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{Bystander, assert_calm, config_with, good, median, upstreams};
use crate::support::{
    client::Client,
    gantry::Gantry,
    scripted::{Answer, Scripted, stdio::StdioScript},
    wait::eventually,
};

/// The longest that the first list may wait for upstreams which were never seen.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// What a busy machine may add to it.
const MARGIN: Duration = Duration::from_secs(2);
/// What a list takes that waits for nobody.
const PROMPT: Duration = Duration::from_millis(200);
/// How long the slow one takes to start.
const SLOW: u64 = 4000;

/// All of them. The scripts must outlive the gateway.
async fn all() -> (Vec<Scripted>, StdioScript, Vec<(&'static str, Value)>) {
    let good = good().await;
    let hung = Scripted::modern().first(|_| Some(Answer::Hang)).start().await;
    let slow = StdioScript::new("2025-11-25")
        .tool("late", json!({}), json!([{ "result": { "content": [] } }]))
        .on("server/discover", json!([{ "delay_ms": SLOW }, { "default": true }]));
    let shell = |script: &str| json!({ "command": "sh", "args": ["-c", script], "timeout": "1s" });
    let mut hung_server = hung.server();
    hung_server["probe_timeout"] = "1s".into();
    let dying = shell("echo 'these are my last words' >&2; exit 3");
    let mut rubbish = shell("while :; do echo 'this is no message'; sleep 0.02; done");
    rubbish["probe_timeout"] = "500ms".into();
    let mut slow_server = slow.server();
    slow_server["probe_timeout"] = "10s".into();
    // The good one stands last: whoever comes first must not matter.
    let servers = vec![
        ("hung", hung_server),
        ("dying", dying),
        ("rubbish", rubbish),
        ("slow", slow_server),
        ("good", good.server()),
    ];
    (vec![good, hung], slow, servers)
}

fn settings() -> Value {
    json!({ "startup": { "first_offer_wait": "500ms" } })
}

#[tokio::test]
async fn the_others_are_neither_delayed_nor_emptied_and_each_state_is_told() {
    let (_upstreams, slow, servers) = all().await;
    let gantry = Gantry::start(&config_with(&servers, &settings())).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));

    let begun = Instant::now();
    let first = client.tool_names().await;
    let took = begun.elapsed();
    assert!(took <= FIRST_WAIT + MARGIN, "the first list took {took:?}");
    assert!(first.iter().any(|name| name == "good__good"), "{first:?}");

    let bystander = Bystander::start(client.clone(), "good__good");
    let starting = state_of(&gantry, "slow").await;
    assert_eq!(starting, "starting", "it takes {SLOW} ms");

    let expected = BTreeMap::from([
        ("hung", "unreachable"),
        ("dying", "crash_loop"),
        ("rubbish", "unreachable"),
        ("slow", "ready"),
        ("good", "ready"),
    ]);
    eventually("every state is the true one", async || {
        let told = upstreams(&gantry).await;
        let is_true = |upstream: &Value| {
            let name = upstream["name"].as_str().unwrap_or_default();
            upstream["state"] == expected[name]
        };
        told.iter().all(is_true).then_some(())
    })
    .await;
    assert_eq!(slow.starts(), 1, "a slow start is no reason to start it again");
    let report = bystander.report().await;
    assert!(report.failures.is_empty(), "{:#?}", report.failures);
    assert!(median(report.lists.clone()) < PROMPT, "{:?}", report.lists);
    let slowest = report.lists.iter().chain(&report.calls).max();
    println!("the slowest took {slowest:?}");
    assert!(slowest.is_some_and(|slowest| *slowest < MARGIN), "one took {slowest:?}");

    the_causes_are_told_alike_everywhere(&gantry, &client).await;
    let (status, log) = gantry.stop().await;
    assert!(status.success(), "{status}");
    assert_calm(&log);
}

async fn state_of(gantry: &Gantry, name: &str) -> String {
    let told = super::upstream(gantry, name).await;
    told["state"].as_str().unwrap_or_default().to_owned()
}

/// `/ready`, the command and the built-in tool say the same, and say why.
async fn the_causes_are_told_alike_everywhere(gantry: &Gantry, client: &Client) {
    let by_route = upstreams(gantry).await;
    let of = |all: &[Value], name: &str| {
        all.iter().find(|told| told["name"] == name).cloned().unwrap_or_default()
    };
    let why = |name: &str| of(&by_route, name)["detail"].as_str().unwrap_or_default().to_owned();
    let dying = why("dying");
    assert!(dying.contains("these are my last words") && dying.contains('3'), "{dying}");
    assert!(!why("hung").is_empty(), "{by_route:?}");
    let rubbish = why("rubbish");
    assert!(rubbish.contains("no message") || rubbish.contains("stdout"), "{rubbish}");
    assert_eq!(of(&by_route, "slow")["tools"], 1);

    let command = gantry.run(&["servers", "list", "--format", "json"]).await;
    let by_command: Vec<Value> =
        serde_json::from_str(&command.stdout).unwrap_or_else(|_| panic!("no JSON: {command}"));
    let reply = client.call("gantry__list_servers", json!({})).await;
    let by_tool = reply.result()["structuredContent"]["servers"].as_array().cloned();
    let by_tool = by_tool.unwrap_or_else(|| panic!("no servers: {reply:?}"));
    for name in ["hung", "dying", "rubbish", "slow", "good"] {
        let expected = of(&by_route, name)["state"].clone();
        assert_eq!(of(&by_command, name)["state"], expected, "{name}: {command}");
        assert_eq!(of(&by_tool, name)["state"], expected, "{name}: {reply:?}");
    }
    let explained = client.call("gantry__explain_tool", json!({ "name": "dying__any" })).await;
    assert!(explained.text().contains("crash_loop"), "{explained:?}");
}

/// A call of a server that is down is refused at once, and says why.
#[tokio::test]
async fn a_call_does_not_wait_for_a_server_that_is_down() {
    let dying = json!({ "command": "sh", "args": ["-c", "echo 'no licence' >&2; exit 1"] });
    let gantry = Gantry::start(&config_with(&[("dying", dying)], &json!({}))).await;
    eventually("it is known to be down", async || {
        let state = state_of(&gantry, "dying").await;
        matches!(&*state, "unreachable" | "crash_loop").then_some(())
    })
    .await;
    let client = Client::legacy(&gantry.url("/mcp/dying"), "2025-11-25", json!({})).await;
    let begun = Instant::now();
    let reply = client.request("resources/read", json!({ "uri": "test://any" })).await;
    let took = begun.elapsed();
    assert!(took < MARGIN, "it took {took:?}");
    let text = reply.error()["message"].as_str().unwrap_or_default();
    assert!(text.contains("no licence"), "{reply:?}");
}
