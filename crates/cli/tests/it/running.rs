//! Starting, configuring and ending a gateway, as its user does.

use serde_json::json;

use crate::support::{
    gantry::{Gantry, Setup},
    marks::Mark,
    upstream::{self, HttpUpstream},
};

#[tokio::test]
async fn a_gateway_ends_well_when_it_is_told_to() {
    let gantry = Gantry::start("servers: {}").await;
    let (status, log) = gantry.stop().await;
    assert!(status.success(), "{status}: {log}");
    assert!(!log.contains("migration"), "a new database is nobody's concern: {log}");
}

#[tokio::test]
async fn a_configuration_with_an_unknown_key_is_refused_and_the_key_is_named() {
    let refused = Setup::new("serverz: {}").try_start().await;
    let reason = refused.expect_err("an unknown key is an error");
    assert!(reason.contains("serverz"), "{reason}");
}

#[tokio::test]
async fn listening_beyond_the_loopback_without_authentication_is_refused() {
    let setup = Setup::new("servers: {}").argument("--listen").argument("0.0.0.0:0");
    let reason = setup.try_start().await.expect_err("nobody commands the gateway unasked");
    assert!(reason.contains("loopback"), "{reason}");
}

#[tokio::test]
async fn variables_of_the_environment_may_be_used_in_the_configuration() {
    let upstream = HttpUpstream::start("dual").await;
    let setup = Setup::new("servers: { up: { url: \"${UPSTREAM}\" } }");
    let gantry = setup.variable("UPSTREAM", upstream.url()).start().await;
    let listed = gantry.run(&["tools", "list", "--format", "json"]).await;
    assert!(listed.status.success(), "{listed}");
    assert!(listed.stdout.contains("up__test_simple_text"), "{listed}");
}

#[tokio::test]
async fn another_systems_file_is_served_and_what_is_left_out_is_told_once() {
    let upstream = HttpUpstream::start("dual").await;
    let config = json!({
        "mcpServers": { "Up": { "url": upstream.url(), "autoApprove": ["x"] } },
        "theme": "dark",
    });
    let setup = Setup::new(&config.to_string()).variable("LOG_LEVEL", "INFO");
    let setup = setup.variable("CATALOG_SIGNING_KEY", "key").variable("DATABASE_URL", "db");
    let gantry = setup.start().await;
    let listed = gantry.run(&["tools", "list", "--format", "json"]).await;
    assert!(listed.stdout.contains("up__test_simple_text"), "{listed}");
    let log = gantry.log();
    for told in ["mcpServers.Up.autoApprove", "is the client's own", "LOG_LEVEL=log.level"] {
        assert_eq!(log.matches(told).count(), 1, "{told} in {log}");
    }
    assert!(log.contains("CATALOG_SIGNING_KEY (signed catalogues"), "{log}");
    assert!(!log.contains("DATABASE_URL"), "a common name alone says nothing: {log}");
}

#[tokio::test]
async fn adding_a_server_keeps_the_comments_of_the_configuration() {
    let gantry = Gantry::start("# mine\nservers: {}\n").await;
    let added = gantry.run(&["add", "docs", "http://127.0.0.1:9/mcp"]).await;
    assert!(added.status.success(), "{added}");
    let config = std::fs::read_to_string(gantry.config()).expect("the file is still there");
    assert!(config.contains("# mine") && config.contains("docs"), "{config}");
}

#[tokio::test]
async fn a_stopped_gateway_leaves_no_child() {
    let (gantry, mark) = with_a_child("stopped").await;
    let (status, log) = gantry.stop().await;
    assert!(status.success(), "{status}: {log}");
    mark.wait_until_running(false).await;
}

#[tokio::test]
async fn a_killed_gateway_leaves_no_child() {
    let (mut gantry, mark) = with_a_child("killed").await;
    gantry.process().kill().await;
    mark.wait_until_running(false).await;
}

/// A gateway whose only child runs and carries the mark.
async fn with_a_child(name: &str) -> (Gantry, Mark) {
    let mark = Mark::new(name);
    let (variable, value) = mark.variable();
    let config = json!({ "servers": { "up": {
        "command": upstream::program(),
        "args": ["--stdio"],
        "env": { variable: value },
    } } });
    let gantry = Gantry::start(&config.to_string()).await;
    let listed = gantry.run(&["tools", "list"]).await;
    assert!(listed.status.success(), "{listed}");
    mark.wait_until_running(true).await;
    (gantry, mark)
}
