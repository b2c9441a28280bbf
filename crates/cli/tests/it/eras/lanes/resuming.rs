//! A legacy upstream cuts the stream of a call: it is taken up again where the upstream numbers its
//! events (`docs/eras.md`, "Sent again").

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::LEGACY;
use crate::{
    eras::{in_front_of, ready},
    support::{
        client::{Client, Reply},
        scripted::{Answer, Script, Scripted, Seen},
    },
};

/// The request that is to be answered, as the upstream saw it.
type Asked = Arc<Mutex<Value>>;

/// A server that numbers one event of a call, names a pause, and cuts the stream.
fn cutting(retry: &'static str, asked: &Asked) -> Script {
    let asked = Arc::clone(asked);
    Scripted::legacy(LEGACY).tool("cut", json!({}), move |seen| {
        *asked.lock() = seen.message.clone();
        Answer::talk(async move |talk| {
            let said = progress(&talk.seen.message, 1);
            talk.raw(format!("id: 1\nretry: {retry}\ndata: {said}\n\n")).await;
            // Its answer shows that what came before it was read.
            talk.ask("ping", json!({})).await;
            Answer::Reset
        })
    })
}

fn progress(request: &Value, progress: u64) -> Value {
    let token = &request["params"]["_meta"]["progressToken"];
    let params = json!({ "progressToken": token, "progress": progress });
    json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params })
}

/// The GETs that resume, in order.
fn resumptions(upstream: &Scripted) -> Vec<Arc<Seen>> {
    let seen = upstream.seen().into_iter();
    seen.filter(|seen| seen.header("last-event-id").is_some()).collect()
}

async fn call(client: &Client) -> Reply {
    let meta = json!({ "progressToken": "t" });
    client.request("tools/call", json!({ "name": "up__cut", "arguments": {}, "_meta": meta })).await
}

/// L->L, M->L: the stream is cut twice, and the upstream is away in between.
#[tokio::test]
async fn a_call_goes_on_where_its_stream_was_cut() {
    let pause = Duration::from_millis(300);
    for client_of in ["legacy", "modern"] {
        let asked = Asked::default();
        let request = Arc::clone(&asked);
        let away = Mutex::new(true);
        let script = cutting("300", &asked).first(move |seen| {
            let request = request.lock();
            match seen.header("last-event-id")? {
                "1" => {
                    let said = format!("id: 2\ndata: {}\n\n", progress(&request, 2));
                    Some(Answer::body(200, "text/event-stream", said))
                }
                "2" if std::mem::take(&mut *away.lock()) => Some(Answer::status(503)),
                "2" => {
                    let result = json!({ "content": [{ "type": "text", "text": "whole" }] });
                    let answer = json!({ "jsonrpc": "2.0", "id": request["id"], "result": result });
                    let said = format!("id: 3\ndata: {answer}\n\n");
                    Some(Answer::body(200, "text/event-stream", said))
                }
                _ => None,
            }
        });
        let upstream = script.start().await;
        let gantry = in_front_of(upstream.server()).await;
        ready(&gantry).await;
        let url = gantry.url("/mcp");
        let client = match client_of {
            "legacy" => Client::legacy(&url, LEGACY, json!({})).await,
            _ => Client::modern(&url, json!({})),
        };
        let reply = call(&client).await;
        assert_eq!(reply.text(), "whole", "{client_of}: {reply:?}");
        let told = reply.notifications("notifications/progress").into_iter();
        let told: Vec<_> = told.map(|message| message["params"]["progress"].clone()).collect();
        assert_eq!(told, [1, 2], "{client_of}: nothing twice, and nothing missing");
        let gets = resumptions(&upstream);
        let after: Vec<_> = gets.iter().filter_map(|seen| seen.header("last-event-id")).collect();
        assert_eq!(after, ["1", "2", "2"], "{client_of}: {gets:?}");
        for get in &gets {
            assert_eq!((get.verb.as_str(), get.session().is_some()), ("GET", true), "{get:?}");
        }
        for two in gets.windows(2) {
            let between = two[1].at - two[0].at;
            assert!(between >= pause, "{client_of}: {between:?} is less than it asked for");
        }
        assert_eq!(upstream.seen_of("tools/call").len(), 1, "{client_of}: it ran once");
    }
}

/// *->L: the upstream does not come back; or it says that it does not resume.
#[tokio::test]
async fn a_call_whose_stream_cannot_be_resumed_fails_after_a_few_tries() {
    for (status, tries) in [(503, 5), (405, 1)] {
        let script = cutting("1", &Asked::default())
            .first(move |seen| seen.header("last-event-id").map(|_| Answer::status(status)));
        let upstream = script.start().await;
        let gantry = in_front_of(upstream.server()).await;
        ready(&gantry).await;
        let client = Client::modern(&gantry.url("/mcp"), json!({}));
        let reply = call(&client).await;
        assert!(reply.message.to_string().contains("stream_broken"), "{status}: {reply:?}");
        assert_eq!(resumptions(&upstream).len(), tries, "{status}");
        assert_eq!(upstream.seen_of("tools/call").len(), 1, "{status}: it may have run");
    }
}

/// *->L: events without ids cannot be taken up again.
#[tokio::test]
async fn a_call_whose_stream_has_no_ids_fails_when_it_is_cut() {
    let script = Scripted::legacy(LEGACY).tool("cut", json!({}), |_| {
        Answer::talk(async |talk| {
            talk.progress(0.5).await;
            Answer::Reset
        })
    });
    let upstream = script.start().await;
    let gantry = in_front_of(upstream.server()).await;
    ready(&gantry).await;
    let reply = call(&Client::modern(&gantry.url("/mcp"), json!({}))).await;
    assert!(reply.message.to_string().contains("stream_broken"), "{reply:?}");
    assert!(resumptions(&upstream).is_empty());
}
