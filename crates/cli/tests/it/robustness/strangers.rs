//! Two clients and an upstream that asks: nothing of one reaches the other.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    eras::config,
    support::{client::Client, gantry::Gantry, relay::Child, relay::Relay},
};

/// How often each client is asked, several times at once.
const CALLS: usize = 12;

/// Who waits for the answer to which question.
type Waiting = Arc<Mutex<Vec<(String, tokio::sync::oneshot::Sender<Value>)>>>;

/// A client that answers every question with its own name, and notes whom each was meant for.
///
/// Questions come on the stream of the call that they belong to, or, where the upstream does not
/// say which that is, on the session's own stream, as they would directly.
struct Person {
    client: Client,
    asked: Arc<Mutex<Vec<Value>>>,
    /// Everything that came on the session's own stream.
    overheard: Arc<Mutex<Vec<Value>>>,
    _listening: JoinSet<()>,
}

impl Person {
    async fn new(gantry: &Gantry, name: &'static str) -> Self {
        let asked: Arc<Mutex<Vec<Value>>> = Arc::default();
        let noted = Arc::clone(&asked);
        let capabilities = json!({ "elicitation": {}, "sampling": {} });
        let client = Client::legacy(&gantry.url("/mcp"), "2025-11-25", capabilities).await;
        let client = client.answering(move |request| {
            noted.lock().push(request.clone());
            accepted(name)
        });
        let overheard: Arc<Mutex<Vec<Value>>> = Arc::default();
        let mut stream = client.get().await;
        let mut listening = JoinSet::new();
        let (answering, noted) = (client.clone(), (Arc::clone(&asked), Arc::clone(&overheard)));
        listening.spawn(async move {
            while let Some(message) = stream.next_or_end().await {
                noted.1.lock().push(message.clone());
                if !message["id"].is_null() {
                    noted.0.lock().push(message.clone());
                    answering.answer(&message, accepted(name)).await;
                }
            }
        });
        Self { client, asked, overheard, _listening: listening }
    }
}

fn accepted(name: &str) -> Value {
    json!({ "result": { "action": "accept", "content": { "name": name } } })
}

/// An upstream as a child: it says whose call it is about in everything that it says and asks, and
/// answers what it was answered. A call is told by its argument `for`.
async fn curious() -> Relay {
    let waiting = Waiting::default();
    let questions = Arc::new(AtomicUsize::new(0));
    Relay::start(move |line, child| hear(line, child, Arc::clone(&waiting), Arc::clone(&questions)))
        .await
}

async fn hear(line: String, child: Child, waiting: Waiting, questions: Arc<AtomicUsize>) {
    let message: Value = serde_json::from_str(&line).unwrap_or_default();
    let answer = |result: Value| json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
    let said = match message["method"].as_str() {
        None => {
            let id = message["id"].as_str().unwrap_or_default().to_owned();
            let mut waiting = waiting.lock();
            if let Some(at) = waiting.iter().position(|(asked, _)| *asked == id) {
                let _ = waiting.remove(at).1.send(message);
            }
            return;
        }
        Some("initialize") => answer(json!({
            "protocolVersion": "2025-11-25", "serverInfo": { "name": "curious", "version": "1" },
            "capabilities": { "tools": {}, "logging": {} },
        })),
        Some("tools/list") => {
            answer(json!({ "tools": [{ "name": "ask", "inputSchema": { "type": "object" } }] }))
        }
        Some("ping") => answer(json!({})),
        Some("tools/call") => {
            let whom = message["params"]["arguments"]["for"].clone();
            let token = message["params"]["_meta"]["progressToken"].clone();
            let id = format!("q-{}-{}", child.number, questions.fetch_add(1, Ordering::Relaxed));
            let (sender, receiver) = tokio::sync::oneshot::channel();
            waiting.lock().push((id.clone(), sender));
            let log = json!({ "level": "info", "data": { "for": whom } });
            let progress = json!({ "progressToken": token, "progress": 1, "message": whom });
            let form = json!({ "message": whom, "requestedSchema": { "type": "object", "properties": {} } });
            for said in [
                json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": log }),
                json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": progress }),
                json!({ "jsonrpc": "2.0", "id": id, "method": "elicitation/create", "params": form }),
            ] {
                child.say(&said.to_string()).await;
            }
            let answered = receiver.await.unwrap_or_default();
            let text = answered["result"]["content"]["name"].as_str().unwrap_or("nobody");
            answer(json!({ "content": [{ "type": "text", "text": text }] }))
        }
        Some(_) if message["id"].is_null() => return,
        Some(_) => json!({
            "jsonrpc": "2.0", "id": message["id"], "error": { "code": -32601, "message": "no" },
        }),
    };
    child.say(&said.to_string()).await;
}

/// Both are asked many times at once. Each call must be answered by its own client, and each client
/// must hear of its own calls alone.
async fn ask_both(server: Value) {
    let gantry = Gantry::start(&config(&[("up", server)])).await;
    let people = [
        ("xenia", Person::new(&gantry, "xenia").await),
        ("yorick", Person::new(&gantry, "yorick").await),
    ];
    let mut calls = JoinSet::new();
    for (name, person) in &people {
        for number in 0..CALLS {
            let (name, client) = (*name, person.client.clone());
            calls.spawn(async move {
                let params = json!({
                    "name": "up__ask", "arguments": { "for": name },
                    "_meta": { "progressToken": number },
                });
                (name, client.request("tools/call", params).await)
            });
        }
    }
    while let Some(done) = calls.join_next().await {
        let (name, reply) = done.expect("a call does not panic");
        assert_eq!(reply.text(), name, "somebody else's answer: {reply:?}");
        let heard = serde_json::to_string(&reply.messages).expect("messages are JSON");
        let stranger = if name == "xenia" { "yorick" } else { "xenia" };
        assert!(!heard.contains(stranger), "`{name}` heard of `{stranger}`: {reply:?}");
    }
    for (name, person) in people {
        let stranger = if name == "xenia" { "yorick" } else { "xenia" };
        let overheard = serde_json::to_string(&*person.overheard.lock());
        let overheard = overheard.expect("messages are JSON");
        assert!(!overheard.contains(stranger), "`{name}` heard of `{stranger}`: {overheard}");
        let asked = person.asked.lock();
        assert_eq!(asked.len(), CALLS, "`{name}` was asked that often");
        assert!(asked.iter().all(|asked| asked["params"]["message"] == name), "{asked:?}");
    }
}

/// As it is chosen: over pipes each client that can be asked has a child of its own.
#[tokio::test]
async fn two_clients_who_can_be_asked_do_not_hear_of_each_other() {
    let upstream = curious().await;
    ask_both(upstream.server()).await;
}

/// One child for both: then it carries out one such call at a time.
#[tokio::test]
async fn two_clients_who_share_one_child_do_not_hear_of_each_other() {
    let upstream = curious().await;
    let mut server = upstream.server();
    server["session"] = "principal".into();
    ask_both(server).await;
}

/// What an upstream says outside of all calls goes to nobody, or to the one whose child it is.
#[tokio::test]
async fn what_a_shared_child_says_between_calls_is_told_to_nobody() {
    let upstream = Relay::start(async |line, child: Child| {
        let message: Value = serde_json::from_str(&line).unwrap_or_default();
        let result = match message["method"].as_str() {
            Some("initialize") => json!({
                "protocolVersion": "2025-11-25", "capabilities": { "tools": {}, "logging": {} },
                "serverInfo": { "name": "talkative", "version": "1" },
            }),
            Some("tools/list") => {
                json!({ "tools": [{ "name": "go", "inputSchema": { "type": "object" } }] })
            }
            Some("tools/call") => json!({ "content": [{ "type": "text", "text": "gone" }] }),
            Some(_) if !message["id"].is_null() => json!({}),
            _ => return,
        };
        let answer = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
        child.say(&answer.to_string()).await;
        let log = json!({ "level": "alert", "data": "somebody's secret" });
        let log = json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": log });
        child.say(&log.to_string()).await;
        let question = json!({ "message": "whose?", "requestedSchema": { "type": "object", "properties": {} } });
        let question = json!({ "jsonrpc": "2.0", "id": "q", "method": "elicitation/create", "params": question });
        child.say(&question.to_string()).await;
    })
    .await;
    let gantry = Gantry::start(&config(&[("up", upstream.server())])).await;
    let one = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    let other = Client::legacy(&gantry.url("/mcp"), "2025-11-25", json!({})).await;
    let mut streams = [one.get().await, other.get().await];
    for _ in 0..5 {
        assert_eq!(one.call("up__go", json!({})).await.text(), "gone");
    }
    for stream in &mut streams {
        let heard = stream.messages_within(std::time::Duration::from_millis(100)).await;
        let heard: Vec<_> = heard
            .iter()
            .filter(|heard| heard["method"] != "notifications/tools/list_changed")
            .collect();
        assert!(heard.is_empty(), "{heard:?}");
    }
}
