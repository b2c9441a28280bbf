//! The HTTP API of a running gateway, driven from its own description by a tool of another maker
//! (schemathesis): every route is sent good and bad input, and every answer is held to the document.
//!
//! The inputs are the same in every run, so that a failure is found again.

use std::path::Path;
use std::time::Duration;

use crate::support::gantry::Gantry;
use crate::support::node;
use crate::support::process;
use crate::support::upstream::HttpUpstream;

/// Less than a test may take, so that it is told what hung.
const DRIVE: Duration = Duration::from_secs(160);

/// What is held against each answer. Whether input that fits the document is taken is not: rules
/// about names and addresses go beyond what a schema says.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,unsupported_method,\
    allow_header_conformance";

/// 500 is always a bug. What a server behind the gateway cannot do is told by these three.
const SETTINGS: &str = "[checks]\n\
    not_a_server_error.expected-statuses = [\"2xx\", \"4xx\", \"502\", \"503\", \"504\"]\n";

/// Names of what is there, so that more than refusals is seen.
const KNOWN: &str = "[parameters]\n\
    id = \"up\"\ntool = \"test_simple_text\"\nname = \"up__test_simple_text\"\n\
    uri = \"test://static-text\"\n";

#[tokio::test]
async fn every_route_answers_anything_as_its_description_says() {
    let (gantry, _upstream) = gateway().await;
    drive(&gantry, "", "25").await;
}

#[tokio::test]
async fn what_is_there_is_answered_as_its_description_says() {
    let (gantry, _upstream) = gateway().await;
    drive(&gantry, KNOWN, "10").await;
    let health = gantry.run(&["tools", "call", "up__test_simple_text"]).await;
    assert!(health.status.success(), "the server outlives whatever was sent: {health}");
}

#[tokio::test]
async fn servers_are_made_replaced_and_removed_as_the_description_says() {
    let (gantry, _upstream) = gateway().await;
    drive(&gantry, "[parameters]\nid = \"example\"\n", "5").await;
    let log = gantry.log();
    for action in ["made", "replaced", "removed", "enabled", "disabled"] {
        let told = format!("action=\"{action}\"");
        assert!(log.contains(&told) || log.contains(&told.replace('"', "")), "{action}: {log}");
    }
}

/// A gateway with one server. Its folder is thrown away with whatever the drive makes of it.
async fn gateway() -> (Gantry, HttpUpstream) {
    let upstream = HttpUpstream::start("dual").await;
    let config = format!("servers: {{ up: {{ url: {} }} }}", upstream.url());
    let gantry = Gantry::start(&config).await;
    let listed = gantry.run(&["tools", "list"]).await;
    assert!(listed.stdout.contains("up__test_simple_text"), "{listed}");
    (gantry, upstream)
}

async fn drive(gantry: &Gantry, known: &str, examples: &str) {
    let folder = gantry.config().parent().map(Path::to_owned).unwrap_or_default();
    let settings = folder.join("schemathesis.toml");
    std::fs::write(&settings, format!("{known}{SETTINGS}")).expect("a file can be written");
    let token = std::fs::read_to_string(folder.join("data/admin.token"));
    let token = token.expect("a gateway that serves has an admin token");
    let mut command = process::command(node::python());
    command.current_dir(&folder).args(["-m", "schemathesis.cli", "--config-file"]).arg(settings);
    command.arg("run").arg(gantry.url("/api/openapi.json"));
    command.arg("--header").arg(format!("Authorization: Bearer {}", token.trim()));
    command.args(["--checks", CHECKS, "--max-examples", examples, "--generation-deterministic"]);
    // A stream of events has no end to wait for.
    command.args(["--exclude-operation-id", "listenToServer"]);
    command.args(["--phases", "examples,coverage,fuzzing", "--continue-on-failure"]);
    command.args(["--request-timeout", "20", "--no-color", "--warnings", "off"]);
    command.args(["--suppress-health-check", "all"]);
    let driven = process::run(command, DRIVE).await.expect("schemathesis runs to its end");
    assert!(driven.status.success(), "{driven}");
}
