//! The era of a line on a pipe: cases 12 and 13.

use serde_json::{Value, json};

use super::{ALL, LEGACY};
use crate::{
    eras::config,
    support::{client::pipe::PipeClient, scripted::stdio::StdioScript},
};

/// *->* on stdio: `server/discover`, then `initialize`, then both kinds interleaved.
#[tokio::test]
async fn case_12_on_a_pipe_each_message_is_answered_in_its_era() {
    let script = StdioScript::new(LEGACY[0]).tool(
        "echo",
        json!({}),
        json!([{ "result": { "content": [{ "type": "text", "text": "echoed" }] } }]),
    );
    let mut client = PipeClient::start(&config(&[("up", script.server())]));
    let discovered = client.modern("server/discover", json!({})).await;
    assert_eq!(discovered["result"]["supportedVersions"], json!(ALL), "{discovered}");
    let greeted = client.handshake("2025-06-18", json!({})).await;
    assert_eq!(greeted["result"]["protocolVersion"], "2025-06-18", "{greeted}");
    for _ in 0..3 {
        let listed = client.modern("tools/list", json!({})).await;
        assert_eq!(listed["result"]["resultType"], "complete", "{listed}");
        let listed = client.legacy("tools/list", json!({})).await;
        assert_eq!(listed["result"]["resultType"], Value::Null, "{listed}");
        assert!(listed["result"]["tools"].is_array(), "{listed}");
        let call = json!({ "name": "up__echo", "arguments": {} });
        let called = client.modern("tools/call", call.clone()).await;
        assert_eq!(called["result"]["resultType"], "complete", "{called}");
        let called = client.legacy("tools/call", call).await;
        assert_eq!(called["result"]["content"][0]["text"], "echoed", "{called}");
        assert_eq!(called["result"]["resultType"], Value::Null, "{called}");
        let pinged = client.legacy("ping", json!({})).await;
        assert_eq!(pinged["result"], json!({}), "{pinged}");
        let pinged = client.modern("ping", json!({})).await;
        assert_eq!(pinged["error"]["code"], -32601, "{pinged}");
        let discovered = client.legacy("server/discover", json!({})).await;
        assert_eq!(discovered["error"]["code"], -32602, "{discovered}");
    }
    assert!(client.close().await.success());
}

/// *->* on stdio: unknown methods, and known ones, before `initialize`; and rubbish.
#[tokio::test]
async fn case_13_what_comes_too_early_on_a_pipe_is_an_error_and_the_process_lives_on() {
    let mut client = PipeClient::start("servers: {}");
    for method in ["no/such/method", "tools/list", "tools/call", "logging/setLevel"] {
        let answer = client.legacy(method, json!({})).await;
        assert_eq!(answer["error"]["code"], -32600, "{method}: {answer}");
    }
    for method in ["server/discover", "subscriptions/listen"] {
        let answer = client.legacy(method, json!({})).await;
        assert_eq!(answer["error"]["code"], -32602, "{method}: {answer}");
    }
    assert_eq!(client.legacy("ping", json!({})).await["result"], json!({}));
    client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/no/such" })).await;
    client.send(&json!({ "jsonrpc": "2.0", "id": 99, "result": {} })).await;
    client.send_line("this is no JSON").await;
    let answer = client.next().await;
    assert_eq!(answer["error"]["code"], -32700, "{answer}");
    assert!(client.is_alive());
    let greeted = client.handshake(LEGACY[0], json!({})).await;
    assert_eq!(greeted["result"]["protocolVersion"], LEGACY[0], "{greeted}");
    assert!(client.legacy("tools/list", json!({})).await["result"]["tools"].is_array());
}
