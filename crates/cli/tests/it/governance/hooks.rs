//! Hooks on calls and results, on the real binary with real webhooks, through every door.

mod webhooks;

use serde_json::{Value, json};

use crate::support::client::{Client, Reply};
use crate::support::gantry::Gantry;
use crate::support::scripted::{Answer, Script, Scripted};
use crate::support::wait::eventually;

const ADA: &str = "ada-ada-ada-ada-ada";
const BOB: &str = "bob-bob-bob-bob-bob";

/// A server that says what it was sent, tells of a customer, fails, and counts.
fn server() -> Script {
    let customer = || json!({ "name": "Jo", "iban": "DE02120300000000202051", "n": 1 });
    Scripted::dual()
        .tool("echo", json!({}), |seen| Answer::text(seen.arguments().to_string()))
        .tool("customer", json!({}), move |_| {
            Answer::Result(json!({
                "content": [
                    { "type": "text", "text": customer().to_string() },
                    { "type": "text", "text": "IBAN DE02120300000000202051, as asked" },
                ],
                "structuredContent": customer(),
            }))
        })
        .tool("fail", json!({}), |_| {
            let data = json!({ "iban": "DE02120300000000202051" });
            Answer::error_with(-32000, "no DE02120300000000202051 here", data)
        })
}

/// A gateway with these hooks in front of `up`, once it is heard.
async fn gateway(hooks: Value, more: Value) -> (Gantry, Scripted) {
    gateway_with(hooks, more, json!({})).await
}

/// The same, with something said of how `up` is asked.
async fn gateway_with(hooks: Value, more: Value, traffic: Value) -> (Gantry, Scripted) {
    let up = server().start().await;
    let mut entry = up.server();
    entry["traffic"] = traffic;
    let mut config = json!({
        "servers": { "up": entry },
        "hooks": hooks,
        "auth": { "tokens": [{ "name": "ada", "token": ADA }, { "name": "bob", "token": BOB }] },
        "audit": { "file": "audit.log", "sync": "each" },
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    let gantry = Gantry::start(&config.to_string()).await;
    let client = modern(&gantry, ADA);
    eventually("`up` is heard", async || {
        client.tool_names().await.contains(&"up__echo".to_owned()).then_some(())
    })
    .await;
    (gantry, up)
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn modern(gantry: &Gantry, token: &str) -> Client {
    Client::modern(&gantry.url("/mcp"), json!({})).with_header("authorization", &bearer(token))
}

/// Clients of both eras, and of one server alone.
async fn clients(gantry: &Gantry) -> [(Client, &'static str); 3] {
    let legacy = Client::new(&gantry.url("/mcp"), "2025-11-25", json!({}));
    let legacy = legacy.with_header("authorization", &bearer(ADA)).connect().await;
    let single = Client::modern(&gantry.url("/mcp/up"), json!({}));
    let single = single.with_header("authorization", &bearer(ADA));
    [(modern(gantry, ADA), "up__"), (legacy, "up__"), (single, "")]
}

#[track_caller]
fn is_refused(reply: &Reply, code: &str, why: &str) {
    let error = reply.error();
    assert_eq!(error["data"]["code"], code, "{reply:?}");
    assert!(error["message"].as_str().is_some_and(|text| text.contains(why)), "{reply:?}");
}

/// The entries of the audit trail about calls of a tool.
fn entries(gantry: &Gantry, tool: &str) -> Vec<Value> {
    let folder = gantry.config().parent().expect("a file is in a folder").to_owned();
    let text = std::fs::read_to_string(folder.join("audit.log")).expect("it can be read");
    let entries = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    entries.filter(|entry| entry["tool_name"] == tool).collect()
}

#[tokio::test]
async fn a_hook_refuses_with_its_reason_before_anything_is_counted() {
    let hooks = json!({ "requests": [{
        "name": "small", "tools": ["up__echo"], "when": "arguments.n > 3", "deny": "ask for less",
    }]});
    let window = json!({ "requests": 1, "per": "1h", "algorithm": "fixed_window" });
    let limits = json!({ "limits": { "tools": { "up__echo": window } } });
    let (gantry, up) = gateway(hooks, limits).await;
    for (client, prefix) in clients(&gantry).await {
        let reply = client.call(&format!("{prefix}echo"), json!({ "n": 4 })).await;
        is_refused(&reply, "E0419", "refused by the hook `small`: ask for less");
    }
    // What cannot be told counts against the caller.
    let client = modern(&gantry, ADA);
    is_refused(&client.call("up__echo", json!({})).await, "E0419", "small");
    is_refused(&client.call("up__echo", json!({ "n": "4" })).await, "E0419", "small");
    assert!(up.seen_of("tools/call").is_empty(), "nothing ran");
    // None of them used up the limit.
    assert_eq!(client.call("up__echo", json!({ "n": 3 })).await.text(), r#"{"n":3}"#);
    is_refused(&client.call("up__echo", json!({ "n": 3 })).await, "E0430", "");
    let entry = &entries(&gantry, "up__echo")[0];
    assert_eq!(
        [&entry["event_type"], &entry["outcome"], &entry["code"], &entry["decision"]],
        ["authorization.denied", "refused", "E0419", "hook small"]
    );
}

#[tokio::test]
async fn arguments_are_redacted_before_the_server_sees_them() {
    let hooks = json!({ "requests": [{
        "name": "no-ids", "servers": ["up"], "redact": ["/people/*/id"], "redact_text": "[0-9]{4}-[0-9]{4}",
    }]});
    let (gantry, up) = gateway(hooks, json!({})).await;
    let arguments =
        json!({ "people": [{ "id": 7 }, { "id": 8, "x": 1 }], "note": "card 1234-5678" });
    let expected = json!({
        "people": [{ "id": "[redacted]" }, { "id": "[redacted]", "x": 1 }],
        "note": "card [redacted]",
    });
    for (client, prefix) in clients(&gantry).await {
        up.forget();
        let reply = client.call(&format!("{prefix}echo"), arguments.clone()).await;
        let told: Value = serde_json::from_str(reply.text()).expect("JSON");
        assert_eq!(told, expected);
        assert_eq!(*up.wait_for("tools/call", 1).await[0].arguments(), expected);
    }
    // A server might take the value that the hook does not see.
    let client = modern(&gantry, ADA);
    let mut message = client.message("tools/call", json!({ "name": "up__echo", "arguments": {} }));
    message["params"]["arguments"] = json!({ "HERE": 1 });
    let text = message.to_string().replace(r#""HERE":1"#, r#""people":[],"people":[{"id":7}]"#);
    let headers = client.headers_of(&message);
    let headers: Vec<_> = headers.iter().map(|(key, value)| (&**key, &**value)).collect();
    is_refused(&client.post(text, &headers).await, "E0421", "");
}

#[tokio::test]
async fn results_are_redacted_wherever_they_say_it() {
    let hooks = json!({ "results": [
        { "name": "iban", "tools": ["up__customer", "up__fail"], "redact": ["/iban"] },
        { "name": "ibans", "tools": ["up__*"], "redact_text": "[A-Z]{2}[0-9]{20}" },
    ]});
    let (gantry, _up) = gateway(hooks, json!({})).await;
    for (client, prefix) in clients(&gantry).await {
        let reply = client.call(&format!("{prefix}customer"), json!({})).await;
        assert!(!reply.message.to_string().contains("DE02"), "{reply:?}");
        let clean = json!({ "name": "Jo", "iban": "[redacted]", "n": 1 });
        assert_eq!(reply.result()["structuredContent"], clean);
        let text: Value = serde_json::from_str(reply.text()).expect("JSON");
        assert_eq!(text, clean);
        assert_eq!(reply.result()["content"][1]["text"], "IBAN [redacted], as asked");
        let reply = client.call(&format!("{prefix}fail"), json!({})).await;
        assert!(!reply.message.to_string().contains("DE02"), "{reply:?}");
        assert_eq!(reply.error()["message"], "no [redacted] here");
    }
    let api = Client::modern(&gantry.url("/api/tools/up__customer"), json!({}));
    let reply = api.with_header("authorization", &bearer(ADA)).post("{}", &[]).await;
    let body = String::from_utf8_lossy(&reply.raw).into_owned();
    assert!(body.contains("[redacted]") && !body.contains("DE02"), "{body}");
}

#[tokio::test]
async fn a_kept_answer_is_redacted_for_each_caller_and_not_for_all() {
    let hooks = json!({ "results": [{
        "name": "not-for-bob", "when": "principal.subject == 'bob'", "redact": ["/iban"],
        "redact_text": "DE[0-9]+",
    }]});
    let cache = json!({ "cache": { "scope": "public" } });
    let (gantry, up) = gateway_with(hooks, json!({}), json!({ "tools": { "*": cache } })).await;
    // What a server says while its lists are being read is not kept, so that may take some rounds.
    eventually("one answer serves both", async || {
        let before = up.seen_of("tools/call").len();
        for (token, is_clean) in [(BOB, true), (ADA, false), (BOB, true)] {
            let reply = modern(&gantry, token).call("up__customer", json!({})).await;
            let text = reply.message.to_string();
            assert_eq!(text.contains("DE02"), !is_clean, "{text}");
        }
        (up.seen_of("tools/call").len() == before).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_result_is_withheld_and_its_tool_has_run() {
    let hooks =
        json!({ "results": [{ "name": "never", "tools": ["up__customer"], "deny": "not here" }] });
    let (gantry, up) = gateway(hooks, json!({})).await;
    let reply = modern(&gantry, ADA).call("up__customer", json!({})).await;
    is_refused(
        &reply,
        "E0419",
        "the tool ran, but its result is refused by the hook `never`: not here",
    );
    assert!(!reply.message.to_string().contains("DE02"), "{reply:?}");
    assert_eq!(up.seen_of("tools/call").len(), 1);
    assert_eq!(modern(&gantry, ADA).call("up__echo", json!({})).await.text(), "{}");
}

#[tokio::test]
async fn hooks_change_with_the_configuration() {
    let (gantry, up) = gateway(json!({}), json!({})).await;
    let client = modern(&gantry, ADA);
    assert_eq!(client.call("up__echo", json!({})).await.text(), "{}");
    let config = std::fs::read_to_string(gantry.config()).expect("it can be read");
    let mut config: Value = serde_json::from_str(&config).expect("JSON");
    config["hooks"] = json!({ "requests": [{ "name": "closed", "deny": "closed" }] });
    std::fs::write(gantry.config(), config.to_string()).expect("it can be written");
    eventually("the hook is in force", async || {
        let reply = client.call("up__echo", json!({})).await;
        (reply.message["error"]["data"]["code"] == "E0419").then_some(())
    })
    .await;
    assert_eq!(up.seen_of("initialize").len(), 0, "the server was not started anew");
}

#[tokio::test]
async fn a_hook_that_cannot_be_used_is_refused_with_its_place() {
    let webhook = |more: Value| json!({ "name": "w", "webhook": more });
    for (hook, why) in [
        (json!({ "deny": "x" }), "has no `name`"),
        (json!({ "name": "x" }), "must do one thing, and does nothing"),
        (json!({ "name": "x", "deny": "x", "secret": true }), "does deny and secret"),
        (json!({ "name": "x", "deny": "x", "when": "nothing" }), "cannot be used"),
        (json!({ "name": "x", "redact": ["iban"] }), "begins with `/`"),
        (json!({ "name": "x", "redact_text": "(" }), "regular expression"),
        (json!({ "name": "x", "secret": true, "when": "true" }), "both `secret` and `when`"),
        (webhook(json!({})), "has no `url`"),
        (webhook(json!({ "url": "ftp://x" })), "must be an address"),
        (webhook(json!({ "url": "http://x", "deadline": "1h" })), "deadline"),
        (webhook(json!({ "url": "http://x", "secret": "short" })), "at least 16 bytes"),
    ] {
        let config = json!({ "hooks": { "results": [hook] } }).to_string();
        let setup = crate::support::gantry::Setup::new(&config);
        let said = setup.try_start().await.expect_err("it must be refused");
        assert!(said.contains("hooks.results[0]") && said.contains(why), "{why}: {said}");
        assert!(!said.contains("short"), "no secret is shown: {said}");
    }
}
