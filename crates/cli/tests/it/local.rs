//! What reaches a gateway without HTTP: commands, `gantry stdio`, signals.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{
    client::{Client, pipe::PipeClient},
    gantry::{Gantry, Setup},
    marks::Mark,
    process,
    scripted::{Answer, Scripted},
    upstream,
};

/// Nothing here takes longer unless it hangs.
const LIMIT: Duration = Duration::from_secs(30);

fn marked(mark: &Mark) -> Value {
    let (variable, value) = mark.variable();
    json!({ "command": upstream::program(), "args": ["--stdio"], "env": { variable: value } })
}

#[tokio::test]
async fn commands_and_pipes_share_the_child_of_the_running_gateway() {
    let mark = Mark::new("shared");
    let config = json!({ "servers": { "up": marked(&mark) } });
    let gantry = Gantry::start(&config.to_string()).await;
    let called = gantry.run(&["tools", "call", "up__greet", "-p", "name=Ada"]).await;
    assert_eq!(called.stdout, "Hello, Ada!\n", "{called}");
    let children = mark.processes();
    assert!(!children.is_empty());
    let mut client = PipeClient::attach(&gantry);
    let call = json!({ "name": "up__greet", "arguments": { "name": "Bob" } });
    let answer = client.modern("tools/call", call).await;
    assert_eq!(answer["result"]["content"][0]["text"], "Hello, Bob!");
    let listed = gantry.run(&["servers", "list", "--format", "json"]).await;
    let listed: Value = serde_json::from_str(&listed.stdout).expect("it is JSON");
    assert_eq!((&listed[0]["name"], &listed[0]["state"]), (&json!("up"), &json!("ready")));
    assert_eq!(mark.processes(), children, "nobody started another one");
}

#[tokio::test]
async fn a_command_without_a_gateway_makes_its_own_and_leaves_no_child() {
    let mark = Mark::new("own");
    let config = json!({ "servers": { "up": marked(&mark) } });
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    std::fs::write(folder.path().join("gantry.yaml"), config.to_string()).expect("it is writable");
    let mut command = process::command(env!("CARGO_BIN_EXE_gantry"));
    command.current_dir(folder.path()).args(["tools", "call", "up__greet", "-p", "name=Ada"]);
    let called = process::run(command, LIMIT).await.expect("it ends");
    assert_eq!(called.stdout, "Hello, Ada!\n", "{called}");
    mark.wait_until_running(false).await;
    assert!(!folder.path().join("gantry-data").exists(), "it keeps nothing");
}

#[tokio::test]
async fn a_tool_that_fails_and_one_that_is_missing_end_a_command_with_an_error() {
    let config =
        json!({ "servers": { "up": { "command": upstream::program(), "args": ["--stdio"] } } });
    let gantry = Gantry::start(&config.to_string()).await;
    let failed = gantry.run(&["tools", "call", "up__test_error_handling"]).await;
    assert_eq!(failed.status.code(), Some(1), "{failed}");
    assert!(failed.stdout.contains("error") && failed.stderr.is_empty(), "{failed}");
    let missing = gantry.run(&["tools", "call", "up__none"]).await;
    assert_eq!(missing.status.code(), Some(1), "{missing}");
    assert!(missing.stderr.contains("E0302") && missing.stdout.is_empty(), "{missing}");
}

#[tokio::test]
async fn a_hangup_reads_the_configuration_again() {
    let mut gantry = Gantry::start("servers: {}\nviews: {}\n").await;
    let id = gantry.process().id().expect("it runs");
    signal(id, Signal::HUP);
    let again = gantry
        .process()
        .find_line(LIMIT, |_, line| line.contains("The configuration is in force.").then_some(()));
    again.await.expect("it says so");
    let (status, log) = gantry.stop().await;
    assert!(status.success(), "{log}");
}

#[tokio::test]
async fn a_second_signal_ends_the_gateway_at_once_and_its_children_too() {
    let mark = Mark::new("hurried");
    let hanging = Scripted::modern()
        .tool("hang", json!({}), |_| Answer::talk(async |_| std::future::pending().await))
        .start()
        .await;
    let config = json!({
        "server": { "limits": { "shutdown": "1h" } },
        "servers": { "up": marked(&mark), "hanging": { "url": hanging.url() } },
    });
    let mut gantry = Gantry::start(&config.to_string()).await;
    let url = gantry.url("/mcp");
    mark.wait_until_running(true).await;
    let client = Client::modern(&url, json!({}));
    let call = client.message("tools/call", json!({ "name": "hanging__hang", "arguments": {} }));
    let mut headers = client.headers_of(&call);
    headers.push(("content-type".to_owned(), "application/json".to_owned()));
    // Kept open to the end, and broken by it.
    let _call = http(&url, "POST", &headers, &call.to_string()).await;
    hanging.wait_for("tools/call", 1).await;
    let id = gantry.process().id().expect("it runs");
    signal(id, Signal::TERM);
    let ending = gantry
        .process()
        .find_line(LIMIT, |_, line| line.contains("The gateway is ending.").then_some(()));
    ending.await.expect("it says so");
    signal(id, Signal::TERM);
    let status = gantry.process().wait(LIMIT).await.expect("it ends");
    assert_eq!(status.code(), Some(1));
    mark.wait_until_running(false).await;
}

#[tokio::test]
async fn the_log_is_json_where_that_is_wanted_and_names_the_request() {
    let setup = Setup::new("log: { format: json }").variable("GANTRY_LOG", "debug");
    let mut gantry = setup.start().await;
    let named = [("x-request-id".to_owned(), "edge-42".to_owned())];
    let mut stream = http(&gantry.url("/health"), "GET", &named, "").await;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it answers");
    assert!(answer.contains("200 OK"), "{answer}");
    let line = gantry
        .process()
        .find_line(LIMIT, |_, line| line.contains("edge-42").then(|| line.to_owned()));
    let line = line.await.expect("there is an access line");
    let entry: Value = serde_json::from_str(&line).expect("every line is JSON");
    assert_eq!((&entry["request_id"], &entry["status"]), (&json!("edge-42"), &json!(200)));
}

fn signal(id: u32, signal: Signal) {
    let id = i32::try_from(id).ok().and_then(Pid::from_raw).expect("it is a process id");
    kill_process(id, signal).expect("the process runs");
}

/// Sends a request and leaves its answer to be read.
async fn http(url: &str, method: &str, headers: &[(String, String)], body: &str) -> TcpStream {
    let (address, path) = url.trim_start_matches("http://").split_once('/').expect("it has a path");
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let length = body.len();
    let mut request = format!(
        "{method} /{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n"
    );
    for (name, value) in headers {
        request.extend([name, ": ", value, "\r\n"]);
    }
    request.extend(["\r\n", body]);
    stream.write_all(request.as_bytes()).await.expect("it reads");
    stream
}
