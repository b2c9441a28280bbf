//! What hooks mark as secret, and the secrets of the configuration, are in nothing that the gateway
//! writes: not in logs, figures, dumps, the trail and what waits for it, the tap, the settings, the
//! title of its process or a backup. Only the client's own answer has what its tool
//! said, and only the server is told the arguments.

use std::time::Duration;

use serde_json::{Value, json};

use super::written::{files, shown};
use super::{MARK, as_ada, secret};
use crate::support::{
    gantry::{Gantry, Setup},
    process::{self, Process},
    scripted::{Answer, Scripted},
    wait::eventually,
};

/// A tool that says, in every way there is, what nobody else may know.
async fn upstream() -> Scripted {
    let tell = |seen: &crate::support::scripted::Seen| {
        let given = seen.arguments().to_string();
        Answer::talk(async move |talk| {
            let data = json!({ "level": "info", "data": format!("found {}", secret("told")) });
            talk.notify("notifications/message", data).await;
            Answer::Result(json!({
                "content": [{ "type": "text", "text": format!("{} for {given}", secret("answer")) }],
                "structuredContent": { "plain": secret("answer") },
            }))
        })
    };
    let fail = |_: &crate::support::scripted::Seen| {
        Answer::error_with(-32000, &secret("failure"), json!({ "plain": secret("failure") }))
    };
    let script = Scripted::dual().tool("tell", json!({}), tell).tool("fail", json!({}), fail);
    script.tool("open", json!({}), |_| Answer::text("seen-by-all")).start().await
}

/// A configuration in which every secret comes from a variable, as it should: a backup holds the
/// configuration.
fn config(upstream: &Scripted) -> String {
    let mark =
        |name: &str| json!({ "name": name, "tools": ["up__tell", "up__fail"], "secret": true });
    json!({
        "log": { "level": "trace", "file": "logs/all.log" },
        "audit": { "file": "logs/audit.log", "database": true, "sync": "each", "events": ["*"],
                   "arguments": "full" },
        "auth": { "tokens": [{ "name": "ada", "token": "${TOKEN}" }] },
        "servers": { "up": {
            "url": upstream.url(), "headers": { "Authorization": "Bearer ${HEADER}" },
        }},
        "hooks": {
            "requests": [
                mark("secret-arguments"),
                { "name": "signed", "tools": ["up__open"], "webhook": {
                    "url": "http://127.0.0.1:9/?key=${QUERY}", "secret": "${SIGNING}",
                    "on_failure": "pass",
                }},
            ],
            "results": [mark("secret-results")],
        },
    })
    .to_string()
}

fn setup(upstream: &Scripted) -> Setup {
    Setup::new(&config(upstream))
        .argument("-v")
        .argument("-v")
        .variable("TOKEN", secret("token"))
        .variable("HEADER", secret("header"))
        .variable("QUERY", secret("query"))
        .variable("SIGNING", secret("signing"))
        .variable("RUST_BACKTRACE", "full")
}

/// Watches all that passes, with bodies.
async fn watch(gantry: &Gantry) -> Process {
    let mut command = process::command(env!("CARGO_BIN_EXE_gantry"));
    command.arg("--config").arg(gantry.config()).arg("--data-dir").arg(gantry.data());
    for name in ["TOKEN", "HEADER", "QUERY", "SIGNING"] {
        command.env(name, "x".repeat(32));
    }
    command.args(["tap", "--bodies", "--format", "json"]);
    let mut tap = Process::start("gantry tap", command);
    let is_watching = |line: &str| line.contains("Watching").then_some(());
    let watching = tap.find_line(Duration::from_secs(30), |_, line| is_watching(line)).await;
    watching.expect("it watches");
    tap
}

#[tokio::test]
async fn what_is_marked_secret_is_written_nowhere() {
    let upstream = upstream().await;
    let mut gantry = setup(&upstream).start().await;
    let client = as_ada(&gantry.url("/mcp"));
    eventually("the upstream is there", async || {
        client.tool_names().await.contains(&"up__tell".to_owned()).then_some(())
    })
    .await;
    let mut tap = watch(&gantry).await;
    let legacy = crate::support::client::Client::new(&gantry.url("/mcp"), "2025-11-25", json!({}));
    let token = format!("Bearer {}", secret("token"));
    let legacy = legacy.with_header("authorization", &token).connect().await;
    let arguments = json!({ "plain": secret("argument"), "deep": [secret("argument")] });
    for client in [&client, &legacy] {
        let reply = client.call("up__tell", arguments.clone()).await;
        assert!(reply.text().contains(MARK), "the client's own answer is as the tool gave it");
        let reply = client.call("up__fail", arguments.clone()).await;
        assert!(reply.error()["message"].as_str().is_some_and(|text| text.contains(MARK)));
        assert_eq!(client.call("up__open", json!({ "n": 1 })).await.text(), "seen-by-all");
    }
    let is_last = |line: &str| line.contains("seen-by-all").then_some(());
    let seen = tap.find_line(Duration::from_secs(30), |_, line| is_last(line)).await;
    seen.expect("what is not secret is seen");
    let watched = tap.log();
    assert!(watched.contains("[secret]"), "secret ones are seen to pass: {watched}");

    let mut outputs = vec![("the tap".to_owned(), watched)];
    shown(&mut gantry, &mut outputs).await;
    let folder = gantry.config().parent().expect("a file is in a folder").to_owned();
    let backup = gantry.run(&["backup", "--unencrypted", "all.backup"]).await;
    assert!(backup.status.success(), "{backup}");
    outputs.push(("gantry backup".to_owned(), backup.to_string()));
    let mut log = String::new();
    let _gantry = gantry
        .restart_after(async |gantry: &Gantry| {
            log = gantry.log();
            files(&folder, &mut outputs);
        })
        .await;
    outputs.push(("standard output and error".to_owned(), log));
    for name in ["all.log", "audit.log", "gantry.db", "all.backup", "the tap", "configprops"] {
        let is_there = outputs.iter().any(|(what, text)| what.contains(name) && !text.is_empty());
        assert!(is_there, "{name} was looked into");
    }
    let trail = outputs.iter().find(|(what, _)| what.ends_with("audit.log")).expect("named above");
    let entries = trail.1.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let told: Vec<_> = entries.filter(|entry| entry["tool_name"] == "up__tell").collect();
    assert_eq!(told.len(), 2, "{}", trail.1);
    assert!(told.iter().all(|entry| entry["arguments"] == "[secret]"), "{told:?}");
    for (what, text) in &outputs {
        let found = text.lines().find(|line| line.contains(MARK));
        assert!(found.is_none(), "a secret is in {what}: {found:?}");
    }
}
