//! Sessions over a restart of the gateway: each goes on, with what its client had set.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{assert_calm, config_with, resident};
use crate::support::{
    client::Client,
    gantry::Gantry,
    scripted::{Answer, Scripted},
    wait::eventually,
};

const SESSIONS: usize = 200;
const REVISIONS: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
const TOKENS: [&str; 2] =
    ["a-token-of-alice-that-nobody-guesses", "a-token-of-bob-that-nobody-guesses"];

/// One session, and what its client set in it.
#[derive(Clone)]
struct Held {
    revision: &'static str,
    token: &'static str,
    session: String,
    path: &'static str,
    has_level: bool,
    uri: Option<String>,
}

impl Held {
    async fn open(gantry: &Gantry, number: usize) -> Self {
        let revision = REVISIONS[number % REVISIONS.len()];
        let token = TOKENS[number / 4 % TOKENS.len()];
        let path = if number.is_multiple_of(7) { "/mcp/up" } else { "/mcp" };
        let capabilities = if number.is_multiple_of(2) { json!({}) } else { json!({ "x": {} }) };
        let client = Client::new(&gantry.url(path), revision, capabilities);
        let client =
            client.with_header("authorization", &format!("Bearer {token}")).connect().await;
        let has_level = number.is_multiple_of(3);
        if has_level {
            let level = client.request("logging/setLevel", json!({ "level": "error" })).await;
            assert!(level.result().is_object());
        }
        let uri = number.is_multiple_of(5).then(|| format!("test://r{}", number % 3));
        if let Some(uri) = &uri {
            let reply = client.request("resources/subscribe", json!({ "uri": uri })).await;
            assert!(reply.result().is_object());
        }
        let session = client.session().to_owned();
        Self { revision, token, session, path, has_level, uri }
    }

    fn client(&self, gantry: &Gantry, token: &str) -> Client {
        Client::new(&gantry.url(self.path), self.revision, json!({}))
            .with_header("authorization", &format!("Bearer {token}"))
            .with_session(&self.session)
    }

    /// Goes on with the session as if nothing had happened.
    async fn goes_on(self, client: Client, stranger: Client) {
        let (mut stream, tool) = (None, if self.path == "/mcp" { "up__talk" } else { "talk" });
        if self.uri.is_some() {
            stream = Some(client.get().await);
        }
        let reply = client.call(tool, json!({})).await;
        assert_eq!(reply.text(), "fine", "{} {reply:?}", self.revision);
        let heard: Vec<_> = reply.notifications("notifications/message");
        let levels: Vec<_> = heard.iter().map(|log| log["params"]["level"].clone()).collect();
        let expected = if self.has_level { json!(["error"]) } else { json!(["info", "error"]) };
        assert_eq!(Value::from(levels), expected, "{}", self.revision);
        assert_eq!(stranger.request("ping", json!({})).await.status, 404, "it is not a stranger's");
        if let (Some(mut stream), Some(uri)) = (stream, self.uri) {
            // It may have changed meanwhile.
            loop {
                let told = stream.next_message().await;
                if told["method"] == "notifications/resources/updated" {
                    assert_eq!(told["params"]["uri"], *uri);
                    break;
                }
            }
        }
    }
}

async fn all_go_on(gantry: &Gantry, held: &[Held]) {
    let mut checks = JoinSet::new();
    for session in held {
        let other = TOKENS.into_iter().find(|token| *token != session.token).unwrap_or_default();
        let (client, stranger) =
            (session.client(gantry, session.token), session.client(gantry, other));
        checks.spawn(session.clone().goes_on(client, stranger));
        if checks.len() >= 32 {
            checks.join_next().await.expect("some go on").expect("a check does not panic");
        }
    }
    while let Some(check) = checks.join_next().await {
        check.expect("a check does not panic");
    }
}

#[tokio::test]
async fn two_hundred_sessions_go_on_after_a_restart_and_after_a_kill() {
    let mut script = Scripted::legacy("2025-11-25").tool("talk", json!({}), |_| {
        Answer::talk(async |talk| {
            for level in ["info", "error"] {
                let log = json!({ "level": level, "data": "hm" });
                talk.notify("notifications/message", log).await;
            }
            Answer::text("fine")
        })
    });
    script = script.capabilities(json!({
        "tools": {}, "logging": {}, "resources": { "subscribe": true },
    }));
    for number in 0..3 {
        let read = |_: &_| Answer::Result(json!({ "contents": [] }));
        script = script.resource(&format!("test://r{number}"), json!({}), read);
    }
    let upstream = script.start().await;
    let tokens = json!([
        { "name": "alice", "token": TOKENS[0] }, { "name": "bob", "token": TOKENS[1] },
    ]);
    let more = json!({ "auth": { "tokens": tokens } });
    let gantry = Gantry::start(&config_with(&[("up", upstream.server())], &more)).await;
    let mut held = Vec::new();
    for number in 0..SESSIONS {
        held.push(Held::open(&gantry, number).await);
    }

    let mut gantry = gantry.restart().await;
    let pid = gantry.process().id().expect("it runs");
    let before = resident(pid);
    all_go_on(&gantry, &held).await;
    println!("{} bytes for all of them", resident(pid).saturating_sub(before));
    assert_calm(&gantry.log());

    // What was written does not depend on a good end.
    let gantry = gantry.killed_and_started().await;
    all_go_on(&gantry, &held).await;

    // They hear of what changes, and one that ends stays so.
    let listener = held.iter().find(|held| held.uri.is_some()).expect("some are subscribed");
    let client = listener.client(&gantry, listener.token);
    let mut stream = client.get().await;
    let uri = listener.uri.clone();
    eventually("the upstream is listened to", async || {
        (upstream.push_now("notifications/resources/updated", &json!({ "uri": uri })) > 0)
            .then_some(())
    })
    .await;
    assert_eq!(stream.next_message().await["params"]["uri"], json!(uri));
    assert_eq!(client.delete().await.status, 200);
    let gantry = gantry.restart().await;
    let client = listener.client(&gantry, listener.token);
    assert_eq!(client.request("ping", json!({})).await.status, 404);
    let (status, log) = gantry.stop().await;
    assert!(status.success(), "{status}");
    assert_calm(&log);
}
