//! Tools in other words than their server's: `servers.NAME.tools.overrides`.

use serde_json::{Value, json};

use super::{ADA, CI, bearer, legacy, modern};
use crate::support::client::Client;
use crate::support::gantry::Gantry;
use crate::support::scripted::{Answer, Scripted};
use crate::support::wait::eventually;

fn config(up: &Scripted, overrides: &Value) -> String {
    let mut server = up.server();
    server["tools"] = json!({ "overrides": overrides });
    json!({
        "servers": { "up": server },
        "views": { "some": ["up__*"] },
        "auth": { "tokens": [{ "name": "ada", "token": ADA }, { "name": "ci", "token": CI }] },
        // Whoever is seen through rules has views of their own.
        "access": { "rules": [
            { "name": "r", "effect": "deny", "principals": ["ci"], "tools": ["up__other"] },
        ] },
    })
    .to_string()
}

async fn gateway(overrides: &Value) -> (Gantry, Scripted) {
    let said = json!({
        "title": "Own title", "description": "Own words.",
        "annotations": { "title": "Older title", "readOnlyHint": true },
    });
    let up = Scripted::dual().tool("look", said.clone(), |_| Answer::text("seen")).tool(
        "other",
        said,
        |_| Answer::text("other"),
    );
    let up = up.start().await;
    let gantry = Gantry::start(&config(&up, overrides)).await;
    let ada = modern(&gantry, "/mcp", ADA);
    eventually("`up` is heard", async || {
        ada.tool_names().await.contains(&"up__look".to_owned()).then_some(())
    })
    .await;
    (gantry, up)
}

/// A tool as a client is told of it.
async fn told(client: &Client, name: &str) -> Value {
    let reply = client.request("tools/list", json!({})).await;
    let tools = reply.result()["tools"].as_array().cloned().unwrap_or_default();
    tools.into_iter().find(|tool| tool["name"] == name).expect("it is listed")
}

async fn api(gantry: &Gantry, path: &str, token: &str) -> Value {
    let client = Client::new(&gantry.url(path), "2025-11-25", json!({}));
    let client = client.with_header("authorization", &bearer(token));
    let reply = client.bare("GET", &[]).await.finish().await;
    serde_json::from_slice(&reply.raw).expect("JSON")
}

#[tokio::test]
async fn everybody_is_told_the_other_words_and_the_administrator_both() {
    let overrides = json!({ "look": { "title": "New title", "description": "New words." } });
    let (gantry, _up) = gateway(&overrides).await;
    for (path, name) in [("/mcp", "up__look"), ("/mcp/up", "look"), ("/mcp/some", "up__look")] {
        for token in [ADA, CI] {
            let (modern, legacy) =
                (modern(&gantry, path, token), legacy(&gantry, path, token).await);
            for client in [modern, legacy] {
                let tool = told(&client, name).await;
                assert_eq!(tool["title"], "New title", "{tool}");
                assert_eq!(tool["description"], "New words.");
                assert_eq!(tool["annotations"]["title"], "New title");
                assert_eq!(tool["annotations"]["readOnlyHint"], true);
                assert_eq!(client.call(name, json!({})).await.text(), "seen");
            }
        }
    }
    let other = told(&modern(&gantry, "/mcp", ADA), "up__other").await;
    assert_eq!(
        (&other["title"], &other["description"]),
        (&json!("Own title"), &json!("Own words."))
    );

    let tool = api(&gantry, "/api/tools/up__look", ADA).await;
    assert_eq!((&tool["description"], &tool["original"]), (&json!("New words."), &Value::Null));
    let admin = std::fs::read_to_string(gantry.data().join("admin.token")).expect("it is there");
    for path in ["/api/tools/up__look", "/api/servers/up/tools"] {
        let answer = api(&gantry, path, admin.trim()).await;
        let tool = answer["tools"].get(0).unwrap_or(&answer);
        assert_eq!(tool["description"], "New words.", "{answer}");
        assert_eq!(
            tool["original"],
            json!({ "title": "Own title", "description": "Own words." }),
            "{answer}"
        );
    }
    let explained = gantry.run(&["policy", "explain", "--as", "ada", "up__look"]).await;
    assert!(explained.stdout.contains("New words."), "{explained}");
}

#[tokio::test]
async fn a_change_of_words_is_told_and_starts_no_server_anew() {
    let (gantry, up) = gateway(&json!({})).await;
    let ada = modern(&gantry, "/mcp", ADA);
    let mut hears = ada.listen(json!({ "toolsListChanged": true })).await;
    hears.next_message().await;
    let overrides = json!({ "look": { "description": "New words." } });
    std::fs::write(gantry.config(), config(&up, &overrides)).expect("it can be written");
    assert_eq!(hears.next_message().await["method"], "notifications/tools/list_changed");
    let tool = told(&ada, "up__look").await;
    assert_eq!((&tool["title"], &tool["description"]), (&json!("Own title"), &json!("New words.")));
    let log = gantry.log();
    let reload = log.lines().find(|line| line.contains("unchanged=")).expect("it is told of");
    assert!(reload.contains("unchanged=1"), "the server goes on as it was: {reload}");
    let admin = std::fs::read_to_string(gantry.data().join("admin.token")).expect("it is there");
    let server = api(&gantry, "/api/servers/up", admin.trim()).await;
    assert_eq!(server["config"]["tools"]["overrides"], overrides, "{server}");
}

#[tokio::test]
async fn words_that_are_too_long_or_say_nothing_are_refused() {
    let up = Scripted::modern().start().await;
    for (words, why) in [
        (json!({ "title": "x".repeat(201) }), "may have 200"),
        (json!({ "description": "x".repeat(16 * 1024 + 1) }), "may have 16384"),
        (json!({}), "says nothing"),
    ] {
        let setup = crate::support::gantry::Setup::new(&config(&up, &json!({ "look": words })));
        let said = setup.try_start().await.expect_err("it must be refused");
        assert!(said.contains("servers.up.tools.overrides.look") && said.contains(why), "{said}");
    }
}
