//! The log of the real binary: its formats, its files, and levels that change while it runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::client::Client;
use crate::support::gantry::{Gantry, Setup};
use crate::support::scripted::{Answer, Scripted};
use crate::support::wait::eventually;

/// Where the tests' files are; each test has its own.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder can be made") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("log").join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// The lines of a file, as JSON.
    fn lines(&self, name: &str) -> Vec<Value> {
        self.read(name).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

async fn upstream() -> Scripted {
    Scripted::modern().tool("add", json!({}), |_| Answer::text("3")).start().await
}

fn config(upstream: &Scripted, log: Value) -> String {
    json!({ "servers": { "up": upstream.server() }, "log": log }).to_string()
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    eventually(what, async || is_so().then_some(())).await;
}

fn signal(gantry: &mut Gantry, signal: rustix::process::Signal) {
    let id = gantry.process().id().expect("it runs").cast_signed();
    let id = rustix::process::Pid::from_raw(id).expect("a process has an id");
    rustix::process::kill_process(id, signal).expect("it is ours");
}

fn token(config: &Path) -> String {
    let file = config.parent().expect("it has a folder").join("data/admin.token");
    std::fs::read_to_string(file).expect("a gateway has one").trim().to_owned()
}

/// Asks a route as the administrator; the body, if there is one, is JSON.
async fn admin(gantry: &Gantry, verb: &str, path: &str, body: Option<&str>) -> (u16, String) {
    let bearer = format!("Bearer {}", token(&gantry.config()));
    ask(
        gantry,
        verb,
        path,
        &[("authorization", &bearer), ("content-type", "application/json")],
        body,
    )
    .await
}

async fn ask(
    gantry: &Gantry,
    verb: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&str>,
) -> (u16, String) {
    let mut command = crate::support::process::command("curl");
    command.args(["--silent", "--request", verb, "--write-out", "\n%{http_code}"]);
    for (name, value) in headers {
        command.arg("--header").arg(format!("{name}: {value}"));
    }
    if let Some(body) = body {
        command.arg("--data-binary").arg(body);
    }
    command.arg(gantry.url(path));
    let done = crate::support::process::run(command, Duration::from_secs(30)).await;
    let output = done.expect("curl is installed").stdout;
    let (body, status) = output.trim_end().rsplit_once('\n').unwrap_or(("", output.trim()));
    (status.parse().unwrap_or_else(|_| panic!("no status: {output}")), body.to_owned())
}

fn parsed(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

#[tokio::test]
async fn files_have_what_standard_error_has_and_one_the_errors_alone() {
    let (files, upstream) = (Files::new(), upstream().await);
    let log = json!({
        "format": "json", "file": files.path("all.log"), "error_file": files.path("error.log"),
        "levels": { "gantry_gateway::requests": "debug", "gantry_gateway::dispatch": "debug" },
    });
    let mut gantry = Setup::new(&config(&upstream, log)).start().await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}))
        .with_header("x-request-id", "part")
        .with_header("x-correlation-id", "whole");
    let reply = client.call("up__add", json!({})).await;
    assert_eq!(reply.header("x-request-id"), Some("part"));
    assert_eq!(reply.header("x-correlation-id"), Some("whole"));
    // What the gateway itself says no to names the whole, what a server says does not.
    let unknown = client.call("up__nothing", json!({})).await;
    assert_eq!(unknown.error()["data"]["correlation_id"], "whole", "{unknown:?}");
    let malformed = client.post("no JSON", &[]).await;
    assert_eq!(malformed.error()["data"]["correlation_id"], "whole", "{malformed:?}");
    // A file that is wrong is refused, which is an error.
    std::fs::write(gantry.config(), "serverz: {}").expect("it is ours");
    signal(&mut gantry, rustix::process::Signal::HUP);
    until("an error in its file", || !files.read("error.log").is_empty()).await;
    let (status, printed) = gantry.stop().await;
    assert!(status.success(), "{printed}");
    let lines = files.lines("all.log");
    let line = |message: &str| {
        let found = lines.iter().find(|line| line["message"] == message);
        found.unwrap_or_else(|| panic!("no `{message}` in {lines:?}")).clone()
    };
    let asked = line("MCP request to server up: tools/call add");
    assert_eq!((&asked["request_id"], &asked["correlation_id"]), (&json!("part"), &json!("whole")));
    assert_eq!((&asked["level"], &asked["service"]), (&json!("DEBUG"), &json!("mcp-server")));
    assert_eq!(asked["logger"], "gantry_gateway::requests");
    let carried = line("A request was carried out.");
    assert_eq!((&carried["tool_name"], &carried["server"]), (&json!("add"), &json!("up")));
    assert!(carried["duration_ms"].is_u64(), "{carried}");
    assert_eq!(
        (&asked["function"], &carried["function"]),
        (&json!("say_the_request"), &json!("finish"))
    );
    let own =
        |line: &&Value| line["logger"].as_str().is_some_and(|name| name.starts_with("gantry"));
    for line in lines.iter().filter(own) {
        assert!(line["function"].is_string(), "a line of our own without its function: {line}");
    }
    line("The gateway has ended.");
    let errors = files.lines("error.log");
    assert!(errors.iter().all(|line| line["level"] == "ERROR"), "{errors:?}");
    let exception = errors[0]["exception"].as_str().unwrap_or_default();
    assert!(exception.contains("serverz") && errors[0]["stack"].is_string(), "{errors:?}");
}

#[tokio::test]
async fn a_file_that_was_moved_away_is_made_again_on_a_signal() {
    let (files, upstream) = (Files::new(), upstream().await);
    let log = json!({ "file": files.path("all.log") });
    let mut gantry = Setup::new(&config(&upstream, log)).start().await;
    until("the first lines", || files.read("all.log").contains("is up")).await;
    std::fs::rename(files.path("all.log"), files.path("all.log.old")).expect("it is ours");
    signal(&mut gantry, rustix::process::Signal::HUP);
    let is_there = || files.read("all.log").contains("is in force");
    until("the file is made again", is_there).await;
    assert!(files.read("all.log.old").contains("is up"));
}

#[tokio::test]
async fn files_are_followed_by_others_and_the_format_changes_while_it_runs() {
    let (files, upstream) = (Files::new(), upstream().await);
    let rotation = json!({ "max_size": "4KiB", "max_files": 2 });
    let log = |format: &str| json!({ "format": format, "file": files.path("all.log"), "level": "debug", "rotation": rotation });
    let gantry = Setup::new(&config(&upstream, log("text"))).start().await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    for _ in 0..100 {
        client.call("up__add", json!({})).await;
    }
    until("old files", || files.path("all.log.2").exists()).await;
    std::fs::write(gantry.config(), config(&upstream, log("spring"))).expect("it is ours");
    let in_spring = || files.read("all.log").contains("] INFO  gantry_server.");
    until("lines of the other format", in_spring).await;
    let (status, printed) = gantry.stop().await;
    assert!(status.success(), "{printed}");
    assert!(!files.path("all.log.3").exists());
    let size = std::fs::metadata(files.path("all.log.1")).expect("it is there").len();
    assert!(size <= 4096, "{size}");
}

#[tokio::test]
async fn a_log_that_cannot_be_written_is_refused_at_the_start_and_at_a_reload() {
    let (files, upstream) = (Files::new(), upstream().await);
    let bad = json!({ "file": "/dev/null/all.log" });
    let refused = Setup::new(&config(&upstream, bad.clone())).try_start().await;
    let reason = refused.expect_err("it cannot be written");
    assert!(reason.contains("E0120") && reason.contains("/dev/null/all.log"), "{reason}");
    let good = json!({ "file": files.path("all.log") });
    let gantry = Setup::new(&config(&upstream, good)).start().await;
    std::fs::write(gantry.config(), config(&upstream, bad)).expect("it is ours");
    let is_refused = || files.read("all.log").contains("/dev/null/all.log");
    until("the refusal, in the file before", is_refused).await;
}

#[tokio::test]
async fn levels_change_while_it_runs_and_a_reload_takes_them_back() {
    let upstream = upstream().await;
    let mut gantry = Setup::new(&config(&upstream, json!({}))).start().await;
    let client = Client::modern(&gantry.url("/mcp"), json!({}));
    let path = "/actuator/loggers/gantry_gateway.requests";
    let (status, body) = admin(&gantry, "GET", path, None).await;
    assert_eq!((status, &parsed(&body)["effectiveLevel"]), (200, &json!("INFO")));
    client.call("up__add", json!({})).await;
    assert!(!gantry.log().contains("MCP request to server"), "{}", gantry.log());
    let body = Some(r#"{"configuredLevel":"DEBUG"}"#);
    assert_eq!(admin(&gantry, "POST", path, body).await, (204, String::new()));
    client.call("up__add", json!({})).await;
    let is_said = || gantry.log().contains("MCP request to server up: tools/call add");
    until("the line of a request", is_said).await;

    let body = Some(r#"{"level":"off","target":"gantry_net"}"#);
    let (status, body) = admin(&gantry, "PUT", "/api/admin/log-level", body).await;
    let expected = json!({
        "level": "info",
        "levels": { "gantry_gateway::requests": "debug", "gantry_net": "off" },
        "configured": { "level": "info", "levels": {} },
    });
    assert_eq!((status, parsed(&body)), (200, expected));
    let (status, body) = ask(&gantry, "GET", "/actuator/loggers", &[], None).await;
    let loggers = parsed(&body);
    assert_eq!((status, &loggers["levels"][0]), (200, &json!("OFF")));
    assert_eq!(loggers["loggers"]["ROOT"]["configuredLevel"], "INFO");
    assert_eq!(loggers["loggers"]["gantry_net"]["effectiveLevel"], "OFF");
    assert_eq!(loggers["loggers"]["gantry_core"]["configuredLevel"], Value::Null);

    signal(&mut gantry, rustix::process::Signal::HUP);
    let is_back = async || {
        let (_, body) = admin(&gantry, "GET", "/api/admin/log-level", None).await;
        (parsed(&body)["levels"] == json!({})).then_some(())
    };
    eventually("the levels of the configuration", is_back).await;
}

#[tokio::test]
async fn whoever_may_not_or_says_nonsense_changes_nothing() {
    let upstream = upstream().await;
    let gantry = Setup::new(&config(&upstream, json!({}))).start().await;
    let path = "/actuator/loggers/ROOT";
    let json_type = ("content-type", "application/json");
    let good = Some(r#"{"configuredLevel":"TRACE"}"#);
    assert_eq!(ask(&gantry, "POST", path, &[json_type], good).await.0, 401);
    assert_eq!(ask(&gantry, "PUT", "/api/admin/log-level", &[json_type], good).await.0, 401);
    let far = [("x-forwarded-for", "203.0.113.7")];
    assert_eq!(ask(&gantry, "GET", "/actuator/loggers", &far, None).await.0, 401);
    let names = [("x-request-id", "part"), ("x-correlation-id", "whole")];
    let (status, answer) = ask(&gantry, "GET", "/nowhere", &names, None).await;
    let error = &parsed(&answer)["error"];
    let both = (&error["request_id"], &error["correlation_id"]);
    assert_eq!((status, both), (404, (&json!("part"), &json!("whole"))));
    let large = format!(r#"{{"level":"{}"}}"#, "x".repeat(10_000));
    for (verb, path, body, expected) in [
        ("POST", path, r#"{"configuredLevel":"LOUD"}"#, 400),
        ("POST", path, r#"{"configuredLevel":7}"#, 400),
        ("POST", path, r#"{"level":"DEBUG"}"#, 400),
        ("POST", path, "[]", 400),
        ("POST", path, "{", 400),
        ("POST", "/actuator/loggers/a%20b", r#"{"configuredLevel":"INFO"}"#, 400),
        ("PUT", "/api/admin/log-level", r#"{"target":"a"}"#, 400),
        ("PUT", "/api/admin/log-level", r#"{"level":"info","target":1}"#, 400),
        ("PUT", "/api/admin/log-level", &large, 413),
        ("DELETE", "/api/admin/log-level", "", 405),
    ] {
        let (status, answer) = admin(&gantry, verb, path, Some(body)).await;
        assert_eq!(status, expected, "{verb} {path} {body}: {answer}");
        assert!(parsed(&answer)["error"]["message"].is_string(), "{answer}");
    }
    let (_, body) = admin(&gantry, "GET", "/api/admin/log-level", None).await;
    assert_eq!(parsed(&body)["level"], "info");
}

#[tokio::test]
async fn what_the_gateway_is_doing_is_told_to_the_administrator_and_on_a_signal() {
    let upstream = Scripted::modern()
        .tool("hang", json!({}), |_| Answer::talk(async |_| std::future::pending().await))
        .start()
        .await;
    let mut gantry = Setup::new(&config(&upstream, json!({}))).start().await;
    let client =
        Client::modern(&gantry.url("/mcp"), json!({})).with_header("x-request-id", "hangs");
    let call = client.start("tools/call", json!({ "name": "up__hang", "arguments": {} }));
    let look = async {
        upstream.wait_for("tools/call", 1).await;
        assert_eq!(ask(&gantry, "GET", "/api/admin/dump/tasks", &[], None).await.0, 401);
        assert_eq!(ask(&gantry, "GET", "/actuator/threaddump", &[], None).await.0, 401);
        let (status, body) = admin(&gantry, "GET", "/api/admin/dump/tasks", None).await;
        let tasks = parsed(&body);
        assert_eq!(status, 200);
        let open = &tasks["open"]["upstreams"][0];
        assert_eq!(
            (&open["n_calls"], &open["calls"][0]["request_id"]),
            (&json!(1), &json!("hangs"))
        );
        let background = tasks["tasks"]["background"]["tasks"].as_array().expect("a list");
        let watch = background.iter().find(|task| task["name"] == "watch");
        assert_eq!(watch.expect("it watches its file")["state"], "waiting");
        assert!(tasks["tasks"]["connections"]["alive"].as_u64() >= Some(2), "{tasks}");
        assert!(!body.contains(&token(&gantry.config())));
        assert_eq!(admin(&gantry, "GET", "/actuator/threaddump", None).await.0, 200);

        let (_, body) = admin(&gantry, "GET", "/api/admin/dump/memory", None).await;
        let memory = parsed(&body);
        assert!(memory["process"]["resident_bytes"].as_u64() > Some(1 << 20), "{memory}");
        assert!(memory["allocator"].is_object(), "{memory}");
        assert!(memory["counts"]["requests_in_flight"].as_u64() >= Some(2), "{memory}");
    };
    let ended = tokio::select! {
        _ = async { call.await.finish().await } => false,
        () = look => true,
    };
    assert!(ended, "the call hangs");
    signal(&mut gantry, rustix::process::Signal::USR1);
    let is_said = || gantry.log().contains("What the gateway is doing.");
    until("the dump in the log", is_said).await;
}
