//! A gateway whose database is a PostgreSQL server, and what it does without it.

use std::time::{Duration, Instant};

use gantry_testkit::postgres::{PASSWORD, PostgresServer};
use serde_json::{Value, json};

use super::{admin, fetch, session_with_level};
use crate::support::{
    client::Client,
    gantry::{Gantry, Setup},
    scripted::{Answer, Scripted},
    wait::eventually,
};

const DATABASE: &str = "gantry";
/// How long the server is away. A caller gets no sign of it.
const OUTAGE: Duration = Duration::from_secs(10);

fn server() -> PostgresServer {
    let server = PostgresServer::start();
    server.create_database(DATABASE);
    server
}

fn setup(server: &PostgresServer, upstream: &Scripted) -> Setup {
    let config = json!({
        "servers": { "up": upstream.server() },
        "storage": { "url": "${DB}", "pool": { "acquire_timeout": "2s" } },
        "admin": { "allow_commands": true },
    });
    Setup::new(&config.to_string()).variable("DB", server.url(DATABASE))
}

async fn good() -> Scripted {
    Scripted::legacy("2025-11-25").tool("good", json!({}), |_| Answer::text("fine")).start().await
}

/// What a route says, and its status.
async fn told(gantry: &Gantry, path: &str) -> (u16, Value) {
    let (status, body) = fetch(gantry, path).await;
    (status, serde_json::from_str(&body).unwrap_or_else(|_| panic!("no JSON: {body}")))
}

#[tokio::test]
async fn what_is_kept_outlives_the_process_and_the_password_is_nowhere() {
    let (server, upstream) = (server(), good().await);
    let gantry = setup(&server, &upstream).start().await;
    let client = session_with_level(&gantry).await;
    let entry = json!({ "id": "made", "url": "http://127.0.0.1:9/mcp", "enabled": false });
    assert_eq!(admin(&gantry, "/api/servers").post(entry.to_string(), &[]).await.status, 201);
    let gantry = gantry.restart().await;
    let again = Client::new(&gantry.url("/mcp"), "2025-11-25", json!({}));
    let again = again.with_session(client.session());
    assert_eq!(again.call("up__good", json!({})).await.text(), "fine");
    let list = gantry.run(&["servers", "list"]).await;
    assert!(list.stdout.contains("made"), "{list}");
    assert!(!gantry.data().join("gantry.db").exists(), "there is nothing in the folder");
    let levels = server.sql(DATABASE, "SELECT log_level FROM gantry.sessions WHERE ended = 0");
    assert_eq!(levels, "error");

    let (status, health) = told(&gantry, "/actuator/health/db").await;
    assert_eq!((status, &health["details"]["database"]), (200, &json!("PostgreSQL")));
    let doctor = gantry.run(&["doctor"]).await;
    assert!(doctor.stdout.contains("PostgreSQL 1"), "{doctor}");
    let shown = gantry.run(&["config", "show"]).await;
    assert!(shown.stdout.contains(r#"url: "${DB}""#), "{shown}");
    let (_, props) = told(&gantry, "/actuator/configprops").await;
    let (_, figures) = fetch(&gantry, "/metrics").await;
    assert!(figures.contains(r#"hikaricp_connections_max{pool="postgres"} 20"#), "{figures}");
    let texts = [gantry.log(), doctor.to_string(), shown.to_string(), props.to_string(), figures];
    for secret in [PASSWORD, gantry_testkit::postgres::PASSWORD_IN_URL, "hunter2"] {
        assert!(texts.iter().all(|text| !text.contains(secret)), "{secret}: {texts:?}");
    }
}

#[tokio::test]
async fn an_outage_fails_no_call_and_what_was_said_meanwhile_is_written_after_it() {
    let (mut server, upstream) = (server(), good().await);
    let gantry = setup(&server, &upstream).start().await;
    let modern = Client::modern(&gantry.url("/mcp"), json!({}));
    let legacy = session_with_level(&gantry).await;
    assert_eq!(modern.call("up__good", json!({})).await.text(), "fine");

    server.crash();
    let down = Instant::now();
    let (mut calls, mut slowest) = (0, Duration::ZERO);
    let meanwhile = session_with_level(&gantry).await;
    while down.elapsed() < OUTAGE {
        for client in [&modern, &legacy, &meanwhile] {
            let begun = Instant::now();
            assert_eq!(client.call("up__good", json!({})).await.text(), "fine");
            slowest = slowest.max(begun.elapsed());
            calls += 1;
        }
    }
    println!("{calls} calls, the slowest took {slowest:?}");
    assert!(slowest < Duration::from_secs(2), "a call waited for the database: {slowest:?}");
    let (status, health) = told(&gantry, "/actuator/health/db").await;
    assert_eq!((status, &health["status"]), (503, &json!("DOWN")));
    for path in ["/health", "/ready", "/actuator/health/readiness", "/actuator/health/liveness"] {
        assert_eq!(told(&gantry, path).await.0, 200, "{path}: nobody gains if it is taken away");
    }
    assert_eq!(told(&gantry, "/ready").await.1["checks"]["storage"], "unreachable");
    // What has to be written before it is answered is refused.
    let entry = json!({ "id": "made", "url": "http://127.0.0.1:9/mcp", "enabled": false });
    let refused = admin(&gantry, "/api/servers").post(entry.to_string(), &[]).await;
    assert_eq!(refused.status, 500, "{refused:?}");

    server.resume();
    eventually("the database is found again", async || {
        (told(&gantry, "/actuator/health/db").await.0 == 200).then_some(())
    })
    .await;
    let open = "SELECT count(*) FROM gantry.sessions WHERE ended = 0 AND log_level = 'error'";
    eventually("what was said meanwhile is written", async || {
        (server.sql(DATABASE, open) == "2").then_some(())
    })
    .await;
    let (status, log) = gantry.stop().await;
    assert!(status.success() && !log.contains("panicked"), "{log}");
    assert!(log.contains("The store of sessions works again."), "{log}");
}

#[tokio::test]
async fn a_server_that_is_not_there_or_says_no_is_a_reason_not_to_start() {
    let (mut server, upstream) = (server(), good().await);
    server.create_database("closed");
    server.sql("postgres", "REVOKE CONNECT ON DATABASE closed FROM public");
    server.sql("postgres", "CREATE ROLE plain LOGIN PASSWORD 'plain'");
    let url = format!("postgres://plain:plain@127.0.0.1:{}/closed", server.port());
    let refused = setup(&server, &upstream).variable("DB", url).try_start().await.unwrap_err();
    assert!(refused.contains("E0504"), "{refused}");
    let gantry = setup(&server, &upstream).start().await;
    server.crash();
    let doctor = gantry.run(&["doctor"]).await;
    assert!(doctor.stdout.contains("cannot be reached"), "{doctor}");
    assert!(doctor.stderr.contains("E0503"), "{doctor}");
    let refused = setup(&server, &upstream).try_start().await.unwrap_err();
    assert!(refused.contains("E0503") && refused.contains("cannot be reached"), "{refused}");
    assert!(!refused.contains("hunter2"), "{refused}");
}
