//! What an upstream was seen to do narrows the sharing of its lanes, and no session loses its state
//! by that.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::{LEGACY, who};
use crate::{
    eras::{config, in_front_of, ready, status},
    support::{
        client::Client,
        gantry::{Gantry, Setup},
        scripted::{Answer, Script, Scripted, Seen, stdio::StdioScript},
        wait::eventually,
    },
};

/// The session in which a call runs.
async fn session_of(client: &Client) -> String {
    client.call("up__who", json!({})).await.text().to_owned()
}

fn modern(gantry: &Gantry) -> Client {
    Client::modern(&gantry.url("/mcp"), json!({}))
}

fn legacy(gantry: &Gantry) -> impl Future<Output = Client> {
    let url = gantry.url("/mcp");
    async move { Client::legacy(&url, LEGACY, json!({})).await }
}

#[tokio::test]
async fn an_upstream_that_asks_back_has_a_lane_for_each_principal_and_a_restart_knows() {
    let script = who(Scripted::legacy(LEGACY)).tool("ask", json!({}), |_| {
        Answer::talk(async |talk| {
            let params = json!({ "message": "?", "requestedSchema": { "type": "object" } });
            let answer = talk.ask("elicitation/create", params).await;
            Answer::text(answer["result"]["action"].to_string())
        })
    });
    let upstream = script.start().await;
    let gantry = in_front_of(upstream.server()).await;
    assert_eq!(ready(&gantry).await["narrowed"], Value::Null);
    let settled = legacy(&gantry).await;
    let shared = session_of(&settled).await;
    assert_eq!(session_of(&modern(&gantry)).await, shared);

    let asked = Client::legacy(&gantry.url("/mcp"), LEGACY, json!({ "elicitation": {} })).await;
    let asked = asked.answering(|_| json!({ "result": { "action": "decline" } }));
    assert_eq!(asked.call("up__ask", json!({})).await.text(), r#""decline""#);

    let own = session_of(&modern(&gantry)).await;
    assert_ne!(own, shared);
    assert_eq!(session_of(&legacy(&gantry).await).await, own);
    assert_eq!(session_of(&settled).await, shared, "a session keeps its lane");
    let narrowed = status(&gantry, "up").await["narrowed"].clone();
    assert_eq!(narrowed, "principal: it asks its clients back");
    assert!(gantry.log().contains("it asks its clients back"), "{}", gantry.log());
    let listed = gantry.run(&["servers", "list", "--format", "json"]).await;
    assert!(listed.stdout.contains("principal: it asks its clients back"), "{listed:?}");

    let gantry = gantry.restart().await;
    assert_eq!(ready(&gantry).await["narrowed"], narrowed);
    // The sessions of the gateway before were ended.
    let first = upstream.sessions();
    assert_eq!(first.len(), 1, "{first:?}");
    assert_ne!(session_of(&modern(&gantry)).await, first[0], "the first lane is nobody's");
}

/// A server on which each session opens pages, each of which is a tool of that session.
fn pages() -> Script {
    let open: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
    let listed = Arc::clone(&open);
    let session = |seen: &Seen| seen.session().unwrap_or_default().to_owned();
    let page = |seen: &Seen| Answer::text(seen.name());
    who(Scripted::legacy(LEGACY))
        .tool("page-1", json!({}), page)
        .tool("page-2", json!({}), page)
        .tool("open", json!({}), move |seen| {
            *open.lock().entry(session(seen)).or_default() += 1;
            Answer::talk(async |talk| {
                talk.notify("notifications/tools/list_changed", json!({})).await;
                Answer::text("opened")
            })
        })
        .on("tools/list", move |seen| {
            let n = listed.lock().get(&session(seen)).copied().unwrap_or_default();
            let pages = (1..=n).map(|page| format!("page-{page}"));
            let names = ["open".to_owned(), "who".to_owned()].into_iter().chain(pages);
            let tool = |name| json!({ "name": name, "inputSchema": { "type": "object" } });
            Answer::Result(json!({ "tools": names.map(tool).collect::<Vec<_>>() }))
        })
}

async fn sees_pages(gantry: &Gantry, client: &Client, count: usize) {
    let what = format!("a client sees {count} pages");
    eventually(&what, async || {
        let names = client.tool_names().await;
        let pages = names.iter().filter(|name| name.starts_with("up__page")).count();
        (pages == count).then_some(())
    })
    .await;
    assert!(!gantry.log().contains("panicked"), "{}", gantry.log());
}

#[tokio::test]
async fn an_upstream_whose_lists_change_after_calls_has_a_lane_for_each_session() {
    let upstream = pages().start().await;
    let gantry = in_front_of(upstream.server()).await;
    ready(&gantry).await;
    let first = legacy(&gantry).await;
    let shared = session_of(&first).await;
    for count in 1..=2 {
        assert_eq!(status(&gantry, "up").await["narrowed"], Value::Null);
        assert_eq!(first.call("up__open", json!({})).await.text(), "opened");
        sees_pages(&gantry, &first, count).await;
    }
    let narrowed = status(&gantry, "up").await["narrowed"].clone();
    assert_eq!(narrowed, "client: its lists changed twice right after a call");

    // The next session has a lane of its own, and sees nothing of what the first one did.
    let second = legacy(&gantry).await;
    let own = session_of(&second).await;
    assert_ne!(own, shared);
    sees_pages(&gantry, &second, 0).await;
    assert_eq!(second.call("up__open", json!({})).await.text(), "opened");
    sees_pages(&gantry, &second, 1).await;
    assert_eq!(second.call("up__page-1", json!({})).await.text(), "page-1");
    assert_eq!(second.call("up__page-2", json!({})).await.code(), -32602);

    // The first one goes on where it was.
    sees_pages(&gantry, &first, 2).await;
    assert_eq!(session_of(&first).await, shared);
    assert_eq!(first.call("up__page-2", json!({})).await.text(), "page-2");

    // A modern client has no session: what its calls do is its principal's.
    let third = modern(&gantry);
    assert!(![shared, own].contains(&session_of(&third).await));
    sees_pages(&gantry, &third, 0).await;
    assert_eq!(third.call("up__open", json!({})).await.text(), "opened");
    sees_pages(&gantry, &modern(&gantry), 1).await;
    sees_pages(&gantry, &second, 1).await;
    assert!(legacy(&gantry).await.tool_names().await.contains(&"up__open".to_owned()));
}

#[tokio::test]
async fn a_kind_of_server_that_keeps_state_has_a_child_for_each_session_from_the_start() {
    let told = json!([{ "result": { "content": [{ "type": "text", "text": "$start" }] } }]);
    for (package, expected) in [("@playwright/mcp@latest", "12"), ("playwright", "00")] {
        let script = StdioScript::new(LEGACY).tool("who", json!({}), told.clone());
        let mut server = script.server();
        server["args"].as_array_mut().unwrap().push(package.into());
        let gantry = in_front_of(server).await;
        let is_narrowed = ready(&gantry).await["narrowed"].is_string();
        assert_eq!(is_narrowed, expected != "00", "{package}");
        let (first, second) = (legacy(&gantry).await, legacy(&gantry).await);
        let sessions = session_of(&first).await + &session_of(&second).await;
        assert_eq!(sessions, expected, "{package}");
    }
}

const ALICE: &str = "alice-0123456789-0123456789-0123456789";
const BOB: &str = "bob-0123456789-0123456789-0123456789-01";

#[tokio::test]
async fn principals_that_are_offered_different_things_each_see_their_own() {
    let script = who(Scripted::legacy(LEGACY)).on("tools/list", |seen| {
        let own = format!("for-{}", seen.session().unwrap_or_default());
        let tool = |name| json!({ "name": name, "inputSchema": { "type": "object" } });
        Answer::Result(json!({ "tools": [tool("who".to_owned()), tool(own)] }))
    });
    let upstream = script.start().await;
    let mut whole: Value = serde_json::from_str(&config(&[("up", upstream.server())])).unwrap();
    whole["auth"] = json!({ "tokens": [
        { "name": "alice", "token": ALICE }, { "name": "bob", "token": BOB },
    ] });
    let gantry = Setup::new(&whole.to_string()).start().await;
    let client = |token: &str, capabilities: Value| {
        let bearer = format!("Bearer {token}");
        Client::modern(&gantry.url("/mcp"), capabilities).with_header("authorization", &bearer)
    };
    let own = async |client: &Client| {
        let session = session_of(client).await;
        let expected = format!("up__for-{session}");
        eventually("a client sees what its own session is offered", async || {
            let names = client.tool_names().await;
            let others = names.iter().filter(|name| name.starts_with("up__for-")).count();
            (others == 1 && names.contains(&expected)).then_some(())
        })
        .await;
        session
    };
    let asks = json!({ "elicitation": {} });
    let alice = own(&client(ALICE, asks.clone())).await;
    let bob = own(&client(BOB, asks.clone())).await;
    assert_ne!(alice, bob);
    assert_eq!(own(&client(ALICE, asks.clone())).await, alice);
    let listed = gantry.run(&["servers", "list", "--format", "json"]).await;
    assert!(listed.stdout.contains("principal: it offers different things"), "{listed:?}");
    // From now on that holds for those who cannot be asked, too.
    let silent = own(&client(BOB, json!({}))).await;
    assert_ne!(silent, own(&client(ALICE, json!({}))).await);
}
