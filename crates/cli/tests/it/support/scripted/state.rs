//! What a scripted upstream keeps from one request to the next: its script, sessions and streams.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};

use super::{
    body::{Broken, Frame, event},
    log::{Log, Seen},
    script::Script,
};
use crate::support::wait::{eventually, soon};

/// Frames of one stream that may wait for the client.
pub(super) const QUEUE: usize = 4096;

/// Everything that outlives a connection.
#[derive(Debug)]
pub(super) struct State {
    pub(super) log: Log,
    pub(super) next: AtomicU64,
    pub(super) script: Mutex<Arc<Script>>,
    pub(super) sessions: Mutex<Vec<String>>,
    pub(super) streams: Mutex<Vec<Stream>>,
    /// Who waits for the answer to a request of ours.
    waiting: Mutex<HashMap<String, oneshot::Sender<Value>>>,
    pub(super) talks: Mutex<JoinSet<()>>,
}

/// An open GET or listen stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) session: Option<String>,
    /// The id and the filter of a listen.
    pub(super) listen: Option<(Value, Value)>,
    pub(super) way: mpsc::Sender<Frame>,
}

impl State {
    pub(super) fn new(script: Script) -> Self {
        Self {
            log: Log::new(),
            next: AtomicU64::new(1),
            script: Mutex::new(Arc::new(script)),
            sessions: Mutex::default(),
            streams: Mutex::default(),
            waiting: Mutex::default(),
            talks: Mutex::default(),
        }
    }

    pub(super) fn change(&self, change: impl FnOnce(Script) -> Script) {
        let mut script = self.script.lock();
        let changed = change(Script::clone(&script));
        *script = Arc::new(changed);
    }

    pub(super) fn sessions(&self) -> Vec<String> {
        self.sessions.lock().clone()
    }

    pub(super) fn expire_sessions(&self) {
        self.sessions.lock().clear();
        self.streams.lock().retain(|stream| stream.session.is_none());
    }

    pub(super) fn streams(&self) -> usize {
        let mut streams = self.streams.lock();
        streams.retain(|stream| !stream.way.is_closed());
        streams.len()
    }

    pub(super) fn push(&self, method: &str, params: &Value) -> usize {
        self.streams();
        let mut sent = 0;
        for stream in self.streams.lock().iter() {
            let mut params = params.clone();
            if let Some((id, filter)) = &stream.listen {
                if !is_listened_for(filter, method, &params) {
                    continue;
                }
                params["_meta"]["io.modelcontextprotocol/subscriptionId"] = id.clone();
            }
            let message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
            sent += usize::from(stream.way.try_send(Ok(event(&message.to_string()))).is_ok());
        }
        sent
    }

    pub(super) fn push_message(&self, message: &Value) -> usize {
        self.streams();
        let frame = event(&message.to_string());
        let streams = self.streams.lock();
        let get = streams.iter().filter(|stream| stream.listen.is_none());
        get.filter(|stream| stream.way.try_send(Ok(frame.clone())).is_ok()).count()
    }

    #[track_caller]
    pub(super) fn ask_outside(
        self: &Arc<Self>,
        method: &str,
        params: Value,
    ) -> impl Future<Output = Value> + use<> {
        let (id, answer) = self.expect_answer();
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let state = Arc::clone(self);
        let asked = eventually("a GET stream to ask on", async move || {
            (state.push_message(&message) > 0).then_some(())
        });
        let answered = soon(&format!("an answer to `{method}`"), answer);
        async move {
            asked.await;
            answered.await.expect("who waits is forgotten only when it is answered")
        }
    }

    pub(super) fn break_streams(&self) {
        for stream in self.streams.lock().drain(..) {
            let _ = stream.way.try_send(Err(Broken));
        }
    }

    pub(super) fn end_listens(&self) {
        self.streams.lock().retain(|stream| {
            let Some((id, _)) = &stream.listen else { return true };
            let meta = json!({ "io.modelcontextprotocol/subscriptionId": id });
            let result = json!({ "resultType": "complete", "_meta": meta });
            let message = json!({ "jsonrpc": "2.0", "id": id, "result": result });
            let _ = stream.way.try_send(Ok(event(&message.to_string())));
            false
        });
    }

    /// An id for a request of ours, and what will be answered to it.
    pub(super) fn expect_answer(&self) -> (String, oneshot::Receiver<Value>) {
        let id = format!("ask-{}", self.next.fetch_add(1, Ordering::Relaxed));
        let (sender, receiver) = oneshot::channel();
        self.waiting.lock().insert(id.clone(), sender);
        (id, receiver)
    }

    pub(super) fn hear_answer(&self, message: &Value) {
        let waiting = message["id"].as_str().and_then(|id| self.waiting.lock().remove(id));
        if let Some(waiting) = waiting {
            let _ = waiting.send(message.clone());
        }
    }

    pub(super) fn open_session(&self) -> String {
        let id = format!("session-{}", self.next.fetch_add(1, Ordering::Relaxed));
        self.sessions.lock().push(id.clone());
        id
    }

    pub(super) fn has_session(&self, seen: &Seen) -> bool {
        seen.session().is_some_and(|id| self.sessions.lock().iter().any(|known| known == id))
    }
}

/// Whether the filter of a listen asks for a notification.
fn is_listened_for(filter: &Value, method: &str, params: &Value) -> bool {
    let wants = |member: &str| filter[member] == Value::Bool(true);
    match method {
        "notifications/tools/list_changed" => wants("toolsListChanged"),
        "notifications/prompts/list_changed" => wants("promptsListChanged"),
        "notifications/resources/list_changed" => wants("resourcesListChanged"),
        "notifications/resources/updated" => {
            let uri = params["uri"].as_str().unwrap_or_default();
            let subscribed = filter["resourceSubscriptions"].as_array().into_iter().flatten();
            let mut subscribed = subscribed.filter_map(Value::as_str);
            subscribed.any(|asked| uri == asked || uri.starts_with(&format!("{asked}/")))
        }
        _ => false,
    }
}
