//! A real PostgreSQL: contract, several gateways, other releases, TLS, refusals, an outage.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use gantry_core::audit::AuditStore as _;
use gantry_core::clock::FixedClock;
use gantry_core::store::{OfferStore as _, ServerStore as _};
use gantry_storage::postgres::{ConnectError, Pool, TlsMode};
use gantry_storage::{AuditReader, Database as _, Kind, Postgres, PostgresConfig};
use gantry_testkit::contract;
use gantry_testkit::postgres::{PASSWORD, PostgresServer, USER};

use crate::support::{DAY, NOW};

pub(crate) const DATABASE: &str = "gantry";

fn server() -> PostgresServer {
    let server = PostgresServer::start();
    server.create_database(DATABASE);
    server
}

pub(crate) fn config(server: &PostgresServer) -> PostgresConfig {
    PostgresConfig {
        host: "127.0.0.1".to_owned(),
        port: server.port(),
        user: USER.to_owned(),
        password: Some(PASSWORD.to_owned()),
        database: DATABASE.to_owned(),
        tls: TlsMode::Prefer,
        root_certificate: None,
        identity: None,
        pool: Pool {
            max: 5,
            min: 0,
            acquire_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_mins(1),
            max_lifetime: Duration::from_mins(10),
        },
    }
}

pub(crate) async fn open(config: &PostgresConfig, now: u64) -> Result<Postgres, ConnectError> {
    Postgres::open(config, Arc::new(FixedClock(Duration::from_secs(now)))).await
}

#[tokio::test]
async fn it_keeps_the_contracts() {
    let server = server();
    let database = open(&config(&server), NOW).await.unwrap();
    assert_eq!(database.kind(), Kind::Postgres);
    contract::offer_store(&database).await;
    contract::session_store(&database).await;
    contract::server_store(&database).await;
    contract::key_store(&database).await;
    contract::record_store(&database, NOW).await;
    contract::audit_store(&database).await;
    let mut reader = AuditReader::connect(&config(&server)).await.unwrap();
    for trail in reader.trails().await.unwrap() {
        let lines = reader.lines_after(&trail, 0, 1000).await.unwrap();
        assert_eq!(lines, database.lines_after(&trail, 0, 1000).await.unwrap());
        assert!(!lines.is_empty());
    }
    let connections = database.connections();
    assert!((1..=5).contains(&connections.idle) && connections.max == 5, "{connections:?}");
    database.close().await;
    let error = database.offer("docs", "").await.unwrap_err();
    assert!(error.to_string().contains("the database is closed"), "{error}");
    let elsewhere =
        server.sql(DATABASE, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'");
    assert_eq!(elsewhere, "0", "everything is in a schema of its own");
}

#[tokio::test]
async fn what_nobody_touched_for_90_days_is_forgotten_and_what_is_read_is_kept() {
    let server = server();
    let config = config(&server);
    let first = open(&config, NOW).await.unwrap();
    for upstream in ["docs", "idle"] {
        first.put_offer(upstream, "", Bytes::from_static(b"offer")).await.unwrap();
    }
    first.put_server("docs", "{}").await.unwrap();
    first.close().await;
    let later = open(&config, NOW + 60 * DAY).await.unwrap();
    assert!(later.offer("docs", "").await.unwrap().is_some());
    later.close().await;
    let last = open(&config, NOW + 120 * DAY).await.unwrap();
    assert!(last.offer("docs", "").await.unwrap().is_some());
    assert!(last.offer("idle", "").await.unwrap().is_none());
    assert_eq!(last.servers().await.unwrap().len(), 1);
}

#[tokio::test]
async fn gateways_that_start_at_once_make_the_schema_once() {
    let server = server();
    let config = config(&server);
    let opened = futures_util::future::join_all((0..8).map(|_| open(&config, NOW))).await;
    let databases: Vec<_> = opened.into_iter().map(|opened| opened.unwrap()).collect();
    let applied =
        server.sql(DATABASE, "SELECT count(*) = count(DISTINCT version) FROM gantry.migrations");
    assert_eq!(applied, "t");
    // What one writes the others read.
    databases[0].put_offer("docs", "", Bytes::from_static(b"offer")).await.unwrap();
    for database in &databases {
        assert!(database.offer("docs", "").await.unwrap().is_some());
        database.close().await;
    }
}

#[tokio::test]
async fn two_releases_run_on_one_schema_until_something_is_taken_away() {
    let server = server();
    let config = config(&server);
    let running = open(&config, NOW).await.unwrap();
    running.put_offer("docs", "", Bytes::from_static(b"offer")).await.unwrap();
    // A later release starts beside it and only adds.
    server.sql(
        DATABASE,
        "ALTER TABLE gantry.offers ADD COLUMN colour TEXT NOT NULL DEFAULT 'none';
         ALTER TABLE gantry.sessions ADD COLUMN seat BIGINT;
         INSERT INTO gantry.migrations VALUES (1007, 'later', 0)",
    );
    contract::session_store(&running).await;
    running.close().await;
    let back = open(&config, NOW).await.unwrap();
    assert!(back.offer("docs", "").await.unwrap().is_some());
    contract::offer_store(&back).await;
    back.close().await;
    server.sql(
        DATABASE,
        "UPDATE gantry.meta SET value = '1007' WHERE name = 'oldest_schema';
         UPDATE gantry.meta SET value = '9.1.0' WHERE name = 'oldest_release'",
    );
    let error = open(&config, NOW).await.unwrap_err();
    assert!(matches!(error, ConnectError::Newer { found: 1007, .. }), "{error:?}");
    assert!(error.to_string().contains("9.1.0 or a later one"), "{error}");
}

#[tokio::test]
async fn who_is_not_there_and_who_says_no_are_told_apart_and_no_password_is_shown() {
    let server = server();
    let good = config(&server);
    let short = Pool { acquire_timeout: Duration::from_secs(3), ..good.pool };
    let wrong = PostgresConfig { password: Some("hunter3".to_owned()), ..good.clone() };
    let none = PostgresConfig { password: None, ..good.clone() };
    let absent = PostgresConfig { database: "nobody".to_owned(), ..good.clone() };
    for config in [wrong, none, absent] {
        let error = open(&config, NOW).await.unwrap_err();
        assert!(matches!(error, ConnectError::Refused { .. }), "{error:?}");
        let shown = format!("{config:?} {error:?} {}", gantry_core::chain(&error));
        assert!(!shown.contains("hunter"), "{shown}");
    }
    let nobody = PostgresConfig { port: 1, pool: short, ..good.clone() };
    let error = open(&nobody, NOW).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    // It takes connections and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let silent = PostgresConfig { port, pool: short, ..good };
    let error = open(&silent, NOW).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_role_without_rights_is_refused_and_a_schema_made_for_it_is_enough() {
    let server = server();
    server.sql(DATABASE, "CREATE ROLE plain LOGIN PASSWORD 'plain'");
    let config = PostgresConfig {
        user: "plain".to_owned(),
        password: Some("plain".to_owned()),
        ..config(&server)
    };
    let error = open(&config, NOW).await.unwrap_err();
    assert!(matches!(error, ConnectError::Refused { .. }), "{error:?}");
    server.sql(DATABASE, "CREATE SCHEMA gantry AUTHORIZATION plain");
    open(&config, NOW).await.unwrap().close().await;
}

#[tokio::test]
async fn the_way_is_encrypted_as_it_is_asked_for() {
    let server = server();
    let plain = config(&server);
    let encrypted = "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                     WHERE application_name = 'gantry'";
    for (tls, certificate, host, expected) in [
        (TlsMode::Disable, false, "127.0.0.1", Some("f")),
        (TlsMode::Prefer, false, "127.0.0.1", Some("t")),
        (TlsMode::Require, false, "127.0.0.1", Some("t")),
        (TlsMode::VerifyCa, true, "localhost", Some("t")),
        (TlsMode::VerifyFull, true, "localhost", Some("t")),
        // Nobody vouches for the certificate.
        (TlsMode::VerifyFull, false, "localhost", None),
    ] {
        let root_certificate = certificate.then(|| server.certificate());
        let host = host.to_owned();
        let pool = Pool { min: 1, max: 1, ..plain.pool };
        let config = PostgresConfig { tls, root_certificate, host, pool, ..plain.clone() };
        match (open(&config, NOW).await, expected) {
            (Ok(database), Some(expected)) => {
                assert_eq!(server.sql(DATABASE, encrypted), expected, "{tls:?}");
                database.close().await;
            }
            (Err(ConnectError::Unreachable { .. }), None) => {}
            (outcome, _) => panic!("{tls:?}: {outcome:?}"),
        }
    }
    let folder = server.folder().to_string_lossy().into_owned();
    let socket = PostgresConfig { host: folder, tls: TlsMode::Disable, ..plain };
    open(&socket, NOW).await.unwrap().close().await;
}

#[tokio::test]
async fn an_outage_is_an_error_in_time_and_ends_with_the_server_back() {
    let mut server = server();
    let mut config = config(&server);
    config.pool.acquire_timeout = Duration::from_secs(1);
    let database = open(&config, NOW).await.unwrap();
    database.put_offer("docs", "", Bytes::from_static(b"offer")).await.unwrap();
    server.crash();
    let begun = Instant::now();
    let error = database.put_offer("docs", "", Bytes::from_static(b"lost")).await.unwrap_err();
    assert!(begun.elapsed() < config.limit(), "{:?}", begun.elapsed());
    assert!(
        error.to_string().contains("is not there") && !error.to_string().contains("hunter"),
        "{error}"
    );
    server.resume();
    assert_eq!(database.offer("docs", "").await.unwrap().as_deref(), Some(&b"offer"[..]));
    database.put_offer("docs", "", Bytes::from_static(b"again")).await.unwrap();
    database.close().await;
}
