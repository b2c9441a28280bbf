//! Hooks that ask somebody else over HTTP.

use std::time::Duration;

use serde_json::{Value, json};

use super::{ADA, clients, entries, gateway, is_refused, modern};
use crate::support::process;
use crate::support::scripted::{Answer, Scripted};

const SECRET: &str = "a-secret-of-the-webhook";

/// Somebody who decides so about everything.
async fn decider(decision: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Scripted {
    let answer = move |message: &Value| Answer::Status {
        status: 200,
        headers: vec![("content-type", "application/json".to_owned())],
        body: decision(message).to_string(),
    };
    Scripted::modern().first(move |seen| Some(answer(&seen.message))).start().await
}

fn hook(decider: &Scripted, more: Value) -> Value {
    let mut webhook = json!({ "url": format!("{}?key=k", decider.url()), "deadline": "5s" });
    for (key, value) in more.as_object().into_iter().flatten() {
        webhook[key] = value.clone();
    }
    json!({ "name": "judge", "tools": ["up__echo", "up__customer"], "webhook": webhook })
}

#[tokio::test]
async fn a_webhook_is_told_who_wants_what_and_its_signature_holds() {
    let judge = decider(|_| json!({ "decision": "allow", "more": "is read by nobody" })).await;
    let hooks = json!({
        "requests": [hook(&judge, json!({ "secret": SECRET }))],
        "results": [{ "name": "later", "webhook": { "url": judge.url() } }],
    });
    let (gantry, _up) = gateway(hooks, json!({})).await;
    let client = modern(&gantry, ADA).with_header("x-request-id", "asked-1");
    let reply = client.call("up__echo", json!({ "a": [1, 2] })).await;
    assert_eq!(reply.text(), r#"{"a":[1,2]}"#, "what is allowed goes on as it came");
    let asked = judge.seen();
    let principal = json!({ "issuer": "gantry", "subject": "ada", "roles": [] });
    assert_eq!(
        asked[0].message,
        json!({
            "stage": "request", "hook": "judge", "tool": "up__echo", "server": "up",
            "principal": principal, "request_id": "asked-1", "arguments": { "a": [1, 2] },
        })
    );
    assert_eq!(asked[1].message["stage"], "result");
    assert_eq!(asked[1].message["result"]["content"][0]["text"], r#"{"a":[1,2]}"#);
    assert_eq!((asked.len(), asked[1].header("x-gantry-signature")), (2, None));
    let timestamp = asked[0].header("x-gantry-timestamp").expect("it is signed");
    let expected = signature(timestamp, &asked[0].body).await;
    assert_eq!(asked[0].header("x-gantry-signature"), Some(&*format!("sha256={expected}")));
}

/// The signature as OpenSSL makes it.
async fn signature(timestamp: &str, body: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    let signed = [timestamp.as_bytes(), b".", body].concat();
    std::fs::write(file.path(), signed).expect("it can be written");
    let mut command = process::command("openssl");
    command.args(["dgst", "-sha256", "-hmac", SECRET]).arg(file.path());
    let finished = process::run(command, Duration::from_secs(30)).await.expect("it ends");
    finished.stdout.split_whitespace().last().expect("a digest").to_owned()
}

#[tokio::test]
async fn a_webhook_refuses_and_replaces() {
    let judge = decider(|asked| match asked["arguments"]["n"].as_i64() {
        Some(1) => json!({ "decision": "deny", "reason": "one is too few\n" }),
        Some(2) => json!({ "decision": "allow", "arguments": { "n": 20 } }),
        _ => json!({ "decision": "allow" }),
    })
    .await;
    let hooks = json!({ "requests": [hook(&judge, json!({}))] });
    let (gantry, up) = gateway(hooks, json!({})).await;
    for (client, prefix) in clients(&gantry).await {
        let tool = format!("{prefix}echo");
        up.forget();
        let reply = client.call(&tool, json!({ "n": 1 })).await;
        is_refused(&reply, "E0419", "the call is refused by the hook `judge`: one is too few");
        assert!(up.seen_of("tools/call").is_empty());
        assert_eq!(client.call(&tool, json!({ "n": 2 })).await.text(), r#"{"n":20}"#);
        assert_eq!(client.call(&tool, json!({ "n": 3 })).await.text(), r#"{"n":3}"#);
    }
    let told =
        json!({ "content": [{ "type": "text", "text": "instead" }], "structuredContent": {} });
    let judge = decider(move |_| json!({ "decision": "allow", "result": told })).await;
    let hooks = json!({ "results": [hook(&judge, json!({}))] });
    let (gantry, _up) = gateway(hooks, json!({})).await;
    for (client, prefix) in clients(&gantry).await {
        let reply = client.call(&format!("{prefix}customer"), json!({})).await;
        assert_eq!(reply.text(), "instead");
        assert!(!reply.message.to_string().contains("DE02"), "{reply:?}");
    }
}

#[tokio::test]
async fn without_a_decision_a_call_is_refused_or_goes_on_as_configured() {
    type Failing = (&'static str, fn() -> Answer);
    let failing: [Failing; 5] = [
        ("hanging", || Answer::Hang),
        ("gone", || Answer::Reset),
        ("status", || Answer::status(500)),
        ("redirect", || Answer::Status {
            status: 302,
            headers: vec![("location", "http://127.0.0.1:9/".to_owned())],
            body: String::new(),
        }),
        ("nonsense", || Answer::Status {
            status: 200,
            headers: Vec::new(),
            body: r#"{"decision":"perhaps"}"#.to_owned(),
        }),
    ];
    for (what, answer) in failing {
        let judge = Scripted::modern().first(move |_| Some(answer())).start().await;
        for (on_failure, passes) in [("refuse", false), ("pass", true)] {
            let more = json!({ "on_failure": on_failure, "deadline": "300ms" });
            let hooks = json!({ "requests": [hook(&judge, more)] });
            let (gantry, up) = gateway(hooks, json!({})).await;
            let reply = modern(&gantry, ADA).call("up__echo", json!({})).await;
            if passes {
                assert_eq!(reply.text(), "{}", "{what}");
                continue;
            }
            is_refused(&reply, "E0420", "the hook `judge` could not decide");
            // Whoever calls a tool does not learn who is asked.
            assert!(!reply.message.to_string().contains("127.0.0.1"), "{what}: {reply:?}");
            assert!(up.seen_of("tools/call").is_empty(), "{what}");
            let entry = &entries(&gantry, "up__echo")[0];
            assert_eq!([&entry["code"], &entry["decision"]], ["E0420", "hook judge"], "{what}");
        }
    }
}

#[tokio::test]
async fn what_is_put_in_must_be_such_a_thing() {
    let judge = decider(|asked| match asked["stage"].as_str() {
        Some("request") => json!({ "decision": "allow", "arguments": [1] }),
        _ => json!({ "decision": "allow", "result": "text" }),
    })
    .await;
    for stage in ["requests", "results"] {
        let (gantry, _up) = gateway(json!({ stage: [hook(&judge, json!({}))] }), json!({})).await;
        let reply = modern(&gantry, ADA).call("up__echo", json!({})).await;
        is_refused(&reply, "E0420", "could not decide");
    }
}
