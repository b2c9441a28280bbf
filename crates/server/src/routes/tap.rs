//! `GET /api/admin/tap`: the conversation through the gateway, live, as an event stream.
//!
//! Each event is one message as JSON ([`gantry_gateway::tap::Event`]), or `{"lost": N}` where the
//! watcher was too slow. `server` and `tool` pick what is sent, `bodies=true` adds the messages, `all=true`
//! what the gateway asks its upstreams for itself.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Query, State};
use axum::response::Response;
use gantry_core::ErrorCode;
use gantry_gateway::spec::matches;
use gantry_gateway::tap::{Event, Seen, Watcher};
use gantry_protocol::sse;
use gantry_transport::server::{EventSender, event_stream};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;

use super::{Asked, refused};
use crate::http_stack::Refusal;
use crate::shared::Shared;

/// A comment after this much silence tells a watcher that the gateway is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Administrators who may watch at once.
static WATCHERS: Semaphore = Semaphore::const_new(16);

/// What is picked of the conversation.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Picked {
    /// A server's name.
    server: Option<String>,
    /// A pattern of a tool's, prompt's or resource's name, `*` standing for any run of characters.
    tool: Option<String>,
    /// With the messages themselves.
    bodies: bool,
    /// With what the gateway asks its upstreams for itself.
    all: bool,
}

/// Lets an administrator watch.
pub(super) async fn tap(
    State(shared): State<Arc<Shared>>,
    Extension(asked): Extension<Asked>,
    Query(picked): Query<Picked>,
) -> Response {
    let Ok(permit) = WATCHERS.try_acquire() else {
        let message = "too many watch the conversation already; end one of them";
        let refusal = Refusal::new(ErrorCode::Overloaded, message);
        return refused(refusal.with_status(StatusCode::SERVICE_UNAVAILABLE), &asked);
    };
    let watcher = shared.gateway.tap.watch(picked.bodies);
    let (sender, body) = event_stream(KEEP_ALIVE);
    // The head alone would wait for the first message; this says that the watch has begun.
    sender.offer(sse::event(json!({ "watching": true }).to_string().as_bytes(), None, None));
    let feeding = feed(watcher, picked, sender);
    shared.gateway.tasks.spawn_until_stop("tap", feeding);
    body.holding(permit).into_response().map(axum::body::Body::new)
}

/// Passes on what is picked until nobody reads it any more.
async fn feed(mut watcher: Watcher, picked: Picked, sender: EventSender) {
    loop {
        let seen = tokio::select! {
            seen = watcher.next() => seen,
            () = sender.closed() => return,
        };
        let text = match seen {
            None => return,
            Some(Seen::Lost(lost)) => json!({ "lost": lost }).to_string(),
            Some(Seen::Event(event)) if picked.takes(&event) => picked.text(&event),
            Some(Seen::Event(_)) => continue,
        };
        if !sender.send(sse::event(text.as_bytes(), None, None)).await {
            return;
        }
    }
}

impl Picked {
    fn takes(&self, event: &Event) -> bool {
        let is_server =
            self.server.as_deref().is_none_or(|name| event.server.as_deref() == Some(name));
        let is_tool = self
            .tool
            .as_deref()
            .is_none_or(|pattern| event.name.as_deref().is_some_and(|name| matches(pattern, name)));
        is_server && is_tool && (self.all || !event.own)
    }

    /// Another watcher may want bodies where this one does not.
    fn text(&self, event: &Event) -> String {
        let mut event = std::borrow::Cow::Borrowed(event);
        if !self.bodies && event.body.is_some() {
            event.to_mut().body = None;
        }
        serde_json::to_string(&*event).unwrap_or_default()
    }
}
