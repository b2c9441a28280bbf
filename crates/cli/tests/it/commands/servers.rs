//! `gantry servers health|enable|disable|restart`.

use insta::assert_snapshot;

use super::Desk;
use crate::support::wait::eventually;

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
    assert!(health.contains("\nstate      ready\n"), "{health}");
    let yaml = desk.run(&["servers", "health", "up", "--format", "yaml"]).await;
    assert!(yaml.contains("\nname: up\nstate: ready\n"), "{yaml}");
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
