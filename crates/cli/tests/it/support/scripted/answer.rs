//! What a scripted upstream answers.

use std::{fmt, pin::Pin, sync::Arc};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{
    body::{Frame, event},
    log::Seen,
    state::State,
};
use crate::support::wait::soon;

type Talking = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// What is answered to one request.
pub(crate) enum Answer {
    /// A result. From a modern server it gets `resultType: complete`, and where they are
    /// required `ttlMs` and `cacheScope`, unless it has them.
    Result(Value),
    /// A result, to the byte.
    RawResult(String),
    /// A JSON-RPC error, with the HTTP status that the era asks for.
    Error { code: i64, message: String, data: Option<Value> },
    /// An HTTP response.
    Status { status: u16, headers: Vec<(&'static str, String)>, body: String },
    /// Messages on an event stream, then the answer.
    Stream(Vec<Value>, Box<Self>),
    /// An event stream on which the handler says what it likes; see [`Answer::talk`].
    Talk(Box<dyn FnOnce(Talk) -> Talking + Send>),
    /// None, until the client goes away.
    Hang,
    /// None: the connection is reset; on an event stream it ends in the middle.
    Reset,
    /// What the server would answer if it were not scripted.
    Default,
}

impl Answer {
    /// The result of a tool: one block of text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Result(json!({ "content": [{ "type": "text", "text": text.into() }] }))
    }

    /// A JSON-RPC error.
    pub(crate) fn error(code: i64, message: &str) -> Self {
        Self::Error { code, message: message.to_owned(), data: None }
    }

    /// A JSON-RPC error with data.
    pub(crate) fn error_with(code: i64, message: &str, data: Value) -> Self {
        Self::Error { code, message: message.to_owned(), data: Some(data) }
    }

    /// An empty HTTP response.
    pub(crate) fn status(status: u16) -> Self {
        Self::Status { status, headers: Vec::new(), body: String::new() }
    }

    /// An HTTP response with a body.
    pub(crate) fn body(status: u16, media: &str, body: impl Into<String>) -> Self {
        let headers = vec![("content-type", media.to_owned())];
        Self::Status { status, headers, body: body.into() }
    }

    /// An HTTP response whose body is a JSON-RPC error with the request's id.
    pub(crate) fn refused(status: u16, seen: &Seen, code: i64, message: &str) -> Self {
        let error = json!({ "code": code, "message": message });
        let body = json!({ "jsonrpc": "2.0", "id": seen.id(), "error": error });
        Self::body(status, "application/json", body.to_string())
    }

    /// An event stream: `talk` says and asks what it likes, and what it returns ends the stream.
    /// It is dropped when the client goes away.
    pub(crate) fn talk<F>(talk: impl FnOnce(Talk) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Self> + Send + 'static,
    {
        Self::Talk(Box::new(move |way| Box::pin(talk(way))))
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Result(_) => "Result",
            Self::RawResult(_) => "RawResult",
            Self::Error { .. } => "Error",
            Self::Status { .. } => "Status",
            Self::Stream(..) => "Stream",
            Self::Talk(_) => "Talk",
            Self::Hang => "Hang",
            Self::Reset => "Reset",
            Self::Default => "Default",
        })
    }
}

/// The event stream of one request.
#[derive(Debug)]
pub(crate) struct Talk {
    /// The request.
    pub(crate) seen: Arc<Seen>,
    pub(super) state: Arc<State>,
    pub(super) way: mpsc::Sender<Frame>,
}

impl Talk {
    /// Says something.
    pub(crate) async fn notify(&self, method: &str, params: Value) {
        self.send(json!({ "jsonrpc": "2.0", "method": method, "params": params })).await;
    }

    /// Tells progress, if the request has a token.
    pub(crate) async fn progress(&self, progress: f64) {
        let token = &self.seen.meta()["progressToken"];
        if !token.is_null() {
            let params = json!({ "progressToken": token, "progress": progress });
            self.notify("notifications/progress", params).await;
        }
    }

    /// Asks the client, as a legacy server may; returns the whole message that answers.
    pub(crate) async fn ask(&self, method: &str, params: Value) -> Value {
        let (id, answer) = self.state.expect_answer();
        self.send(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
        soon(&format!("an answer to `{method}`"), answer).await.unwrap_or_default()
    }

    /// Sends any message.
    pub(crate) async fn send(&self, message: Value) {
        self.raw(event(&message.to_string())).await;
    }

    /// Sends any bytes.
    pub(crate) async fn raw(&self, bytes: impl Into<bytes::Bytes>) {
        // That nobody listens any more ends this by itself.
        let _ = self.way.send(Ok(bytes.into())).await;
    }
}
