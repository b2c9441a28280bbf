//! What is kept, and where: PostgreSQL under a running gateway, backups by the command line, and a
//! gateway that is killed at random.

mod backup;
mod kill;
mod postgres;

use serde_json::json;

use crate::support::{client::Client, gantry::Gantry};

/// A client of a route that administers.
fn admin(gantry: &Gantry, path: &str) -> Client {
    Client::modern(&gantry.url(path), json!({}))
        .with_header("authorization", &format!("Bearer {}", admin_token(gantry)))
}

fn admin_token(gantry: &Gantry) -> String {
    let token = std::fs::read_to_string(gantry.data().join("admin.token"));
    token.expect("a gateway has an admin token").trim().to_owned()
}

/// The answer of a route, from this machine.
async fn fetch(gantry: &Gantry, path: &str) -> (u16, String) {
    let client = admin(gantry, path);
    let reply = client.bare("GET", &[("accept", "*/*")]).await.finish().await;
    (reply.status, String::from_utf8_lossy(&reply.raw).into_owned())
}

/// A session whose client set something that only the database remembers.
async fn session_with_level(gantry: &Gantry) -> Client {
    let client = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    let level = client.request("logging/setLevel", json!({ "level": "error" })).await;
    assert!(level.result().is_object(), "{level:?}");
    client
}
