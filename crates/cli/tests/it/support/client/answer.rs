//! What comes back: whole, or piece by piece.

use std::{collections::VecDeque, fmt};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{HeaderMap, body::Incoming};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Client, connection::Connected};
use crate::support::wait::soon;

/// An answer that was read to its end.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The bytes of a body that is no event stream.
    pub(crate) body: Bytes,
    /// What came on an event stream before the response, in order.
    pub(crate) messages: Vec<Value>,
    /// The response (of a batch: an array); null if there is none.
    pub(crate) message: Value,
    /// The response to the byte.
    pub(crate) raw: Bytes,
}

impl Reply {
    /// The result.
    #[track_caller]
    pub(crate) fn result(&self) -> &Value {
        assert!(self.message["result"].is_object(), "no result: {self:?}");
        &self.message["result"]
    }

    /// The JSON-RPC error.
    #[track_caller]
    pub(crate) fn error(&self) -> &Value {
        assert!(self.message["error"].is_object(), "no error: {self:?}");
        &self.message["error"]
    }

    /// The code of the JSON-RPC error.
    #[track_caller]
    pub(crate) fn code(&self) -> i64 {
        self.error()["code"].as_i64().expect("a code is a number")
    }

    /// The HTTP status and the code of the JSON-RPC error.
    #[track_caller]
    pub(crate) fn refusal(&self) -> (u16, i64) {
        (self.status, self.code())
    }

    /// The text of the first block of a tool's result.
    #[track_caller]
    pub(crate) fn text(&self) -> &str {
        let text = self.result()["content"][0]["text"].as_str();
        text.unwrap_or_else(|| panic!("no text: {self:?}"))
    }

    /// Whether a tool says that it failed.
    #[track_caller]
    pub(crate) fn is_error(&self) -> bool {
        self.result()["isError"] == Value::Bool(true)
    }

    /// One header; the name is lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("headers of MCP are ASCII"))
    }

    /// `Mcp-Session-Id`.
    pub(crate) fn session(&self) -> Option<&str> {
        self.header("mcp-session-id")
    }

    /// The notifications of one method that came before the response.
    pub(crate) fn notifications(&self, method: &str) -> Vec<&Value> {
        self.messages.iter().filter(|message| message["method"] == method).collect()
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "HTTP {} {:?}", self.status, self.headers)?;
        for message in &self.messages {
            write!(formatter, "\n  before: {message}")?;
        }
        write!(formatter, "\n  {}", self.message)?;
        if self.message.is_null() {
            write!(formatter, " {}", String::from_utf8_lossy(&self.body))?;
        }
        Ok(())
    }
}

/// An answer that is read as it comes; dropping it closes its connection.
pub(crate) struct Open {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    body: Incoming,
    client: Client,
    buffer: Vec<u8>,
    events: VecDeque<Event>,
    over: bool,
    _connection: JoinSet<()>,
}

/// One event of a stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) retry: Option<String>,
    pub(crate) data: String,
    /// Whether it is a comment, and nothing else.
    pub(crate) comment: bool,
}

impl Open {
    pub(super) fn new(Connected { response, connection }: Connected, client: Client) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
            client,
            buffer: Vec::new(),
            events: VecDeque::new(),
            over: false,
            _connection: connection,
        }
    }

    /// Whether it is an event stream.
    pub(crate) fn is_stream(&self) -> bool {
        self.headers.get("content-type").is_some_and(|media| media == "text/event-stream")
    }

    /// The next event, comments included; `None` at the end of the stream.
    #[track_caller]
    pub(crate) fn next_event(&mut self) -> impl Future<Output = Option<Event>> {
        let what = format!("an event after HTTP {} {:?}", self.status, self.headers);
        soon(&what, async {
            loop {
                if let Some(event) = self.events.pop_front() {
                    return Some(event);
                }
                if self.over {
                    return None;
                }
                self.read().await;
            }
        })
    }

    /// The next event that holds a message, as JSON; `None` at the end of the stream.
    pub(crate) async fn next_or_end(&mut self) -> Option<Value> {
        loop {
            let event = self.next_event().await?;
            if !event.data.is_empty() {
                let message = serde_json::from_str(&event.data);
                return Some(message.unwrap_or_else(|_| panic!("no message: {event:?}")));
            }
        }
    }

    /// The next message.
    ///
    /// # Panics
    ///
    /// If the stream ends before it.
    pub(crate) async fn next_message(&mut self) -> Value {
        self.next_or_end().await.expect("the stream ended before the next message")
    }

    /// Reads what is there right now; used to show that nothing more came.
    pub(crate) async fn messages_within(&mut self, time: std::time::Duration) -> Vec<Value> {
        let mut messages = Vec::new();
        let reading = async {
            while let Some(message) = self.next_or_end().await {
                messages.push(message);
            }
        };
        let _ = tokio::time::timeout(time, reading).await;
        messages
    }

    /// Reads to the response. Requests of the server on the way are answered as the client was told,
    /// or refused.
    pub(crate) async fn finish(mut self) -> Reply {
        let mut messages = Vec::new();
        let mut raw = Bytes::new();
        let mut message = Value::Null;
        if self.is_stream() {
            while let Some(event) = self.next_event().await {
                if event.data.is_empty() {
                    continue;
                }
                let next: Value = serde_json::from_str(&event.data).unwrap_or_default();
                if next["method"].is_null() {
                    raw = event.data.into_bytes().into();
                    message = next;
                    break;
                }
                if !next["id"].is_null() {
                    self.answer(&next).await;
                }
                messages.push(next);
            }
        } else {
            while !self.over {
                soon("the rest of a body", self.read()).await;
            }
            raw = self.buffer.clone().into();
            message = serde_json::from_slice(&raw).unwrap_or_default();
        }
        let body = if self.is_stream() { Bytes::new() } else { raw.clone() };
        Reply { status: self.status, headers: self.headers, body, messages, message, raw }
    }

    async fn answer(&self, request: &Value) {
        let answer = match &self.client.answerer {
            Some(answerer) => answerer(request),
            None => json!({ "error": { "code": -32601, "message": "not supported" } }),
        };
        // Boxed, because an answer is a request, whose answer is read in the same way.
        let reply = Box::pin(self.client.answer(request, answer)).await;
        assert_eq!(reply.status, 202, "an answer was refused: {reply:?}");
    }

    /// Reads one piece, and the events that it completes.
    async fn read(&mut self) {
        match self.body.frame().await {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.buffer.extend_from_slice(data);
                }
            }
            // A stream that breaks ends, as far as a client can tell.
            Some(Err(_)) | None => self.over = true,
        }
        if self.is_stream() {
            while let Some(at) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let rest = self.buffer.split_off(at + 2);
                let event = std::mem::replace(&mut self.buffer, rest);
                self.events.push_back(Event::read(&String::from_utf8_lossy(&event)));
            }
        }
    }
}

impl fmt::Debug for Open {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "HTTP {} {:?}", self.status, self.headers)
    }
}

impl Event {
    /// Reads the lines of one event. The gateway ends lines by a line feed alone.
    fn read(text: &str) -> Self {
        let mut event = Self { comment: true, ..Self::default() };
        let mut data: Vec<&str> = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with(':')) {
            event.comment = false;
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "id" => event.id = Some(value.to_owned()),
                "event" => event.name = Some(value.to_owned()),
                "retry" => event.retry = Some(value.to_owned()),
                "data" => data.push(value),
                _ => {}
            }
        }
        event.data = data.join("\n");
        event
    }
}
