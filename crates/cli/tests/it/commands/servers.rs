//! `gantry servers health|enable|disable|restart`.

use insta::assert_snapshot;
use serde_json::json;

use super::Desk;
use crate::support::{
    client::Client,
    gantry::Gantry,
    scripted::{Answer, Scripted},
    wait::eventually,
};

#[tokio::test]
async fn the_health_of_a_server_is_told() {
    let desk = Desk::with_upstream();
    assert_snapshot!(desk.run(&["servers", "health", "up"]).await, @r"
    exit code 1
    ----- stderr
    error: cannot tell the health of `up`
      caused by: no gateway runs on the data folder `[FOLDER]/gantry-data`

    hint: `gantry serve` starts one
    hint: this is E0603 — run `gantry explain E0603`
    ");
    let _gateway = desk.serve().await;
    let health = desk.run(&["servers", "health", "up"]).await;
    assert!(health.starts_with("exit code 0\n----- stdout\nWHAT"), "{health}");
    assert!(health.contains("\nstate            ready\n"), "{health}");
    let yaml = desk.run(&["servers", "health", "up", "--format", "yaml"]).await;
    assert!(yaml.contains("\nserver_id: up\nhealthy: true\nstate: ready\n"), "{yaml}");
    assert_snapshot!(desk.run(&["servers", "health", "nobody"]).await, @r"
    exit code 1
    ----- stderr
    error: there is no server `nobody`

    hint: `gantry servers list` shows all of them
    hint: this is E0301 — run `gantry explain E0301`
    ");
}

#[tokio::test]
async fn a_server_is_switched_off_and_on_while_the_gateway_runs() {
    let desk = Desk::with_upstream();
    let file = desk.config();
    let _gateway = desk.serve().await;
    assert_snapshot!(desk.run(&["servers", "disable", "up"]).await, @r"
    exit code 0
    ----- stdout
    Disabled `up` in `gantry.yaml`.
    ");
    assert_eq!(desk.config(), format!("{file}    enabled: false\n"));
    eventually("the server to be switched off", async || {
        let health = desk.run(&["servers", "health", "up", "--format", "json"]).await;
        health.contains("\"state\": \"disabled\"").then_some(())
    })
    .await;
    assert_snapshot!(desk.run(&["servers", "disable", "up"]).await, @r"
    exit code 0
    ----- stdout
    `up` is disabled already.
    ");
    assert_snapshot!(desk.run(&["servers", "enable", "up"]).await, @r"
    exit code 0
    ----- stdout
    Enabled `up` in `gantry.yaml`.
    ");
    eventually("the server to be ready again", async || {
        let health = desk.run(&["servers", "health", "up"]).await;
        health.starts_with("exit code 0\n").then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_switched_is_told() {
    let desk =
        Desk::with("servers:\n  docs:\n    url: http://127.0.0.1:9/mcp\n    enabled: ${ON:true}\n");
    assert_snapshot!(desk.run(&["servers", "disable", "dosc"]).await, @r"
    exit code 1
    ----- stderr
    error: cannot disable `dosc`
      caused by: cannot change `gantry.yaml`
      caused by: there is no `servers.dosc`

    hint: did you mean `docs`?
    hint: this is E0301 — run `gantry explain E0301`
    ");
    assert_snapshot!(desk.run(&["servers", "disable", "docs"]).await, @r"
    exit code 1
    ----- stderr
    error: cannot disable `docs`
      caused by: cannot change `gantry.yaml`
      caused by: the file cannot be edited safely: `servers.docs` has an `enabled` that is neither `true` nor `false`

    hint: this is E0112 — run `gantry explain E0112`
    ");
    assert_snapshot!(desk.run(&["servers", "restart", "docs"]).await, @r"
    exit code 1
    ----- stderr
    error: cannot restart `docs`
      caused by: no gateway runs on the data folder `[FOLDER]/gantry-data`

    hint: `gantry serve` starts one
    hint: this is E0603 — run `gantry explain E0603`
    ");
}

/// A server that the HTTP API made is in no file: the gateway itself switches it.
#[tokio::test]
async fn a_server_of_the_api_is_switched_and_restarted() {
    let upstream = Scripted::modern().tool("t", json!({}), |_| Answer::text("t")).start().await;
    let gantry = Gantry::start("servers: {}\n").await;
    let token = std::fs::read_to_string(gantry.data().join("admin.token")).expect("it is there");
    let admin = Client::modern(&gantry.url("/api/servers"), json!({}))
        .with_header("authorization", &format!("Bearer {}", token.trim()));
    let mut entry = upstream.server();
    entry["id"] = "made".into();
    let made = admin.post(entry.to_string(), &[]).await;
    assert_eq!(made.status, 201, "{made:?}");
    let state = async |wanted: &str| {
        eventually(&format!("the server to be {wanted}"), async || {
            let health = gantry.run(&["servers", "health", "made", "--format", "json"]).await;
            health.stdout.contains(&format!("\"state\": \"{wanted}\"")).then_some(())
        })
        .await;
    };
    let says = async |arguments: &[&str]| {
        let done = gantry.run(arguments).await;
        assert!(done.status.success(), "{done:?}");
        done.stdout
    };
    state("ready").await;
    let disabled = says(&["servers", "disable", "made"]).await;
    assert_eq!(disabled, "Disabled `made` in the running gateway.\n");
    state("disabled").await;
    let enabled = says(&["servers", "enable", "made"]).await;
    assert_eq!(enabled, "Enabled `made` in the running gateway.\n");
    state("ready").await;
    let greetings =
        async || upstream.seen().iter().filter(|seen| seen.method() == "server/discover").count();
    let before = greetings().await;
    assert_eq!(says(&["servers", "restart", "made"]).await, "Restarted `made`.\n");
    eventually("the server to be greeted anew", async || {
        (greetings().await > before).then_some(())
    })
    .await;
    state("ready").await;
}
