//! What is recorded beside calls: who was refused, and what was changed.

use serde_json::{Value, json};

use super::{config, is_event, is_whole, script, until};
use crate::support::{
    client::Client,
    gantry::{Gantry, Setup},
};

const TOKEN: &str = "a-token-of-ada-that-nobody-guesses";

fn admin(gantry: &Gantry) -> String {
    let token = std::fs::read_to_string(gantry.data().join("admin.token")).expect("it is there");
    format!("Bearer {}", token.trim())
}

#[tokio::test]
async fn who_is_refused_is_recorded_and_no_token_is() {
    let upstream = script().start().await;
    let mut config = config(upstream.server(), json!({ "events": ["*"] }));
    config["auth"] = json!({ "tokens": [{ "name": "ada", "token": TOKEN }] });
    let gantry = Gantry::start(&config.to_string()).await;
    let ask = async |authorization: Option<&str>, more: &[(&str, &str)]| {
        let mut client = Client::modern(&gantry.url("/mcp"), json!({}));
        if let Some(authorization) = authorization {
            client = client.with_header("authorization", authorization);
        }
        let message = client.message("tools/list", json!({}));
        client.send(&message, more).await.finish().await.status
    };
    let wrong = format!("Bearer {TOKEN}x");
    assert_eq!(ask(None, &[]).await, 401);
    assert_eq!(ask(Some(&wrong), &[]).await, 401);
    assert_eq!(ask(Some(&format!("Bearer {TOKEN}")), &[]).await, 200);
    assert_eq!(ask(None, &[("origin", "https://evil.example")]).await, 403);
    let client = Client::modern(&gantry.url("/api/servers"), json!({}));
    let client = client.with_header("authorization", &format!("Bearer {TOKEN}"));
    let body = json!({ "id": "x", "url": "http://127.0.0.1:9/mcp" }).to_string();
    assert_eq!(client.post(body, &[]).await.status, 403);

    let of = async |event: &'static str| {
        let mut found = until(&gantry, 1, |entry| is_event(entry, event)).await;
        assert_eq!(found[0]["security_event"], true);
        found.remove(0)
    };
    let missing = of("authentication.missing").await;
    assert_eq!((&missing["code"], &missing["outcome"]), (&json!("E0401"), &json!("refused")));
    assert_eq!(
        (&missing["address"], &missing["method"]),
        (&json!("127.0.0.1"), &json!("POST /mcp"))
    );
    assert_eq!(of("authentication.failure").await["code"], "E0401");
    assert_eq!(of("authentication.success").await["principal"], "ada");
    assert_eq!(of("security.violation").await["code"], "E0403");
    let denied = of("authorization.denied").await;
    assert_eq!((&denied["code"], &denied["principal"]), (&json!("E0325"), &json!("ada")));
    let text = std::fs::read_to_string(super::trail(&gantry)).expect("it can be read");
    assert!(!text.contains(TOKEN), "{text}");
    is_whole(&gantry).await;
}

#[tokio::test]
async fn changes_are_recorded_with_who_made_them() {
    let upstream = script().start().await;
    let config = config(upstream.server(), json!({ "sync": "each" })).to_string();
    let gantry = Setup::new(&config).start().await;
    let admin = admin(&gantry);
    let ask = async |verb: &str, path: &str, body: Value| {
        let client = Client::modern(&gantry.url(path), json!({}));
        let client = client.with_header("authorization", &admin);
        let headers = [("content-type", "application/json")];
        match verb {
            "POST" => client.post(body.to_string(), &headers).await.status,
            verb => client.bare(verb, &headers).await.finish().await.status,
        }
    };
    let entry = json!({ "id": "new", "url": "http://127.0.0.1:9/mcp" });
    assert_eq!(ask("POST", "/api/servers", entry.clone()).await, 201);
    assert_eq!(ask("POST", "/api/servers", entry).await, 409);
    assert_eq!(ask("POST", "/api/servers/new/disable", json!({})).await, 200);
    assert_eq!(ask("POST", "/api/servers/up/restart", json!({})).await, 200);
    assert_eq!(ask("DELETE", "/api/servers/new", Value::Null).await, 204);
    let level = json!({ "configuredLevel": "DEBUG" });
    assert_eq!(ask("POST", "/actuator/loggers/gantry_net", level).await, 204);
    // Answered, so they are there.
    let told: Vec<_> = super::entries(&gantry)
        .into_iter()
        .filter(|entry| entry["principal"] == "administrator" || entry["principal"] == "anonymous")
        .map(|entry| {
            json!([entry["event_type"], entry["subject"], entry["outcome"], entry["detail"]])
        })
        .collect();
    let expected = json!([
        ["server.added", "new", "ok", "made"],
        ["server.added", "new", "failed", "made"],
        ["server.changed", "new", "ok", "disabled"],
        ["server.restarted", "up", "ok", null],
        ["server.removed", "new", "ok", "removed"],
        ["log.level_changed", "gantry_net", "ok", "DEBUG"],
    ]);
    assert_eq!(Value::Array(told), expected);
    std::fs::write(gantry.config(), format!("{config} # changed")).expect("it can be written");
    let changed = until(&gantry, 1, |entry| is_event(entry, "config.changed")).await;
    assert_eq!(changed[0]["outcome"], "ok");
    std::fs::write(gantry.config(), "servres: {}").expect("it can be written");
    let refused = until(&gantry, 2, |entry| is_event(entry, "config.changed")).await;
    assert_eq!((&refused[1]["outcome"], &refused[1]["code"]), (&json!("failed"), &json!("E0103")));
    std::fs::write(gantry.config(), config).expect("it can be written");
    is_whole(&gantry).await;
}
