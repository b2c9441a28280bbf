//! No child process outlives its reason: not its removal, not a reload, not the gateway's end,
//! however that comes; not even one that left its process group and session.

use serde_json::{Value, json};

use crate::{
    eras::{config, in_front_of, ready},
    support::{
        client::Client, gantry::Gantry, marks::Mark, scripted::stdio::StdioScript, wait::eventually,
    },
};

/// A server whose tool starts a process with a session of its own; both carry the mark.
fn server(script: &StdioScript, mark: &Mark) -> Value {
    let (variable, value) = mark.variable();
    let mut server = script.server();
    server["env"] = json!({ variable: value });
    server
}

fn script() -> StdioScript {
    let steps = json!([{ "setsid": 600 }, { "result": { "content": [{ "type": "text", "text": "left" }] } }]);
    StdioScript::new("2025-11-25").tool("leave", json!({}), steps)
}

/// A gateway whose child has a child that called setsid.
async fn with_a_child_apart(name: &str) -> (Gantry, Mark, StdioScript) {
    let (mark, script) = (Mark::new(name), script());
    let gantry = Gantry::start(&config(&[("up", server(&script, &mark))])).await;
    leave(&gantry, "up__leave", &mark).await;
    (gantry, mark, script)
}

/// Calls the tool and waits until the process that it starts is there.
async fn leave(gantry: &Gantry, tool: &str, mark: &Mark) {
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    client.tool_names().await;
    let before = apart(mark);
    assert_eq!(client.call(tool, json!({})).await.text(), "left");
    eventually("a process with a session of its own", async || {
        (apart(mark) > before).then_some(())
    })
    .await;
}

/// How many marked processes lead a session of their own and sleep.
fn apart(mark: &Mark) -> usize {
    let is_apart = |id: &u32| {
        let command = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        command.starts_with(b"sleep\0")
    };
    mark.processes().iter().filter(|id| is_apart(id)).count()
}

#[tokio::test]
async fn removing_a_server_ends_all_its_processes() {
    let (gantry, mark, _script) = with_a_child_apart("removed").await;
    std::fs::write(gantry.config(), "servers: {}\n").expect("the configuration can be written");
    mark.wait_until_running(false).await;
    eventually("the change is said to be in force", async || {
        gantry.log().contains("in force").then_some(())
    })
    .await;
}

#[tokio::test]
async fn changing_a_server_ends_the_old_processes_and_starts_new_ones() {
    let (gantry, old, script) = with_a_child_apart("old").await;
    let new = Mark::new("new");
    let changed = config(&[("up", server(&script, &new))]);
    std::fs::write(gantry.config(), changed).expect("the configuration can be written");
    old.wait_until_running(false).await;
    new.wait_until_running(true).await;
    leave(&gantry, "up__leave", &new).await;
}

#[tokio::test]
async fn a_reload_ends_no_process_of_a_server_that_did_not_change() {
    let (gantry, mark, script) = with_a_child_apart("kept").await;
    let before = mark.processes();
    let other = Mark::new("other");
    let another = self::script();
    let both = config(&[("up", server(&script, &mark)), ("other", server(&another, &other))]);
    std::fs::write(gantry.config(), both).expect("the configuration can be written");
    other.wait_until_running(true).await;
    assert_eq!(mark.processes(), before);
    assert_eq!(script.starts(), 1);
}

#[tokio::test]
async fn a_gateway_that_ends_leaves_no_process() {
    let (gantry, mark, _script) = with_a_child_apart("ended").await;
    let (status, log) = gantry.stop().await;
    assert!(status.success(), "{status}: {log}");
    mark.wait_until_running(false).await;
}

#[tokio::test]
async fn a_gateway_that_is_killed_leaves_no_process() {
    let (mut gantry, mark, _script) = with_a_child_apart("killed-apart").await;
    gantry.process().kill().await;
    mark.wait_until_running(false).await;
}

/// The process that looks after a child is killed; whoever it looked after ends, and the server
/// comes back.
#[tokio::test]
async fn a_child_whose_keeper_is_killed_leaves_nothing_and_comes_back() {
    let (gantry, mark, script) = with_a_child_apart("orphaned").await;
    let status = super::upstream(&gantry, "up").await;
    let pid = status["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
    let pid = pid.unwrap_or_else(|| panic!("no process id: {status}"));
    let parent = parent_of(pid).unwrap_or_else(|| panic!("{pid} has no parent: {status}"));
    let keeper = if mark.processes().contains(&parent) { parent } else { pid };
    let before = mark.processes();
    kill(keeper);
    eventually("the old processes are gone", async || {
        let now = mark.processes();
        before.iter().all(|id| !now.contains(id)).then_some(())
    })
    .await;
    eventually("the server is back", async || {
        let state = super::upstream(&gantry, "up").await["state"].clone();
        (script.starts() >= 2 && state == "ready").then_some(())
    })
    .await;
    leave(&gantry, "up__leave", &mark).await;
}

fn parent_of(pid: u32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid.cast_signed()).expect("a process has an id");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it can be killed");
}

#[tokio::test]
async fn a_child_is_ended_whose_caller_went_away_before_it_was_ready() {
    let done = json!([{ "result": { "content": [{ "type": "text", "text": "done" }] } }]);
    let script = StdioScript::new("2025-11-25").tool("do", json!({}), done).on_start(
        1,
        "initialize",
        json!([{ "silence": true }]),
    );
    let mut server = script.server();
    server["session"] = "call".into();
    server["timeout"] = "10m".into();
    let gantry = in_front_of(server).await;
    ready(&gantry).await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let child = tokio::select! {
        early = client.call("up__do", json!({})) => panic!("its child says nothing: {early:?}"),
        lines = script.wait_for("initialize", 2) => lines[1].clone(),
    };
    assert_eq!(child.start, 1);
    eventually("the end of the child", async || {
        (!std::path::Path::new(&format!("/proc/{}", child.pid)).exists()).then_some(())
    })
    .await;
    assert_eq!(client.call("up__do", json!({})).await.text(), "done");
}
