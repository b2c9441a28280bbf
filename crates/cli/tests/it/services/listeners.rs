//! Listeners of services: opened and closed by the command, and what they show.

use std::ops::Range;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    client::Client,
    gantry::{Gantry, Setup},
    process::{self, Process},
    wait::{LIMIT, eventually},
};

/// The first ports of instances that tests take: below those that the system hands out.
const INSTANCES: Range<u32> = 1..230;

/// An instance whose ports are free at this moment. Tests run in processes of their own, and begin to
/// look at places that lie apart.
pub(super) fn free_instance() -> String {
    let count = INSTANCES.end - INSTANCES.start;
    let begin = std::process::id().wrapping_mul(7) % count;
    let instances = (0..count).map(|step| INSTANCES.start + (begin + step) % count);
    let is_free = |instance: &u32| {
        (1..=9).all(|place| {
            let port = u16::try_from(8100 + place + 100 * instance).expect("a port");
            std::net::TcpListener::bind(("127.0.0.1", port)).is_ok()
        })
    };
    instances.into_iter().find(is_free).expect("an instance with free ports").to_string()
}

/// A gateway whose services all listen, and what the command tells of them.
pub(super) async fn listening() -> (Gantry, Vec<Value>) {
    let instance = free_instance();
    let config =
        json!({ "services": { "listen": "127.0.0.1", "instance": instance_of(&instance) } });
    let gantry = Gantry::start(&config.to_string()).await;
    let services = status(&gantry).await;
    (gantry, services)
}

fn instance_of(text: &str) -> u16 {
    text.parse().expect("a number")
}

/// What the command tells of all services.
async fn status(gantry: &Gantry) -> Vec<Value> {
    let told = gantry.run(&["services", "status", "--format", "json"]).await;
    assert!(told.status.success(), "{told}");
    serde_json::from_str(&told.stdout).expect("a list")
}

fn named<'a>(services: &'a [Value], name: &str) -> &'a Value {
    services.iter().find(|service| service["name"] == name).expect("a service of this name")
}

async fn get(url: &str) -> (u16, Value) {
    let reply = Client::modern(url, json!({})).bare("GET", &[]).await.finish().await;
    (reply.status, serde_json::from_slice(&reply.body).unwrap_or_default())
}

/// The loop of those who run these servers, in a shell.
#[tokio::test]
async fn a_loop_over_the_ports_finds_every_service_well() {
    let (gantry, services) = listening().await;
    let ports: Vec<String> = services.iter().map(|service| service["port"].to_string()).collect();
    assert!(ports.len() == 9 && services.iter().all(|service| service["state"] == "running"));
    let script = format!(
        "for port in {}; do curl -s --fail localhost:$port/health || exit 1; done",
        ports.join(" ")
    );
    let mut command = process::command("sh");
    command.args(["-c", &script]);
    let told = process::run(command, LIMIT).await.expect("a loop ends");
    assert!(told.status.success(), "{told}\n{}", gantry.log());
    let healths: Vec<Value> =
        told.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(healths.len(), services.len(), "{told}");
    for (health, service) in healths.iter().zip(&services) {
        assert_eq!(health["status"], "healthy", "{health}");
        let name = format!("mcp_{}_server", service["name"].as_str().expect("a name"));
        assert_eq!(health["service"], name, "{health}");
        assert_eq!(health["port"], service["port"], "{health}");
        assert_eq!(health["tools"], service["tools"], "{health}");
        assert_eq!(health["agent_type"], "mcp_server", "{health}");
    }
    let asked = gantry.run(&["services", "health", "--format", "json"]).await;
    assert!(asked.status.success(), "{asked}");
    let asked: Vec<Value> = serde_json::from_str(&asked.stdout).expect("a list");
    assert_eq!(asked.len(), services.len());
}

#[tokio::test]
async fn a_listener_shows_its_own_service_and_nothing_else() {
    let (gantry, services) = listening().await;
    let own = named(&services, "vector_similarity");
    let mcp = own["url"].as_str().expect("a URL");
    let at = |path: &str| mcp.replace("/mcp", path);
    let (status, info) = get(&at("/info")).await;
    assert_eq!(status, 200);
    assert_eq!(info["name"], "vector_similarity");
    assert_eq!(info["tools"].as_array().map(Vec::len), Some(5), "{info}");
    assert_eq!(get(&at("/")).await, (200, info));
    for path in ["/ready", "/circuit-breakers"] {
        assert_eq!(get(&at(path)).await.0, 200, "{path}");
    }
    let figures = Client::modern(&at("/metrics"), json!({})).bare("GET", &[]).await.finish().await;
    let figures = String::from_utf8_lossy(&figures.body).into_owned();
    assert!(figures.contains("gantry_build_info"), "{figures}");
    for path in ["/mcp/vector_ranking", "/api/servers", "/sse", "/actuator/health", "/nothing"] {
        assert_eq!(get(&at(path)).await.0, 404, "{path}");
    }
    for path in ["/api/admin/tap", "/api/admin/dump/tasks", "/actuator/loggers", "/messages"] {
        assert_eq!(get(&at(path)).await.0, 404, "{path}");
    }
    // The gateway's own door has no such page.
    assert_eq!(get(&gantry.url("/info")).await.0, 404);
}

#[tokio::test]
async fn one_service_is_stopped_while_the_others_go_on() {
    let gantry = Gantry::start("{}").await;
    let registry = gantry.data().join("service_registry.json");
    let told = gantry.run(&["services", "health"]).await;
    assert!(!told.status.success() && told.stderr.contains("E0702"), "{told}");
    let instance = free_instance();
    let names = ["vector_similarity", "vector_ranking"];
    let start = ["services", "start", names[0], names[1], "--instance", &instance];
    let started = gantry.run(&start).await;
    assert!(started.status.success(), "{started}\n{}", gantry.log());
    // What is open there already is what was wanted.
    assert!(gantry.run(&start).await.status.success());

    let running = status(&gantry).await;
    let url = |name: &str| named(&running, name)["url"].as_str().expect("a URL").to_owned();
    assert_eq!(named(&running, "reasoning_agent")["state"], "stopped");
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(&registry).unwrap()).unwrap();
    assert_eq!(kept["total_servers"], 2, "{kept}");
    assert_eq!(kept["services"][1]["service"], "vector_ranking");
    assert_eq!(kept["services"][1]["tools"], 5);
    assert_eq!(kept["services"][1]["port"], named(&running, "vector_ranking")["port"]);

    let other = Client::legacy(&url(names[1]), "2025-11-25", json!({})).await;
    let stopped = gantry.run(&["services", "stop", names[0]]).await;
    assert!(stopped.status.success(), "{stopped}");
    let told = format!("Stopped the listener of `{0}`; it is still at /mcp/{0}.\n", names[0]);
    assert_eq!(stopped.stdout, told);
    let address = url(names[0]).replace("http://", "").replace("/mcp", "");
    // Its port is free at once.
    assert!(std::net::TcpListener::bind(&address).is_ok(), "{address}");
    assert!(other.tool_names().await.len() >= 5);
    assert_eq!(named(&status(&gantry).await, names[0])["state"], "stopped");

    assert!(gantry.run(&["services", "stop"]).await.status.success());
    assert!(!registry.exists());
    assert!(
        gantry
            .run(&["services", "start", names[0], "--instance", &instance])
            .await
            .status
            .success()
    );
    assert!(registry.exists());
    let (status, log) = gantry.stop().await;
    assert!(status.success() && !registry.exists(), "{log}");
}

#[tokio::test]
async fn a_port_of_somebody_else_is_told_of() {
    let gantry = Gantry::start("{}").await;
    let instance = free_instance();
    let port = 8102 + 100 * instance_of(&instance);
    let _taken = std::net::TcpListener::bind(("127.0.0.1", port)).expect("a free port");
    let refused =
        gantry.run(&["services", "start", "vector_similarity", "--instance", &instance]).await;
    assert_eq!(refused.status.code(), Some(1), "{refused}");
    assert!(
        refused.stderr.contains("E0702") && refused.stderr.contains(&port.to_string()),
        "{refused}"
    );
    let config = json!({ "services": {
        "listen": "127.0.0.1", "names": ["vector_similarity"], "instance": instance_of(&instance),
    } });
    let refused = Setup::new(&config.to_string()).try_start().await.expect_err("the port is taken");
    assert!(refused.contains("services.listen"), "{refused}");
}

#[tokio::test]
async fn production_needs_credentials() {
    let gantry = Gantry::start("{}").await;
    let instance = free_instance();
    let start =
        ["services", "start", "semantic_similarity", "--production", "--instance", &instance];
    let refused = gantry.run(&start).await;
    assert_eq!(refused.status.code(), Some(1), "{refused}");
    assert!(refused.stderr.contains("E0701"), "{refused}");
    // Beyond the loopback it is refused in any case.
    let exposed =
        ["services", "start", "semantic_similarity", "--host", "0.0.0.0", "--instance", &instance];
    let refused = gantry.run(&exposed).await;
    assert!(!refused.status.success() && refused.stderr.contains("E0109"), "{refused}");

    let key = gantry.run(&["keys", "create", "alice"]).await.stdout.trim().to_owned();
    let started = gantry.run(&start).await;
    assert!(started.status.success(), "{started}");
    let services = status(&gantry).await;
    let url = named(&services, "semantic_similarity")["url"].as_str().expect("a URL");
    let stranger = Client::modern(url, json!({}));
    assert_eq!(stranger.request("tools/list", json!({})).await.status, 401);
    let alice = stranger.with_header("x-api-key", &key);
    assert!(alice.tool_names().await.contains(&"calculate_text_similarity_mcp".to_owned()));
}

#[tokio::test]
async fn a_reload_that_would_open_a_listener_to_everybody_is_refused() {
    let key = "alice-has-a-key-of-length";
    let with_key = json!({ "auth": { "api_keys": [{ "name": "alice", "key": key }] } });
    let gantry = Gantry::start(&with_key.to_string()).await;
    let instance = free_instance();
    let start = ["services", "start", "vector_similarity", "--host", "0.0.0.0"];
    let started = gantry.run(&[&start[..], &["--instance", &instance]].concat()).await;
    assert!(started.status.success(), "{started}");
    let url = format!("http://127.0.0.1:{}/mcp", 8102 + 100 * instance_of(&instance));
    let stranger = Client::modern(&url, json!({}));
    assert!(!stranger.clone().with_header("x-api-key", key).tool_names().await.is_empty());

    std::fs::write(gantry.config(), "{}").expect("one's own file");
    eventually("the refusal", async || gantry.log().contains("is refused").then_some(())).await;
    assert_eq!(stranger.request("tools/list", json!({})).await.status, 401);
    // Without the listener the same configuration harms nobody.
    assert!(gantry.run(&["services", "stop", "vector_similarity"]).await.status.success());
    std::fs::write(gantry.config(), "{ }").expect("one's own file");
    eventually("the configuration", async || gantry.log().contains("is in force").then_some(()))
        .await;
}

#[tokio::test]
async fn without_a_gateway_the_command_is_one() {
    let instance = free_instance();
    let place =
        tempfile::Builder::new().prefix("gantry-").tempdir().expect("a folder of one's own");
    let start = ["services", "start", "vector_similarity", "--instance", &instance];
    let start = [&start[..], &["--listen", "127.0.0.1:0", "--verbose"]].concat();

    let production = [&start[..], &["--production"]].concat();
    let refused = process::run(command(&place, &production), LIMIT).await;
    let refused = refused.expect("a refused command ends");
    assert!(!refused.status.success() && refused.stderr.contains("E0701"), "{refused}");
    let mut with_key = command(&place, &production);
    with_key.env("API_KEY_1", "0123456789abcdef-0123456789:client1:read,write");
    let mut serving = Process::start("services start --production", with_key);
    let up = serving.find_line(LIMIT, |_, line| line.contains("is up").then_some(())).await;
    up.unwrap_or_else(|reason| panic!("{reason}"));
    serving.terminate(LIMIT).await.unwrap_or_else(|reason| panic!("{reason}"));

    let mut serving = Process::start("services start", command(&place, &start));
    let up = serving.find_line(LIMIT, |_, line| line.contains("is up").then_some(())).await;
    up.unwrap_or_else(|reason| panic!("{reason}"));
    let url = format!("http://127.0.0.1:{}/health", 8102 + 100 * instance_of(&instance));
    let (status, health) = get(&url).await;
    assert_eq!((status, &health["service"]), (200, &json!("mcp_vector_similarity_server")));
    let registry = place.path().join("gantry-data/service_registry.json");
    assert!(registry.exists());
    serving.terminate(LIMIT).await.unwrap_or_else(|reason| panic!("{reason}"));
    assert!(!registry.exists());
}

/// A command of the binary in a folder, with no more than its arguments.
fn command(place: &TempDir, arguments: &[&str]) -> tokio::process::Command {
    let mut command = process::command(env!("CARGO_BIN_EXE_gantry"));
    command.current_dir(place.path()).env("HOME", place.path()).args(arguments);
    command
}
