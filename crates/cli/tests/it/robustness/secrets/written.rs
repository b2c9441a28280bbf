//! Secrets of the configuration, of the environment, of arguments and of answers are in nothing that
//! the gateway writes or shows: log in each format at every level, files, audit trail, database, figures,
//! dumps, tap, settings, doctor, the line of its process. Only the client's own answer has what its
//! tool said.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::{MARK, as_ada, assert_calm, secret};
use crate::support::{
    client::Client,
    gantry::{Gantry, Setup},
    process::{self, Process},
    scripted::{Answer, Scripted},
    wait::eventually,
};

/// A configuration that writes wherever it can, with a secret from each origin.
fn config(upstream: &Scripted, format: &str) -> String {
    let headers = json!({ "Authorization": format!("Bearer {}", secret("header")) });
    json!({
        "log": { "level": "trace", "format": format, "file": "logs/all.log", "error_file": "logs/errors.log" },
        "audit": {
            "file": "logs/audit.log", "database": true, "stdout": true, "sync": "each",
            "events": ["*"], "redact": ["/deep/0/iban"],
        },
        "auth": { "tokens": [{ "name": "ada", "token": secret("token") }] },
        "servers": {
            "up": { "url": upstream.url(), "headers": headers },
            "child": {
                "command": "sh", "args": ["-c", "exit 1"],
                "env": { "API_KEY": "${FROM_OUTSIDE}" },
            },
        },
    })
    .to_string()
}

/// An upstream that says what it should not: a secret of the configuration, and one of its own.
async fn upstream() -> Scripted {
    let say = |_: &crate::support::scripted::Seen| {
        let text = format!("the gateway uses {}", secret("header"));
        Answer::Result(json!({
            "content": [{ "type": "text", "text": text }],
            "structuredContent": { "access_token": secret("answer") },
        }))
    };
    let refuse = |_: &crate::support::scripted::Seen| Answer::error(-32000, &secret("header"));
    Scripted::modern().tool("say", json!({}), say).tool("refuse", json!({}), refuse).start().await
}

async fn ask(gantry: &Gantry) {
    let client = as_ada(&gantry.url("/mcp"));
    let arguments = json!({
        "n": 1,
        "password": secret("argument"),
        "deep": [{ "iban": secret("pointed-at"), "note": format!("it is {}", secret("header")) }],
    });
    let reply = client.call("up__say", arguments.clone()).await;
    assert!(reply.text().contains(MARK), "the client's own answer is as the tool gave it");
    client.call("up__refuse", arguments).await;
    let wrong = Client::modern(&gantry.url("/mcp"), json!({}));
    let wrong = wrong.with_header("authorization", &format!("Bearer {}", secret("guess")));
    assert_eq!(wrong.request("tools/list", json!({})).await.status, 401);
    let query = Client::modern(&gantry.url(&format!("/mcp?token={}", secret("query"))), json!({}));
    let reply = query
        .with_header("user-agent", &format!("agent {}", secret("header")))
        .request("tools/list", json!({}))
        .await;
    assert_eq!(reply.status, 401);
}

/// What the administrator is shown.
pub(super) async fn shown(gantry: &mut Gantry, outputs: &mut Vec<(String, String)>) {
    let token = std::fs::read_to_string(gantry.data().join("admin.token")).expect("it is there");
    for path in [
        "/actuator/configprops",
        "/actuator/env",
        "/actuator/metrics",
        "/actuator/health",
        "/metrics",
        "/api/admin/dump/tasks",
        "/api/admin/dump/memory",
        "/actuator/threaddump",
        "/api/servers",
        "/api/audit?limit=1000",
        "/ready",
        "/api/admin/log-level",
    ] {
        let client = Client::modern(&gantry.url(path), json!({}));
        let client = client.with_header("authorization", &format!("Bearer {}", token.trim()));
        let reply = client.bare("GET", &[("accept", "*/*")]).await.finish().await;
        outputs.push((path.to_owned(), String::from_utf8_lossy(&reply.raw).into_owned()));
    }
    for arguments in [
        &["doctor"][..],
        &["doctor", "--format", "json"],
        &["check"],
        &["config", "show"],
        &["audit", "search", "--format", "json", "--limit", "1000"],
        &["audit", "verify"],
        &["servers", "list"],
    ] {
        let output = gantry.run(arguments).await.to_string();
        outputs.push((arguments.join(" "), output));
    }
    let id = gantry.process().id().expect("it runs");
    for name in ["cmdline", "comm", "status"] {
        let bytes = std::fs::read(format!("/proc/{id}/{name}")).unwrap_or_default();
        outputs.push((format!("/proc/{name}"), String::from_utf8_lossy(&bytes).into_owned()));
    }
}

/// Everything in a folder, but for what the test itself put there.
pub(super) fn files(folder: &Path, outputs: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("a folder can be read").path();
        if path.is_dir() {
            files(&path, outputs);
        } else if path.is_file() && path.file_name().is_some_and(|name| name != "gantry.yaml") {
            let bytes = std::fs::read(&path).expect("a file can be read");
            outputs
                .push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}

async fn is_nowhere(format: &str) {
    let upstream = upstream().await;
    let setup = Setup::new(&config(&upstream, format)).argument("-v").argument("-v");
    let mut gantry = setup.variable("FROM_OUTSIDE", secret("environment")).start().await;
    let client = as_ada(&gantry.url("/mcp"));
    eventually("the upstream is there", async || {
        client.tool_names().await.contains(&"up__say".to_owned()).then_some(())
    })
    .await;
    let mut command = process::command(env!("CARGO_BIN_EXE_gantry"));
    command.arg("--config").arg(gantry.config()).arg("--data-dir").arg(gantry.data());
    command.args(["tap", "--bodies", "--format", "json"]).env("FROM_OUTSIDE", "x".repeat(32));
    let mut tap = Process::start("gantry tap", command);
    let watching =
        tap.find_line(Duration::from_secs(30), |_, line| line.contains("Watching").then_some(()));
    watching.await.expect("it watches");
    ask(&gantry).await;
    let refused = |line: &str| line.contains("up__refuse") && line.contains("answer");
    let seen = tap.find_line(Duration::from_secs(30), |_, line| refused(line).then_some(()));
    seen.await.expect("the last answer is seen");

    let mut outputs = vec![("the tap".to_owned(), tap.log())];
    shown(&mut gantry, &mut outputs).await;
    let folder = gantry.config().parent().expect("a file is in a folder").to_owned();
    let mut log = String::new();
    let gantry = gantry
        .restart_after(async |gantry: &Gantry| {
            log = gantry.log();
            files(&folder, &mut outputs);
        })
        .await;
    assert_calm(&log);
    outputs.push(("the log and the trail on standard output".to_owned(), log));
    drop(gantry);
    let named =
        |name: &str| outputs.iter().any(|(what, text)| what.contains(name) && !text.is_empty());
    for name in ["all.log", "audit.log", "gantry.db", "the tap", "configprops", "cmdline"] {
        assert!(named(name), "{name} was looked into");
    }
    let trail = outputs.iter().find(|(what, _)| what.ends_with("audit.log")).expect("named above");
    let calls: Vec<Value> =
        trail.1.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(calls.iter().any(|entry| entry["arguments"]["n"] == 1), "calls are in it: {}", trail.1);
    for (what, text) in &outputs {
        let found = text.lines().find(|line| line.contains(MARK));
        assert!(found.is_none(), "a secret is in {what} ({format}): {found:?}");
    }
}

#[tokio::test]
async fn no_secret_is_written_beside_a_log_in_text() {
    is_nowhere("text").await;
}

#[tokio::test]
async fn no_secret_is_written_beside_a_log_in_json() {
    is_nowhere("json").await;
}

#[tokio::test]
async fn no_secret_is_written_beside_a_log_as_spring_has_it() {
    is_nowhere("spring").await;
}
