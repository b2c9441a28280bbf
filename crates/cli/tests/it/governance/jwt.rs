//! Signed tokens with a shared secret, on the real binary: at every door, in both eras.

use std::time::SystemTime;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{believed, doors, refusal, tools};
use crate::support::client::Client;
use crate::support::gantry::{Gantry, Setup};
use crate::support::process::Finished;
use crate::support::scripted::Scripted;
use crate::support::wait::eventually;

pub(super) const SECRET: &str = "m3Qv8ZrT1xYbN5kLw0JpD7sGhC2uEfAo";
const OTHER: &str = "w9Fq2NcU6aHtR4vXz8KyB1mEoJ5sLgPd";

fn config(up: &Scripted, jwt: &Value) -> String {
    json!({ "servers": { "up": believed(up) }, "auth": { "jwt": jwt } }).to_string()
}

/// A gateway whose tokens have to be for `gate`, with no patience for clocks.
async fn gateway(up: &Scripted) -> Gantry {
    let jwt = json!({ "secret": "${JWT_SECRET}", "audience": ["gate"], "skew": "0s" });
    Setup::new(&config(up, &jwt)).variable("JWT_SECRET", SECRET).start().await
}

pub(super) fn now() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "tokens are held against the machine's clock")]
    let now = SystemTime::now();
    now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// A token, made without any code of the gateway.
pub(super) fn signed(secret: &str, more: Value) -> String {
    let mut claims = json!({ "sub": "ada", "aud": "gate", "exp": now() + 600, "scope": "*:*" });
    for (name, value) in more.as_object().into_iter().flatten() {
        claims[name] = value.clone();
    }
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&json!({ "alg": "HS256", "typ": "JWT" })), part(&claims));
    let mut mac: Hmac<Sha256> = Hmac::new_from_slice(secret.as_bytes()).expect("any length does");
    mac.update(text.as_bytes());
    format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn modern(gantry: &Gantry, token: &str) -> Client {
    let client = Client::modern(&gantry.url("/mcp/up"), json!({}));
    client.with_header("authorization", &format!("Bearer {token}"))
}

/// The token that a command made, alone on standard output.
fn made(finished: &Finished) -> String {
    assert!(finished.status.success(), "{finished}");
    finished.stdout.trim_end().to_owned()
}

#[tokio::test]
async fn a_token_opens_every_door_and_grants_what_it_says() {
    let up = tools().start().await;
    let gantry = gateway(&up).await;
    let everything = made(&gantry.run(&["token", "--subject", "ada"]).await);
    for token in [everything.as_str(), &signed(SECRET, json!({}))] {
        for (door, open) in doors(&gantry, Some(token)).await {
            assert_eq!(open.status, 200, "{door}: {open:?}");
        }
    }
    for (door, open) in doors(&gantry, None).await {
        let (status, code, challenge) = refusal(open).await;
        assert_eq!((status, code.as_str()), (401, "E0401"), "{door}");
        assert_eq!(challenge.as_deref(), Some(r#"Bearer realm="gantry""#), "{door}");
    }
    let all = eventually("the tools are there", async || {
        let names = modern(&gantry, &everything).tool_names().await;
        (names.len() == 2).then_some(names)
    });
    assert_eq!(all.await, ["look", "write"]);
    let arguments = ["token", "--subject", "bob", "--scope", "mcp:read"];
    let reader = made(&gantry.run(&arguments).await);
    assert_eq!(modern(&gantry, &reader).tool_names().await, ["look"]);
    let none = signed(SECRET, json!({ "scope": "openid" }));
    // Of what it may not use there is nothing, and so no view either.
    let nothing = modern(&gantry, &none).request("tools/list", json!({})).await;
    assert_eq!(nothing.status, 404, "{nothing:?}");
    let everywhere = Client::modern(&gantry.url("/mcp"), json!({}));
    let everywhere = everywhere.with_header("authorization", &format!("Bearer {none}"));
    assert_eq!(everywhere.tool_names().await, [""; 0]);
    // In the header for keys as well.
    let keyed = Client::modern(&gantry.url("/mcp/up"), json!({}));
    assert_eq!(keyed.with_header("x-api-key", &reader).tool_names().await, ["look"]);
}

#[tokio::test]
async fn a_token_that_is_no_good_is_refused_at_every_door() {
    let up = tools().start().await;
    let gantry = gateway(&up).await;
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "sub": "ada", "aud": "gate", "exp": now() + 600, "scope": "*:*" });
    let unsigned = format!("{}.{}.", part(json!({ "alg": "none" })), part(claims));
    let invalid = r#"Bearer realm="gantry", error="invalid_token""#;
    let told = |why: &str| format!(r#"{invalid}, error_description="{why}""#);
    for (token, code, challenge) in [
        (signed(OTHER, json!({})), "E0401", invalid.to_owned()),
        (unsigned, "E0401", invalid.to_owned()),
        (signed(SECRET, json!({ "iss": "gantry" })), "E0401", invalid.to_owned()),
        (signed(SECRET, json!({ "iss": "gantry:admin" })), "E0401", invalid.to_owned()),
        (signed(SECRET, json!({ "sub": null })), "E0401", invalid.to_owned()),
        (signed(SECRET, json!({ "exp": null })), "E0401", invalid.to_owned()),
        (signed(SECRET, json!({ "exp": now() - 1 })), "E0408", told("the token has expired")),
        (
            signed(SECRET, json!({ "aud": "other" })),
            "E0409",
            told("the token is for another audience"),
        ),
        (
            signed(SECRET, json!({ "nbf": now() + 600 })),
            "E0410",
            told("the token is not valid yet"),
        ),
        (format!("{}.{}", signed(SECRET, json!({})), "x"), "E0401", invalid.to_owned()),
    ] {
        for (door, open) in doors(&gantry, Some(&token)).await {
            let seen = refusal(open).await;
            assert_eq!(seen, (401, code.to_owned(), Some(challenge.clone())), "{door} {token}");
        }
    }
}

#[tokio::test]
async fn a_stream_ends_when_its_token_does() {
    let up = tools().start().await;
    let gantry = gateway(&up).await;
    let token = signed(SECRET, json!({ "exp": now() + 4 }));
    let listening = modern(&gantry, &token);
    let mut listen = listening.listen(json!({ "toolsListChanged": true })).await;
    let legacy = Client::new(&gantry.url("/mcp/up"), "2025-11-25", json!({}))
        .with_header("authorization", &format!("Bearer {token}"))
        .connect()
        .await;
    let mut standalone = legacy.get().await;
    let bearer = format!("Bearer {token}");
    let old = Client::new(&gantry.url("/sse"), "2024-11-05", json!({}));
    let old = old.with_header("authorization", &bearer);
    let mut sse = old.bare("GET", &[("accept", "text/event-stream")]).await;
    for open in [&mut listen, &mut standalone, &mut sse] {
        assert_eq!(open.status, 200, "{open:?}");
        while open.next_event().await.is_some() {}
    }
    let expired = listening.request("tools/list", json!({})).await;
    assert_eq!(expired.status, 401, "{expired:?}");
}

#[tokio::test]
async fn a_token_is_made_with_a_secret_that_is_not_on_the_command_line() {
    let up = tools().start().await;
    let gantry = gateway(&up).await;
    let file = gantry.config().with_file_name("other.secret");
    std::fs::write(&file, format!("{OTHER}\n")).expect("a file is written");
    let path = file.to_str().expect("a path");
    let arguments = ["token", "--subject", "ada", "--secret", path, "--format", "json"];
    let told: Value = serde_json::from_str(&made(&gantry.run(&arguments).await)).expect("JSON");
    assert_eq!(told["scopes"], json!(["*:*"]));
    let token = told["token"].as_str().expect("a token");
    assert_eq!(modern(&gantry, token).request("tools/list", json!({})).await.status, 401);
    std::fs::write(&file, "your-secret-key\n").expect("a file is written");
    let weak = gantry.run(&arguments).await;
    assert!(!weak.status.success() && weak.stderr.contains("E0413"), "{weak}");
    assert!(!weak.stderr.contains("your-secret-key"), "{weak}");

    let none = Gantry::start("builtin: false").await;
    let refused = none.run(&["token", "--subject", "ada"]).await;
    assert!(!refused.status.success() && refused.stderr.contains("E0414"), "{refused}");
}

#[tokio::test]
async fn a_short_life_ends_by_the_clock() {
    let up = tools().start().await;
    let gantry = gateway(&up).await;
    let arguments = ["token", "--subject", "ada", "--expires", "2s"];
    let token = made(&gantry.run(&arguments).await);
    assert_eq!(modern(&gantry, &token).request("tools/list", json!({})).await.status, 200);
    eventually("the token ends", async || {
        let reply = modern(&gantry, &token).request("tools/list", json!({})).await;
        (reply.status == 401).then_some(())
    })
    .await;
}

/// As deployments of A2A MCP servers have it: variables alone, and its own form of tokens.
#[tokio::test]
async fn the_variables_of_another_system_are_enough() {
    let up = tools().start().await;
    let config = json!({ "servers": { "up": believed(&up) } }).to_string();
    let gantry = Setup::new(&config)
        .variable("JWT_SECRET_KEY", SECRET)
        .variable("JWT_EXPIRATION_HOURS", "2")
        .start()
        .await;
    let open = Client::modern(&gantry.url("/mcp/up"), json!({}));
    assert_eq!(open.request("tools/list", json!({})).await.status, 401);
    let more = json!({
        "sub": null, "aud": null, "scope": null,
        "user_id": "ada", "permissions": ["read"], "jti": "1", "iat": now(),
    });
    eventually("the tool that may be used is there", async || {
        let client = modern(&gantry, &signed(SECRET, more.clone()));
        let listed = client.request("tools/list", json!({})).await;
        (listed.status == 200 && client.tool_names().await == ["look"]).then_some(())
    })
    .await;
    let shown = gantry.run(&["config", "show"]).await;
    assert!(shown.stdout.contains("expires_in: 2h"), "{shown}");
    assert!(!shown.stdout.contains(SECRET), "{shown}");
}

#[tokio::test]
async fn a_common_name_alone_opens_nothing() {
    let up = tools().start().await;
    let config = json!({ "servers": { "up": believed(&up) } }).to_string();
    // Somebody's shell has it for another program.
    let gantry = Setup::new(&config).variable("JWT_SECRET", "short").start().await;
    let open = Client::modern(&gantry.url("/mcp/up"), json!({}));
    assert_eq!(open.request("tools/list", json!({})).await.status, 200);
}

#[tokio::test]
async fn a_weak_secret_keeps_the_gateway_from_starting() {
    for weak in ["0123456789abcdef", "please-change-me-please-change-me-please"] {
        let config = json!({ "auth": { "jwt": { "secret": "${JWT_SECRET}" } } }).to_string();
        let setup = Setup::new(&config).variable("JWT_SECRET", weak);
        let reason = setup.try_start().await.expect_err("it must not start");
        assert!(reason.contains("E0413") && !reason.contains(weak), "{reason}");
    }
}

#[tokio::test]
async fn another_secret_takes_effect_with_a_reload() {
    let up = tools().start().await;
    let jwt = |secret: &str| json!({ "secret": secret, "skew": "0s", "audience": ["gate"] });
    let gantry = Gantry::start(&config(&up, &jwt(SECRET))).await;
    let (old, new) = (signed(SECRET, json!({})), signed(OTHER, json!({})));
    let status =
        async |token: &str| modern(&gantry, token).request("tools/list", json!({})).await.status;
    assert_eq!((status(&old).await, status(&new).await), (200, 401));
    std::fs::write(gantry.config(), config(&up, &jwt(OTHER))).expect("the file is written");
    eventually("the new secret holds, and the old one does not", async || {
        ((status(&old).await, status(&new).await) == (401, 200)).then_some(())
    })
    .await;
}
