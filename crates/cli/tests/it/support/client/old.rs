//! A client of 2024-11-05's transport: one stream for all that the server says, and a path to post to.

use serde_json::{Value, json};

use super::{Client, Open, Reply};
use crate::support::gantry::Gantry;

/// One connection.
pub(crate) struct Connection {
    pub(crate) stream: Open,
    pub(crate) posting: Client,
    /// Where it posts to.
    pub(crate) path: String,
}

impl Connection {
    /// Opens the stream and learns where to post to.
    pub(crate) async fn open(gantry: &Gantry, path: &str, token: Option<&str>) -> Self {
        let at = |path: &str| {
            let client = Client::new(&gantry.url(path), "2024-11-05", json!({}));
            match token {
                Some(token) => client.with_header("authorization", &format!("Bearer {token}")),
                None => client,
            }
        };
        let stream = at(path).bare("GET", &[("accept", "text/event-stream")]).await;
        assert_eq!(stream.status, 200, "{stream:?}");
        Self::begin(stream, &at).await
    }

    /// Learns from a stream where to post to; `at` makes clients of a path.
    pub(crate) async fn begin(mut stream: Open, at: &impl Fn(&str) -> Client) -> Self {
        let first = stream.next_event().await.expect("the stream begins with an event");
        assert_eq!(first.name.as_deref(), Some("endpoint"));
        assert!(first.data.starts_with("/messages?sessionId="), "{first:?}");
        Self { stream, posting: at(&first.data), path: first.data }
    }

    pub(crate) async fn post(&self, message: &Value) -> Reply {
        self.posting.post(message.to_string(), &[]).await
    }

    /// Sends a request and returns the next message of the stream.
    pub(crate) async fn ask(&mut self, id: u64, method: &str, params: Value) -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let reply = self.post(&request).await;
        assert_eq!((reply.status, reply.body.len()), (202, 0), "{reply:?}");
        self.stream.next_message().await
    }

    pub(crate) async fn initialize(&mut self, revision: &str, capabilities: Value) {
        let params = json!({
            "protocolVersion": revision, "capabilities": capabilities,
            "clientInfo": { "name": "old", "version": "1" },
        });
        let answer = self.ask(0, "initialize", params).await;
        assert_eq!(answer["result"]["protocolVersion"], revision, "{answer}");
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        assert_eq!(self.post(&initialized).await.status, 202);
    }
}
