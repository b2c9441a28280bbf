//! A listen stream of a modern client (`subscriptions/listen`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use gantry_core::session::Lists;
use gantry_core::{CallContext, Principal};
use gantry_protocol::{Id, Message, ObjectEdit, json, message, meta, method};
use parking_lot::Mutex;
use serde_json::{Map, Value};

use super::sink::Sink;
use crate::dispatch::Subscription;

/// An open listen stream.
#[derive(Debug)]
pub struct Listen {
    /// Unique in the process.
    pub number: u64,
    /// The id of the listen request, which is also the id of the subscription.
    pub id: Id,
    /// The endpoint it was opened on.
    pub view: Box<str>,
    /// As whom to look at the lists.
    pub context: CallContext,
    /// What the client hears of.
    pub filter: ListenFilter,
    /// The resources, with what upholds the subscription upstream.
    pub subscriptions: Subscriptions,
    sink: Sink,
    lists: Mutex<Lists>,
    hears_log: AtomicBool,
}

/// Resources, with what upholds the subscription to each upstream.
pub type Subscriptions = Arc<[(Box<str>, Subscription)]>;

/// What a client wants to hear of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListenFilter {
    /// Changes of the lists, in the order of [`Lists`].
    pub lists: [bool; 3],
    /// URIs, each once.
    pub resources: Vec<String>,
}

/// The members of a filter, in the order of [`Lists`].
const LIST_KEYS: [&str; 3] = ["toolsListChanged", "promptsListChanged", "resourcesListChanged"];
const RESOURCES_KEY: &str = "resourceSubscriptions";

impl ListenFilter {
    /// Reads the filter of a listen request; `None` when it has not the form of one.
    pub fn read(raw: Option<&[u8]>) -> Option<Self> {
        let Ok(Value::Object(members)) = serde_json::from_slice(raw?) else { return None };
        let mut filter = Self::default();
        for (at, key) in LIST_KEYS.iter().enumerate() {
            filter.lists[at] = match members.get(*key) {
                None => false,
                Some(wanted) => wanted.as_bool()?,
            };
        }
        match members.get(RESOURCES_KEY) {
            None => {}
            Some(Value::Array(uris)) => {
                for uri in uris {
                    let uri = uri.as_str()?;
                    if !filter.resources.iter().any(|there| there == uri) {
                        filter.resources.push(uri.to_owned());
                    }
                }
            }
            Some(_) => return None,
        }
        Some(filter)
    }

    fn write(&self) -> Value {
        let mut members = Map::new();
        for (at, key) in LIST_KEYS.iter().enumerate() {
            if self.lists[at] {
                members.insert((*key).to_owned(), Value::Bool(true));
            }
        }
        if !self.resources.is_empty() {
            let uris = self.resources.iter().cloned().map(Value::String).collect();
            members.insert(RESOURCES_KEY.to_owned(), Value::Array(uris));
        }
        Value::Object(members)
    }
}

/// What a listen stream is made of.
#[derive(Debug)]
pub struct ListenParts {
    /// See [`Listen::id`].
    pub id: Id,
    /// See [`Listen::view`].
    pub view: Box<str>,
    /// See [`Listen::context`].
    pub context: CallContext,
    /// What is honoured of what the client asked for.
    pub filter: ListenFilter,
    /// See [`Listen::subscriptions`].
    pub subscriptions: Subscriptions,
    /// The way to the client.
    pub sink: Sink,
    /// The present digests.
    pub lists: Lists,
}

impl Listen {
    /// Makes a stream on which nothing was sent yet.
    pub fn new(parts: ListenParts) -> Arc<Self> {
        Arc::new(Self {
            number: super::next_number(),
            id: parts.id,
            view: parts.view,
            context: parts.context,
            filter: parts.filter,
            subscriptions: parts.subscriptions,
            sink: parts.sink,
            lists: Mutex::new(parts.lists),
            hears_log: AtomicBool::new(false),
        })
    }

    /// Lets it hear what the server of its endpoint logs; `false` if it did already.
    pub(super) fn hear_log(&self) -> bool {
        !self.hears_log.swap(true, Ordering::Relaxed)
    }

    /// Tells whether it does.
    pub(super) fn hears_log(&self) -> bool {
        self.hears_log.load(Ordering::Relaxed)
    }

    /// Returns whose it is.
    pub fn principal(&self) -> &Principal {
        &self.context.principal
    }

    /// Sends the acknowledgement: what is honoured.
    pub(super) fn acknowledge(&self) {
        let mut params = self.params();
        params.set("notifications", self.filter.write().to_string().into_bytes());
        let message = message::notification(method::SUBSCRIPTIONS_ACKNOWLEDGED, &params.finish());
        self.sink.begin(&[message]);
    }

    /// Passes a notification on under this stream's id; `false` when the client does not read.
    pub(super) fn tell(&self, notification: &Message) -> bool {
        let id = self.id.to_raw();
        self.send(meta::with_meta(notification, meta::SUBSCRIPTION_ID, Some(&id)))
    }

    /// Says that lists changed, those the client wants to hear of and that did.
    pub(super) fn announce(&self, lists: Lists) -> bool {
        let before = std::mem::replace(&mut *self.lists.lock(), lists);
        (0..lists.len()).filter(|at| self.filter.lists[*at] && before[*at] != lists[*at]).all(
            |at| {
                let params = self.params().finish();
                self.send(message::notification(super::announce::LIST_CHANGED[at], &params))
            },
        )
    }

    /// A pipe that is full for the moment does not end the stream.
    fn send(&self, message: Bytes) -> bool {
        self.sink.offer(message) || self.sink.is_pipe()
    }

    /// Says that the stream ends: by the result of the request, on a pipe after a cancellation.
    pub(super) fn conclude(&self) {
        if self.sink.is_pipe() {
            let id = self.id.to_raw();
            let mut params = empty();
            params.set("requestId", id);
            self.sink.offer(message::notification(method::CANCELLED, &params.finish()));
        }
        let mut result = self.params();
        result.set("resultType", json::quote("complete"));
        self.sink.offer(message::response(&self.id, &result.finish()));
    }

    /// An object with the `_meta` that every message of this stream carries.
    fn params(&self) -> ObjectEdit<'static> {
        let mut inner = empty();
        inner.set(meta::SUBSCRIPTION_ID, self.id.to_raw());
        let mut params = empty();
        params.nest("_meta", inner);
        params
    }
}

fn empty() -> ObjectEdit<'static> {
    ObjectEdit::read(b"{}").expect("`{}` is an object")
}

#[cfg(test)]
mod tests {
    use super::ListenFilter;

    #[test]
    fn a_filter_is_read_and_written() {
        let raw = br#"{"toolsListChanged":true,"promptsListChanged":false,
            "resourceSubscriptions":["a://1","a://2","a://1"],"later":{}}"#;
        let filter = ListenFilter::read(Some(raw)).unwrap();
        assert_eq!(filter.lists, [true, false, false]);
        let expected = r#"{"toolsListChanged":true,"resourceSubscriptions":["a://1","a://2"]}"#;
        assert_eq!(filter.write().to_string(), expected);
    }

    #[test]
    fn a_filter_of_another_form_is_refused() {
        for raw in ["[]", "1", r#"{"toolsListChanged":1}"#, r#"{"resourceSubscriptions":[1]}"#] {
            assert_eq!(ListenFilter::read(Some(raw.as_bytes())), None, "{raw}");
        }
        assert_eq!(ListenFilter::read(None), None);
    }
}
