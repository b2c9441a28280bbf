//! `kill -9` at random moments under load: the database opens each time, and what was answered is
//! there.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{admin_token, fetch, session_with_level};
use crate::support::{client::Client, gantry::Gantry};

const KILLS: u64 = 50;
const WORKERS: usize = 4;
/// How long the gateway lives under load at most, in milliseconds.
const LIFE: u64 = 120;
/// Numbers that follow each other as if by chance, and are the same in each run (Knuth, "The Art of
/// Computer Programming", volume 2, section 3.3.4).
const FACTOR: u64 = 6_364_136_223_846_793_005;

/// Where a gateway is and how it is commanded.
#[derive(Clone)]
struct Door {
    address: String,
    token: String,
}

impl Door {
    fn of(gantry: &Gantry) -> Self {
        let address = gantry.url("").trim_start_matches("http://").to_owned();
        Self { address, token: admin_token(gantry) }
    }

    /// Sends a request on a connection of its own; `None` if nobody answers any more.
    async fn send(&self, line: &str, body: &Value) -> Option<u16> {
        let mut stream = TcpStream::connect(&self.address).await.ok()?;
        let (body, token) = (body.to_string(), &self.token);
        let head = format!(
            "{line} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\naccept: application/json, text/event-stream\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        answer.split(' ').nth(1)?.parse().ok()
    }

    /// Changes a server again and again; returns the last number that was answered.
    async fn change(self, worker: usize, first: u64) -> u64 {
        let mut kept = first;
        loop {
            let next = kept + 1;
            match self.send(&format!("PUT /api/servers/s{worker}"), &entry(next)).await {
                Some(200) => kept = next,
                // What was not answered may be kept or not.
                _ => return kept,
            }
        }
    }

    /// Opens sessions until nobody answers.
    async fn open_sessions(self) {
        let message = json!({
            "jsonrpc": "2.0", "id": 1, "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25", "capabilities": {},
                "clientInfo": { "name": "load", "version": "1" },
            },
        });
        while self.send("POST /mcp", &message).await == Some(200) {}
    }
}

fn entry(number: u64) -> Value {
    json!({
        "url": "http://127.0.0.1:9/mcp", "enabled": false, "description": number.to_string(),
    })
}

/// The number that a server has now.
async fn number_of(gantry: &Gantry, worker: usize) -> u64 {
    let (_, body) = fetch(gantry, &format!("/api/servers/s{worker}")).await;
    let told: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("no JSON: {body}"));
    let number = told["config"]["description"].as_str().and_then(|text| text.parse().ok());
    number.unwrap_or_else(|| panic!("no number: {told}"))
}

#[tokio::test]
async fn fifty_kills_lose_nothing_that_was_answered() {
    let gantry = Gantry::start("admin: { allow_commands: true }").await;
    let held = session_with_level(&gantry).await;
    for worker in 0..WORKERS {
        let mut first = entry(0);
        first["id"] = json!(format!("s{worker}"));
        assert_eq!(Door::of(&gantry).send("POST /api/servers", &first).await, Some(201));
    }
    let mut gantry = gantry.restart().await;
    let (mut chance, mut changes) = (1_u64, 0);
    for round in 0..KILLS {
        let mut load = JoinSet::new();
        for worker in 0..WORKERS {
            let first = number_of(&gantry, worker).await;
            let door = Door::of(&gantry);
            load.spawn(async move { (worker, first, door.change(worker, first).await) });
        }
        let mut sessions = JoinSet::new();
        sessions.spawn(Door::of(&gantry).open_sessions());
        chance = chance.wrapping_mul(FACTOR).wrapping_add(1);
        tokio::time::sleep(Duration::from_millis((chance >> 33) % LIFE)).await;
        gantry = gantry.killed_and_started().await;
        while let Some(done) = load.join_next().await {
            let (worker, first, answered) = done.expect("a worker does not panic");
            let found = number_of(&gantry, worker).await;
            let expected = answered..=answered + 1;
            assert!(expected.contains(&found), "round {round}: {found} is not in {expected:?}");
            changes += answered - first;
        }
        sessions.join_next().await.expect("there is one").expect("a worker does not panic");
        let (status, ready) = fetch(&gantry, "/ready").await;
        assert!(status == 200 && ready.contains(r#""storage":"ok""#), "round {round}: {ready}");
    }
    println!("{changes} changes were answered, and all are there");
    assert!(changes > KILLS, "there was hardly any load");
    let again = Client::new(&gantry.url("/mcp"), "2025-11-25", json!({}));
    let again = again.with_session(held.session());
    assert_eq!(again.request("ping", json!({})).await.status, 200, "an old session goes on");
    let (status, log) = gantry.stop().await;
    assert!(status.success() && !log.contains("panicked") && !log.contains("damaged"), "{log}");
}
