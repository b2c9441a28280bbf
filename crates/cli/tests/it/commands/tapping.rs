//! `gantry tap`: watching another client's conversation.

use std::time::Duration;

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::Desk;
use crate::support::client::Client;
use crate::support::gantry::Gantry;
use crate::support::process::{Process, Stream};

impl Desk {
    /// Begins to watch.
    async fn tap(&self, arguments: &[&str]) -> Process {
        let mut command = self.command(env!("CARGO_BIN_EXE_gantry"));
        command.arg("tap").args(arguments);
        let mut tap = Process::start("gantry tap", command);
        let begun = tap.find_line(super::COMMAND, |stream, line| {
            (stream == Stream::Error && line.starts_with("Watching")).then_some(())
        });
        begun.await.unwrap_or_else(|reason| panic!("{reason}"));
        tap
    }
}

/// Waits for a line and stops watching as a person does; returns all lines.
async fn until(mut tap: Process, last: &str) -> String {
    let found = tap.find_line(super::COMMAND, |_, line| line.contains(last).then_some(()));
    found.await.unwrap_or_else(|reason| panic!("{reason}"));
    interrupt(&tap);
    let status = tap.wait(super::COMMAND).await.unwrap_or_else(|reason| panic!("{reason}"));
    assert!(status.success(), "to stop watching is no failure: {status}\n{}", tap.log());
    tap.log()
}

/// Does what Ctrl-C does.
fn interrupt(process: &Process) {
    let pid = process.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
    let pid = pid.expect("it runs still");
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it can be told");
}

#[tokio::test]
async fn a_call_is_seen_on_both_sides() {
    let desk = Desk::with_upstream();
    let _gateway = desk.serve().await;
    let tap = desk.tap(&[]).await;
    desk.run(&["tools", "call", "up__greet", "-p", "name=Ann"]).await;
    let seen = until(tap, "<- tools/call             up__greet #2 ok").await;
    let lines: Vec<_> = seen.lines().filter_map(without_times).collect();
    assert_snapshot!(lines.join("\n"), @r"
    client local       -> tools/list             #1
    client local       <- tools/list             #1 ok
    client local       -> tools/call             up__greet #2
    server up          -> tools/call             greet
    server up          <- tools/call             greet ok
    client local       <- tools/call             up__greet #2 ok
    ");
}

/// Leaves out the time of day and how long it took.
fn without_times(line: &str) -> Option<String> {
    let (time, rest) = line.split_once("  ")?;
    assert_eq!(time.len(), "00:00:00.000".len(), "{line}");
    let rest =
        rest.strip_suffix(" ms").and_then(|rest| rest.rsplit_once(' ')).map_or(rest, |cut| cut.0);
    Some(rest.to_owned())
}

#[tokio::test]
async fn a_legacy_client_is_seen_from_its_handshake_on() {
    let desk = Desk::with_upstream();
    let _gateway = desk.serve().await;
    desk.run(&["connect", "cursor", "--yes"]).await;
    let tap = desk.tap(&[]).await;
    let seen = desk.use_as_a_client("cursor", "mcpServers").await;
    assert!(seen.starts_with("exit code 0\n"), "{seen}");
    let seen = until(tap, "<- tools/list").await;
    let lines: Vec<_> = seen.lines().filter_map(without_times).collect();
    assert_snapshot!(lines.join("\n"), @r"
    client local       -> initialize             #0
    client local       <- initialize             #0 ok
    client local       -> tools/list             #1
    client local       <- tools/list             #1 ok
    ");
}

#[tokio::test]
async fn a_command_that_is_interrupted_takes_its_call_back() {
    let desk = Desk::with_upstream();
    let _gateway = desk.serve().await;
    let mut tap = desk.tap(&["--tool", "slow_compute"]).await;
    let mut command = desk.command(env!("CARGO_BIN_EXE_gantry"));
    command.args(["tools", "call", "up__slow_compute", "-p", "seconds=600"]);
    let mut calling = Process::start("gantry tools call", command);
    let begun = tap.find_line(super::COMMAND, |_, line| line.contains(" -> ").then_some(()));
    begun.await.unwrap_or_else(|reason| panic!("{reason}"));
    interrupt(&calling);
    let status = calling.wait(super::COMMAND).await.unwrap_or_else(|reason| panic!("{reason}"));
    assert_eq!(status.code(), Some(130), "{}", calling.log());
    assert_eq!(calling.log(), "error: interrupted\n");
    until(tap, "slow_compute cancelled").await;
}

#[tokio::test]
async fn bodies_are_shown_without_secrets() {
    let desk = Desk::with_upstream();
    let config = desk.config() + "    env: { UP_KEY: from-the-configuration }\n";
    std::fs::write(desk.file(), config).expect("the file is ours");
    let _gateway = desk.serve().await;
    let tap = desk.tap(&["--bodies", "--tool", "*greet*", "--format", "json"]).await;
    let arguments = r#"{"name":"from-the-configuration","password":"of-the-caller"}"#;
    desk.run(&["tools", "call", "up__greet", "--arguments", arguments]).await;
    let seen = until(tap, "\"direction\":\"out\",\"kind\":\"answer\"").await;
    assert!(!seen.contains("from-the-configuration") && !seen.contains("of-the-caller"), "{seen}");
    let events: Vec<Value> =
        seen.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert_eq!(events.len(), 4, "{seen}");
    let body = events[0]["body"].as_str().expect("a body");
    assert!(
        body.contains(r#""arguments":{"name":"[redacted]","password":"[redacted]"}"#),
        "{body}"
    );
}

#[tokio::test]
async fn only_what_is_picked_is_shown() {
    let desk = Desk::with_upstream();
    let _gateway = desk.serve().await;
    let tap = desk.tap(&["--server", "gantry"]).await;
    desk.run(&["tools", "call", "up__greet"]).await;
    desk.run(&["servers", "list"]).await;
    let seen = until(tap, "<- tools/call             list_servers").await;
    assert!(!seen.contains("greet"), "{seen}");
}

#[tokio::test]
async fn without_a_gateway_there_is_nothing_to_watch_and_its_end_is_told() {
    let desk = Desk::with("servers: {}\n");
    assert_snapshot!(desk.run(&["tap"]).await, @r"
    exit code 1
    ----- stderr
    error: cannot watch the gateway
      caused by: no gateway runs on the data folder `[FOLDER]/gantry-data`

    hint: `gantry serve` starts one
    hint: this is E0603 — run `gantry explain E0603`
    ");
    let mut gateway = desk.serve().await;
    let mut tap = desk.tap(&[]).await;
    // Whoever watches does not hold the end of the gateway up.
    let ended = gateway.terminate(Duration::from_secs(5)).await;
    assert!(ended.expect("the gateway ends").success());
    let status = tap.wait(super::COMMAND).await.expect("so does the command");
    assert_eq!(status.code(), Some(1));
    assert!(tap.log().contains("error: the gateway has ended"), "{}", tap.log());
}

#[tokio::test]
async fn only_an_administrator_may_watch() {
    let desk = Desk::with("servers: {}\n");
    let _gateway = desk.serve().await;
    let token = desk.folder.path().join("gantry-data/admin.token");
    std::fs::write(&token, "not-the-admin-token-of-this-gateway").expect("the file is ours");
    assert_snapshot!(desk.run(&["tap"]).await, @r"
    exit code 1
    ----- stderr
    error: cannot watch the gateway
      caused by: the admin token is needed; it is in `admin.token` of the data folder

    hint: this is E0404 — run `gantry explain E0404`
    ");
}

#[tokio::test]
async fn what_the_gateway_asks_for_itself_is_seen_when_asked_for() {
    let desk = Desk::with("servers: {}\n");
    let _gateway = desk.serve().await;
    let (all, tap) = (desk.tap(&["--all"]).await, desk.tap(&[]).await);
    let with_upstream = Desk::with_upstream().config();
    std::fs::write(desk.file(), with_upstream).expect("the file is ours");
    let seen = until(all, "<- tools/list").await;
    let lines: Vec<_> = seen.lines().filter_map(without_times).collect();
    for line in [
        "own    up          -> server/discover",
        "own    up          <- server/discover        ok",
        "own    up          -> tools/list",
        "own    up          <- tools/list             ok",
    ] {
        assert!(lines.iter().any(|seen| seen == line), "{line}: {lines:?}");
    }
    desk.run(&["tools", "list"]).await;
    let seen = until(tap, "<- tools/list").await;
    assert!(!seen.contains("own") && !seen.contains("server/discover"), "{seen}");
}

#[tokio::test]
async fn what_is_refused_at_the_door_is_seen() {
    let gantry = Gantry::start("auth: { tokens: [{ name: ann, token: 0123456789abcdef }] }").await;
    let mut tap = gantry.start_command(&["tap"]);
    let begun = tap.find_line(super::COMMAND, |_, line| line.starts_with("Watching").then_some(()));
    begun.await.unwrap_or_else(|reason| panic!("{reason}"));
    let stranger = Client::modern(&gantry.url("/mcp"), json!({}));
    assert_eq!(stranger.request("tools/list", json!({})).await.status, 401);
    let ann = stranger.with_header("authorization", "Bearer 0123456789abcdef");
    assert_eq!(ann.post("no JSON", &[]).await.status, 400);
    let seen = until(tap, "refused: not valid JSON").await;
    assert!(seen.contains("<- POST                   refused: "), "{seen}");
}
