//! What the upstream answers, for every message that the benchmark and a gateway send.

use serde_json::{Value, json};

use super::{Answers, Envelope, Reply, parsed_envelope, quick_envelope};

const MODERN: Option<&[u8]> = Some(b"2026-07-28");

fn body(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap()
}

fn request(method: &str) -> Vec<u8> {
    json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": {}}).to_string().into_bytes()
}

#[test]
fn a_small_call_gets_the_small_result_in_both_eras() {
    for (revision, result_type) in [(MODERN, json!("complete")), (None, Value::Null)] {
        let reply = Answers::new(false).reply(revision, &request("tools/call"));
        assert_eq!((reply.status, reply.is_call), (200, true));
        assert_eq!(body(&reply)["id"], 7);
        assert_eq!(body(&reply)["result"]["resultType"], result_type);
        assert_eq!(body(&reply)["result"]["isError"], false);
        assert!((250..400).contains(&reply.body.len()), "{} bytes", reply.body.len());
    }
}

#[test]
fn a_large_call_gets_the_large_result() {
    let text = "x".repeat(20_000);
    let call = json!({"jsonrpc": "2.0", "id": "a", "method": "tools/call", "params": {"arguments": {"text": text}}});
    let reply = Answers::new(false).reply(MODERN, call.to_string().as_bytes());
    assert_eq!(body(&reply)["id"], "a");
    assert_eq!(body(&reply)["result"]["content"][0]["text"].as_str().unwrap().len(), 20_000);
}

#[test]
fn it_offers_one_tool_and_describes_itself() {
    let answers = Answers::new(false);
    assert_eq!(
        body(&answers.reply(MODERN, &request("tools/list")))["result"]["tools"][0]["name"],
        "echo"
    );
    assert_eq!(
        body(&answers.reply(MODERN, &request("tools/list")))["result"]["cacheScope"],
        "public"
    );
    assert_eq!(
        body(&answers.reply(None, &request("tools/list")))["result"]["tools"][0]["name"],
        "echo"
    );
    let discovered = body(&answers.reply(MODERN, &request("server/discover")));
    assert_eq!(discovered["result"]["supportedVersions"][0], "2026-07-28");
    let initialized = body(&answers.reply(None, &request("initialize")));
    assert_eq!(initialized["result"]["protocolVersion"], "2025-11-25");
    assert_eq!(body(&answers.reply(None, &request("ping")))["result"], json!({}));
}

#[test]
fn a_legacy_server_does_not_know_the_modern_era() {
    let reply = Answers::new(true).reply(MODERN, &request("server/discover"));
    assert_eq!((reply.status, body(&reply)["error"]["code"].clone()), (400, json!(-32600)));
}

#[test]
fn unknown_methods_notifications_and_rubbish_are_told_apart() {
    let answers = Answers::new(false);
    assert_eq!(answers.reply(MODERN, &request("initialize")).status, 404);
    assert_eq!(body(&answers.reply(None, &request("server/discover")))["error"]["code"], -32601);
    let notification = json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string();
    assert_eq!(answers.reply(None, notification.as_bytes()).status, 202);
    assert_eq!(answers.reply(None, b"{").status, 400);
    assert_eq!(answers.reply(None, b"[]").status, 400);
}

#[test]
fn the_quick_reader_agrees_with_the_parser_or_stands_aside() {
    let quick = [
        r#"{"jsonrpc":"2.0","id":12,"method":"tools/call","params":{}}"#,
        r#"{"jsonrpc":"2.0","id":"a,b","method":"ping"}"#,
    ];
    for text in quick {
        assert!(quick_envelope(text.as_bytes()).is_some(), "{text}");
        assert_eq!(quick_envelope(text.as_bytes()), parsed_envelope(text.as_bytes()), "{text}");
    }
    let slow = [
        r#"{"id":1,"jsonrpc":"2.0","method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":"a\"b","method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":-1,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
        r#"{ "jsonrpc":"2.0","id":1,"method":"ping"}"#,
    ];
    for text in slow {
        assert_eq!(quick_envelope(text.as_bytes()), None, "{text}");
        assert!(
            matches!(
                parsed_envelope(text.as_bytes()),
                Some(Envelope { id: Some(_), method: "ping" })
            ),
            "{text}"
        );
    }
}
