//! Subscriptions to resources of the service `resource_streaming`.

use std::{fs, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::support::{
    client::{Client, Open},
    gantry::Gantry,
    page::Page,
    wait::{eventually, soon},
};

const STREAMING: &str = "/mcp/resource_streaming";
const LOG: &str = "reasoning://process-log";
const UPDATED: &str = "notifications/resources/updated";
const QUESTION: &str = "All men are mortal. Socrates is a man. Is Socrates mortal?";
const ADA: &str = "ada-token-of-thirty-two-characters";
const BOB: &str = "bob-token-of-thirty-two-characters";

async fn ask(client: &Client) -> Value {
    let reply = client.call("process_with_streaming", json!({ "question": QUESTION })).await;
    reply.result()["structuredContent"].clone()
}

async fn stats(client: &Client) -> Value {
    let reply = client.call("get_subscription_stats", json!({})).await;
    reply.result()["structuredContent"].clone()
}

/// Listens to resources, and has read the acknowledgement.
async fn listen(client: &Client, uris: &[&str]) -> Open {
    let mut stream = client.listen(json!({ "resourceSubscriptions": uris })).await;
    let acknowledged = stream.next_message().await;
    let honoured = &acknowledged["params"]["notifications"]["resourceSubscriptions"];
    assert_eq!(*honoured, json!(uris), "{acknowledged}");
    stream
}

/// Reads an update; returns its URI and what it was.
async fn updated(stream: &mut Open) -> (String, Value) {
    let message = stream.next_message().await;
    assert_eq!(message["method"], UPDATED, "{message}");
    let params = &message["params"];
    let uri = params["uri"].as_str().expect("an update names its resource").to_owned();
    (uri, params["_meta"].clone())
}

#[tokio::test]
async fn a_modern_client_follows_a_question() {
    let gantry = Gantry::start("{}").await;
    let client = Client::modern(&gantry.url(STREAMING), json!({}));
    let inferring = "reasoning://thoughts?skill=infer";
    let mut stream = listen(&client, &[LOG, inferring]).await;
    let mut message = client.message(
        "tools/call",
        json!({ "name": "process_with_streaming", "arguments": { "question": QUESTION } }),
    );
    message["params"]["_meta"]["progressToken"] = json!("p");
    let reply = client.send(&message, &[]).await.finish().await;
    let answer = &reply.result()["structuredContent"];
    assert_eq!(answer["result"]["answer"], "yes", "{answer}");
    assert_eq!(answer["streaming"]["log_entries"], 5, "{answer}");
    assert_eq!(reply.notifications("notifications/progress").len(), 3, "{reply:?}");
    // Of the thoughts only those of one skill were asked for.
    let told = answer["streaming"]["notifications"].as_u64().expect("a count");
    assert_eq!(told, 6, "{answer}");
    let mut thoughts = 0;
    for _ in 0..told {
        let (uri, meta) = updated(&mut stream).await;
        assert_eq!(meta["change_type"], "created", "{meta}");
        assert_eq!(meta["resource_uri"], uri.split('?').next().unwrap(), "{meta}");
        assert!(meta["subscription_id"].is_string() && meta["timestamp"].is_string(), "{meta}");
        assert!(meta["io.modelcontextprotocol/subscriptionId"].is_number(), "{meta}");
        thoughts += usize::from(uri == inferring);
    }
    assert_eq!(thoughts, 1);
    let read = client.request("resources/read", json!({ "uri": inferring })).await;
    let text = read.result()["contents"][0]["text"].as_str().expect("a text");
    let thoughts: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(thoughts["count"], 1, "{thoughts}");
    assert_eq!(thoughts["thoughts"][0]["skill"], "infer", "{thoughts}");
    drop(stream);
    eventually("the subscriptions end with the stream", async || {
        (stats(&client).await["total_subscriptions"] == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_session_hears_of_a_question_until_it_unsubscribes_and_of_life_meanwhile() {
    let config = json!({ "services": { "streaming": { "heartbeat": "1s" } } }).to_string();
    let gantry = Gantry::start(&config).await;
    let url = gantry.url(STREAMING);
    let client = Client::legacy(&url, "2025-11-25", json!({})).await;
    let mut stream = client.get().await;
    let greeted = Client::new(&url, "2025-11-25", json!({})).initialize().await;
    assert_eq!(greeted.result()["capabilities"]["resources"]["subscribe"], true, "{greeted:?}");
    for uri in [LOG, "reasoning://metrics"] {
        client.request("resources/subscribe", json!({ "uri": uri })).await.result();
    }
    let none = client.request("resources/subscribe", json!({ "uri": "stream://nobody" })).await;
    assert_eq!(none.code(), -32602, "{none:?}");
    ask(&client).await;
    let (mut log, mut metrics, mut beats) = (0, 0, 0);
    while log < 5 || metrics == 0 || beats == 0 {
        let message = stream.next_message().await;
        match (message["method"].as_str(), message["params"]["uri"].as_str()) {
            (Some(UPDATED), Some(LOG)) => log += 1,
            (Some(UPDATED), Some("reasoning://metrics")) => {
                let meta = &message["params"]["_meta"];
                assert_eq!(meta["change_type"], "content_changed", "{message}");
                metrics += 1;
            }
            (Some("notifications/resource_streaming/heartbeat"), _) => {
                assert!(message["params"]["subscription_id"].is_string(), "{message}");
                beats += 1;
            }
            _ => panic!("{message}"),
        }
    }
    let told = stats(&client).await;
    assert_eq!(told["total_subscriptions"], 2, "{told}");
    assert_eq!(told["subscriptions"][0]["notifications"]["sent"], 5, "{told}");
    client.request("resources/unsubscribe", json!({ "uri": LOG })).await.result();
    assert_eq!(stats(&client).await["total_subscriptions"], 1);
    client.delete().await;
    let other = Client::modern(&url, json!({}));
    eventually("the rest ends with the session", async || {
        (stats(&other).await["total_subscriptions"] == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn changes_that_nobody_reads_are_one() {
    let gantry = Gantry::start("{}").await;
    let client = Client::legacy(&gantry.url(STREAMING), "2025-11-25", json!({})).await;
    client.request("resources/subscribe", json!({ "uri": LOG })).await.result();
    ask(&client).await;
    let told = stats(&client).await;
    let counts = &told["subscriptions"][0]["notifications"];
    assert_eq!(*counts, json!({ "sent": 0, "merged": 5, "dropped": 0 }), "{told}");
    let mut stream = client.get().await;
    let (uri, meta) = updated(&mut stream).await;
    assert_eq!((uri.as_str(), meta), (LOG, Value::Null));
    ask(&client).await;
    // The next one is of the second question.
    let (_, meta) = updated(&mut stream).await;
    assert_eq!(meta["change_type"], "created", "{meta}");
}

#[tokio::test]
async fn nobody_hears_of_another_ones_question() {
    let auth =
        json!({ "tokens": [{ "name": "ada", "token": ADA }, { "name": "bob", "token": BOB }] });
    let gantry = Gantry::start(&json!({ "auth": auth }).to_string()).await;
    let client = |token: &str| {
        let client = Client::modern(&gantry.url(STREAMING), json!({}));
        client.with_header("authorization", &format!("Bearer {token}"))
    };
    let (ada, bob) = (client(ADA), client(BOB));
    let mut stream = listen(&ada, &[LOG]).await;
    assert_eq!(ask(&bob).await["streaming"]["notifications"], 0);
    assert_eq!(stats(&bob).await["total_subscriptions"], 0);
    let answer = ask(&ada).await;
    assert_eq!(answer["streaming"]["notifications"], 5);
    let read = ada.request("resources/read", json!({ "uri": LOG })).await;
    let text = read.result()["contents"][0]["text"].as_str().expect("a text").to_owned();
    let log: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(log["count"], 5, "only their own: {log}");
    for _ in 0..5 {
        updated(&mut stream).await;
    }
    assert_eq!(stream.messages_within(Duration::from_millis(300)).await, [Value::Null; 0]);
}

/// The state of the one source.
async fn source(client: &Client) -> Value {
    let reply = client.call("mcp_server", json!({})).await;
    reply.result()["structuredContent"]["sources"][0].clone()
}

async fn looked(client: &Client) {
    eventually("the source is looked at", async || {
        (source(client).await["looks"].as_u64()? > 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_file_is_watched_while_somebody_is_subscribed() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("orders.json");
    let sources = json!({ "orders": { "file": file, "interval": "100ms" } });
    let config = json!({ "services": { "streaming": { "sources": sources } } }).to_string();
    let gantry = Gantry::start(&config).await;
    let client = Client::modern(&gantry.url(STREAMING), json!({}));
    assert_eq!(source(&client).await["watched"], false);
    let read = async || client.request("resources/read", json!({ "uri": "stream://orders" })).await;
    assert_eq!(read().await.code(), -32602);
    let mut stream = listen(&client, &["stream://orders"]).await;
    looked(&client).await;
    let mut change = async |expected: &str| {
        let (uri, meta) = updated(&mut stream).await;
        assert_eq!((uri.as_str(), &meta["change_type"]), ("stream://orders", &json!(expected)));
    };
    fs::write(&file, "[1]").unwrap();
    change("created").await;
    assert_eq!(read().await.result()["contents"][0]["text"], "[1]");
    assert_eq!(read().await.result()["contents"][0]["mimeType"], "application/json");
    fs::write(&file, "[1, 2]").unwrap();
    change("content_changed").await;
    let later = fs::metadata(&file).unwrap().modified().unwrap() + Duration::from_secs(5);
    fs::File::options().write(true).open(&file).unwrap().set_modified(later).unwrap();
    change("updated").await;
    fs::remove_file(&file).unwrap();
    change("deleted").await;
    drop(stream);
    let state = eventually("the source is left alone", async || {
        Some(source(&client).await).filter(|state| state["watched"] == false)
    })
    .await;
    assert_eq!(state["changes"], 4, "{state}");
}

#[tokio::test]
async fn a_url_is_asked_by_its_tag_and_only_while_somebody_is_subscribed() {
    let content = Arc::new(Mutex::new("a".to_owned()));
    let shown = Arc::clone(&content);
    let page = Page::start(move |asked| {
        let content = shown.lock().clone();
        let tag = format!("\"{content}\"");
        let mut response = Response::new(Full::new(Bytes::from(content)));
        if asked.headers.get("if-none-match").is_some_and(|known| *known == *tag) {
            response = Response::new(Full::default());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        response.headers_mut().insert("etag", tag.parse().unwrap());
        response
    })
    .await;
    let sources = json!({ "page": { "url": page.url("/x"), "interval": "1s" } });
    let config = json!({ "services": { "streaming": { "sources": sources } } }).to_string();
    let gantry = Gantry::start(&config).await;
    let client = Client::modern(&gantry.url(STREAMING), json!({}));
    let mut stream = listen(&client, &["stream://page?change_type=content_changed"]).await;
    eventually("it is asked again, by the tag", async || {
        page.asked().iter().any(|asked| asked.headers.contains_key("if-none-match")).then_some(())
    })
    .await;
    "b".clone_into(&mut content.lock());
    let (uri, meta) = updated(&mut stream).await;
    assert_eq!(uri, "stream://page?change_type=content_changed");
    assert_eq!(meta["resource_uri"], "stream://page");
    let read = client.request("resources/read", json!({ "uri": "stream://page" })).await;
    assert_eq!(read.result()["contents"][0]["text"], "b");
    drop(stream);
    eventually("the source is left alone", async || {
        (source(&client).await["watched"] == false).then_some(())
    })
    .await;
    let asked = page.asked().len();
    // Longer than its interval.
    let quiet = tokio::time::timeout(Duration::from_millis(1500), async {
        eventually("nobody asks", async || (page.asked().len() > asked).then_some(())).await;
    });
    assert!(quiet.await.is_err(), "it is asked though nobody is subscribed");
}

#[tokio::test]
async fn a_figure_of_the_gateway_can_be_followed() {
    let sources =
        json!({ "calls": { "metric": "gantry_tool_executions_total", "interval": "100ms" } });
    let config = json!({ "services": { "streaming": { "sources": sources } } }).to_string();
    let gantry = Gantry::start(&config).await;
    let client = Client::legacy(&gantry.url(STREAMING), "2025-06-18", json!({})).await;
    let mut stream = client.get().await;
    client.request("resources/subscribe", json!({ "uri": "stream://calls" })).await.result();
    // Each look at the state is a call.
    let looking = eventually("the figure changes", async || {
        (source(&client).await["changes"].as_u64()? > 0).then_some(())
    });
    looking.await;
    let (uri, meta) = soon("an update", updated(&mut stream)).await;
    assert_eq!(uri, "stream://calls");
    assert!(
        ["created", "content_changed"].contains(&meta["change_type"].as_str().unwrap()),
        "{meta}"
    );
    let read = client.request("resources/read", json!({ "uri": "stream://calls" })).await;
    let text = read.result()["contents"][0]["text"].as_str().expect("a text").to_owned();
    assert!(text.contains("gantry_tool_executions_total"), "{text}");
}

/// What a rule forbids, no query gets around, and a new rule takes back.
#[tokio::test]
async fn a_rule_about_a_resource_is_one_about_its_parts() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("secret.txt");
    fs::write(&file, "s").unwrap();
    let config = |rules: Value| {
        let sources = json!({ "secret": { "file": file, "interval": "100ms" } });
        let auth =
            json!({ "tokens": [{ "name": "ada", "token": ADA }, { "name": "bob", "token": BOB }] });
        json!({
            "services": { "streaming": { "sources": sources } },
            "auth": auth,
            "access": { "rules": rules },
        })
        .to_string()
    };
    let gantry = Gantry::start(&config(json!([]))).await;
    let client = |token: &str| {
        let client = Client::modern(&gantry.url(STREAMING), json!({}));
        client.with_header("authorization", &format!("Bearer {token}"))
    };
    let (ada, bob) = (client(ADA), client(BOB));
    let part = "stream://secret?change_type=deleted";
    let mut stream = listen(&ada, &[part]).await;
    let hidden = json!([{
        "name": "bobs", "principals": ["ada"], "resources": ["stream://secret"], "effect": "deny",
    }]);
    fs::write(gantry.config(), config(hidden)).unwrap();
    // The stream ends, because its client may not hear of that any more.
    assert_eq!(stream.next_or_end().await, None);
    for uri in ["stream://secret", part] {
        let refused = ada.request("resources/read", json!({ "uri": uri })).await;
        assert_eq!(refused.code(), -32602, "{uri}: {refused:?}");
        let mut stream = ada.listen(json!({ "resourceSubscriptions": [uri] })).await;
        let acknowledged = stream.next_message().await;
        assert_eq!(acknowledged["params"]["notifications"], json!({}), "{acknowledged}");
        let read = bob.request("resources/read", json!({ "uri": uri })).await;
        assert_eq!(read.result()["contents"][0]["text"], "s", "{uri}");
    }
}
