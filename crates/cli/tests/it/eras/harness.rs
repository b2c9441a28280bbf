//! The scripted upstream and the raw client without a gateway between them: what they do is what
//! the cases rely on.

use serde_json::json;

use crate::support::{
    client::{Client, MODERN},
    scripted::{Answer, End, Scripted},
};

#[tokio::test]
async fn a_scripted_legacy_server_and_a_raw_client_understand_each_other() {
    let upstream = Scripted::legacy("2025-11-25")
        .tool("ask", json!({}), |_| {
            Answer::talk(async |talk| {
                talk.progress(0.5).await;
                let answer = talk.ask("roots/list", json!({})).await;
                Answer::text(answer["result"]["roots"].to_string())
            })
        })
        .start()
        .await;
    let client = Client::legacy(&upstream.url(), "2025-11-25", json!({ "roots": {} })).await;
    let client = client.answering(|request| {
        assert_eq!(request["method"], "roots/list");
        json!({ "result": { "roots": ["here"] } })
    });
    let call = json!({ "name": "ask", "_meta": { "progressToken": "t" } });
    let reply = client.request("tools/call", call).await;
    assert_eq!(reply.text(), r#"["here"]"#);
    assert_eq!(reply.notifications("notifications/progress")[0]["params"]["progressToken"], "t");
    assert_eq!(client.request("no/such", json!({})).await.refusal(), (200, -32601));

    let mut stream = client.get().await;
    upstream.push("notifications/tools/list_changed", json!({})).await;
    assert_eq!(stream.next_message().await["method"], "notifications/tools/list_changed");
    upstream.expire_sessions();
    assert_eq!(client.request("tools/list", json!({})).await.status, 404);
    assert_eq!(stream.next_or_end().await, None);
}

#[tokio::test]
async fn a_scripted_modern_server_and_a_raw_client_understand_each_other() {
    let upstream = Scripted::modern()
        .tool("hang", json!({}), |_| Answer::Hang)
        .resource("test://a", json!({}), |_| Answer::Result(json!({ "contents": [] })))
        .start()
        .await;
    let client = Client::modern(&upstream.url(), json!({}));
    let discovered = client.request("server/discover", json!({})).await;
    assert_eq!(discovered.result()["supportedVersions"], json!([MODERN]));
    let message = client.message("tools/call", json!({ "name": "hang" }));
    let reply = client.send(&message, &[("mcp-name", "other")]).await.finish().await;
    assert_eq!(reply.refusal(), (400, -32020));

    let filter = json!({ "toolsListChanged": true, "resourceSubscriptions": ["test://a"] });
    let mut listen = client.listen(filter.clone()).await;
    let acknowledged = listen.next_message().await;
    assert_eq!(acknowledged["params"]["notifications"], filter);
    assert_eq!(upstream.push_now("notifications/prompts/list_changed", &json!({})), 0);
    upstream.push("notifications/resources/updated", json!({ "uri": "test://a/b" })).await;
    assert_eq!(listen.next_message().await["params"]["uri"], "test://a/b");
    upstream.end_listens();
    assert_eq!(listen.next_message().await["result"]["resultType"], "complete");

    let call = client.message("tools/call", json!({ "name": "hang" }));
    let sending = client.send(&call, &[]);
    let left = tokio::time::timeout(std::time::Duration::from_millis(50), sending).await;
    assert!(left.is_err(), "it hangs");
    let seen = upstream.wait_for("tools/call", 2).await;
    assert_eq!(seen[0].end(), End::Answered);
    assert_eq!(seen[1].ended().await, End::Abandoned);
}
