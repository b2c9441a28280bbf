//! A question to a legacy client: a request in the other direction, and the wait for its answer.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gantry_core::seal::random;
use gantry_protocol::{Id, Message, RpcError, message, method};
use tokio::sync::oneshot;

use super::session::Session;

/// How long a question waits for the client to open a stream on which it can be sent.
const STREAM_WAIT: Duration = Duration::from_secs(30);

/// A way on which a question was sent, to take it back there.
pub trait Way: Send + Sync + Debug {
    /// Sends a message if that is possible now.
    fn offer(&self, message: Bytes) -> bool;
}

/// A question under way. Dropped without an answer, it is taken back at the client.
#[derive(Debug)]
pub struct Question {
    session: Arc<Session>,
    id: Box<str>,
    way: Arc<dyn Way>,
    answer: oneshot::Receiver<Message>,
}

impl Question {
    /// Registers a question; also returns the request under an id of our own, which nobody can
    /// guess and which means something in this session only.
    pub fn new(
        session: &Arc<Session>,
        way: Arc<dyn Way>,
        request: &Message,
    ) -> Result<(Self, Bytes), RpcError> {
        let random = random::<16>()
            .map_err(|_| RpcError::internal("internal", "the gateway has no randomness"))?;
        let id: Box<str> = format!("gantry-{:032x}", u128::from_be_bytes(random)).into();
        let (sender, answer) = oneshot::channel();
        if !session.open_question(&id, sender) {
            let text = "the client has too many open questions, or ended its session";
            return Err(RpcError::internal("overloaded", text));
        }
        let bytes = request.with_id(&Id::String(id.clone()));
        Ok((Self { session: Arc::clone(session), id, way, answer }, bytes))
    }

    /// Waits for the client's answer: a response or an error.
    ///
    /// Cancel safe.
    pub async fn answered(&mut self) -> Result<Message, RpcError> {
        (&mut self.answer).await.map_err(|_| gone())
    }

    /// Sends the question on the session's standalone stream and waits for the answer.
    pub async fn ask_standalone(
        session: &Arc<Session>,
        request: &Message,
    ) -> Result<Message, RpcError> {
        let way = Arc::new(Standalone(Arc::clone(session)));
        let (mut question, bytes) = Self::new(session, way, request)?;
        if !session.put_question(&question.id, bytes) {
            return Err(gone());
        }
        tokio::select! {
            biased;
            answer = question.answered() => return answer,
            () = tokio::time::sleep(STREAM_WAIT) => {}
        }
        if session.keeps_question(&question.id) {
            return Err(gone());
        }
        question.answered().await
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        if self.session.close_question(&self.id) {
            let id = String::from_utf8(Id::String(self.id.clone()).to_raw()).unwrap_or_default();
            let params = format!(r#"{{"requestId":{id},"reason":"no longer needed"}}"#);
            self.way.offer(message::notification(method::CANCELLED, params.as_bytes()));
        }
    }
}

/// The standalone stream as a way.
#[derive(Debug)]
struct Standalone(Arc<Session>);

impl Way for Standalone {
    fn offer(&self, message: Bytes) -> bool {
        self.0.tell_now(&message)
    }
}

/// The client cannot be asked.
pub fn gone() -> RpcError {
    RpcError::internal("client_gone", "the client has no stream open on which it could be asked")
}
