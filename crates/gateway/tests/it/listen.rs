//! `subscriptions/listen`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::gateway::{self, Running, server};
use crate::support::upstream::Upstream;
use crate::support::{modern, notification};

const ID: &str = "io.modelcontextprotocol/subscriptionId";

async fn with_upstream() -> (Running, Client, Upstream) {
    let running = gateway::start(Vec::new()).await;
    let upstream = Upstream::start(&running.tasks).await;
    running.gateway.apply(gateway::spec(vec![server("up", &upstream.url)])).await;
    let client = Client::new(&running);
    client.modern(&modern(&json!(0), "tools/list", json!({}))).await.json().await;
    (running, client, upstream)
}

async fn listen(client: &Client, id: Value, filter: Value) -> Answer {
    let params = json!({ "notifications": filter });
    let answer = client.modern(&modern(&id, "subscriptions/listen", params)).await;
    assert_eq!(answer.status, 200);
    answer
}

#[tokio::test]
async fn the_acknowledgement_comes_first_and_says_what_is_honoured() {
    let (running, client, upstream) = with_upstream().await;
    let filter = json!({
        "toolsListChanged": true,
        "resourceSubscriptions": ["test://thing", "no://such"],
    });
    let mut stream = listen(&client, json!(1), filter).await;
    let acknowledged = stream.next().await.unwrap();
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
    // The type of the id is kept.
    assert_eq!(acknowledged["params"]["_meta"][ID], json!(1));
    let honoured = json!({ "toolsListChanged": true, "resourceSubscriptions": ["test://thing"] });
    assert_eq!(acknowledged["params"]["notifications"], honoured);
    upstream.saw("resources/subscribe").await;
    upstream.announce(&notification(
        "notifications/resources/updated",
        &json!({ "uri": "test://thing/part", "extra": 1 }),
    ));
    let updated = stream.next().await.unwrap();
    assert_eq!(updated["method"], "notifications/resources/updated");
    assert_eq!(updated["params"]["uri"], "test://thing/part");
    assert_eq!(updated["params"]["extra"], 1);
    assert_eq!(updated["params"]["_meta"][ID], json!(1));
    running.gateway.apply(gateway::spec(vec![])).await;
    let changed = stream.next().await.unwrap();
    assert_eq!(changed["method"], "notifications/tools/list_changed");
    assert_eq!(changed["params"]["_meta"][ID], json!(1));
}

#[tokio::test]
async fn only_what_was_asked_for_and_changed_is_told() {
    let (running, client, upstream) = with_upstream().await;
    let mut prompts = listen(&client, json!("p"), json!({ "promptsListChanged": true })).await;
    let mut tools = listen(&client, json!("t"), json!({ "toolsListChanged": true })).await;
    prompts.next().await.unwrap();
    tools.next().await.unwrap();
    upstream.grow("more");
    let spec = gateway::spec(vec![server("up", &upstream.url), server("b", &upstream.url)]);
    running.gateway.apply(spec).await;
    assert_eq!(tools.next().await.unwrap()["params"]["_meta"][ID], "t");
    let nothing = tokio::time::timeout(Duration::from_millis(600), prompts.next()).await;
    assert!(nothing.is_err());
}

#[tokio::test]
async fn closing_the_stream_unsubscribes() {
    let (_running, client, upstream) = with_upstream().await;
    let filter = json!({ "resourceSubscriptions": ["test://thing"] });
    let mut stream = listen(&client, json!(1), filter).await;
    stream.next().await.unwrap();
    upstream.saw("resources/subscribe").await;
    drop(stream);
    upstream.saw("resources/unsubscribe").await;
}

#[tokio::test]
async fn the_stream_ends_with_the_result_when_the_gateway_stops() {
    let (running, client, _upstream) = with_upstream().await;
    let mut stream = listen(&client, json!("end"), json!({})).await;
    stream.next().await.unwrap();
    running.gateway.tasks.stop();
    let last = stream.next().await.unwrap();
    assert_eq!(last["id"], "end");
    assert_eq!(last["result"]["resultType"], "complete");
    assert_eq!(last["result"]["_meta"][ID], "end");
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn one_principal_cannot_hold_every_stream() {
    let (_running, client, _upstream) = with_upstream().await;
    let mut open = Vec::new();
    for id in 0..64 {
        let mut stream = listen(&client, json!(id), json!({})).await;
        stream.next().await.unwrap();
        open.push(stream);
    }
    let params = json!({ "notifications": {} });
    let one_more = modern(&json!(99), "subscriptions/listen", params);
    let mut refused = client.modern(&one_more).await;
    assert_eq!(refused.json().await["error"]["code"], -32603);
    let other = client.clone().with("x-test-principal", "bob");
    let mut stream = listen(&other, json!(1), json!({})).await;
    assert!(stream.next().await.is_some());
}

#[tokio::test]
async fn a_listen_request_needs_a_filter_and_a_client_that_takes_streams() {
    let (_running, client, _upstream) = with_upstream().await;
    let bare = modern(&json!(1), "subscriptions/listen", json!({}));
    assert_eq!(client.modern(&bare).await.json().await["error"]["code"], -32602);
    let json_only = client.with("accept", "application/json");
    let full = modern(&json!(1), "subscriptions/listen", json!({ "notifications": {} }));
    assert_eq!(json_only.modern(&full).await.status, 406);
}
