//! An upstream by HTTP+SSE, the transport of revision 2024-11-05: everything it says comes on one
//! event stream, and what it is told is posted to an address that the stream begins with.
//!
//! A [`SseLink`] owns the stream, which is the session: when it ends, so does the session, and there
//! is nothing to resume. The address must be of the origin that was configured, since the configured
//! headers, credentials among them, go there too.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gantry_core::Tasks;
use http::StatusCode;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::conversation::{Answer, AnswerTooLarge, Conversation, Heard, Inbound};
use super::http::{EventStream, HttpError, HttpUpstream, McpHeaders, StreamError};

/// Answers to `ping` that may be on their way at once; more pings get none.
const PONGS: usize = 4;

/// An open conversation by HTTP+SSE.
#[derive(Debug)]
pub struct SseLink {
    conversation: Conversation,
    /// Where messages are posted.
    mailbox: HttpUpstream,
    closing: CancellationToken,
    closed: CancellationToken,
    /// How the stream ended.
    end: Mutex<Option<String>>,
    pongs: Arc<Semaphore>,
    tasks: Tasks,
}

/// Why there is no conversation.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The stream was not opened.
    #[error("no event stream was opened")]
    Stream {
        /// The reason.
        #[source]
        source: HttpError,
    },
    /// The stream does not begin with the address for messages: it is of another kind.
    #[error("the event stream does not begin with the event `endpoint`")]
    NoEndpoint,
    /// Nothing came on the stream in time.
    #[error("nothing came on the event stream within {limit:?}")]
    Silent {
        /// How long it was waited for.
        limit: Duration,
    },
    /// The address is of another origin, or is none.
    #[error("the event `endpoint` names an address that is not of the server's own origin")]
    Foreign,
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// It could not be posted.
    #[error("the message could not be posted")]
    Http {
        /// The reason.
        #[source]
        source: HttpError,
    },
    /// It was refused.
    #[error("the message was refused with HTTP status {status}")]
    Refused {
        /// 404 and 410 mean that the session is unknown.
        status: StatusCode,
    },
}

impl SseLink {
    /// Opens the stream and waits for the address for messages, at most `limit` each. The link ends
    /// when [`SseLink::close`] is called, when the guard is dropped, or with the process.
    pub async fn open(
        name: &str,
        upstream: &HttpUpstream,
        limit: Duration,
        tasks: &Tasks,
    ) -> Result<(Arc<Self>, DropGuard), OpenError> {
        let opened = upstream.open_stream(&McpHeaders::default(), None, Some(limit)).await;
        let mut stream = opened.map_err(|source| OpenError::Stream { source })?;
        stream.tell_at_end();
        let first = tokio::time::timeout(limit, stream.next()).await;
        let first = first.map_err(|_| OpenError::Silent { limit })?;
        let Ok(Some(first)) = first else { return Err(OpenError::NoEndpoint) };
        if first.event.as_deref() != Some("endpoint") {
            return Err(OpenError::NoEndpoint);
        }
        let address = str::from_utf8(&first.data).map_err(|_| OpenError::Foreign)?;
        let mailbox = upstream.at(address.trim()).ok_or(OpenError::Foreign)?;
        let closing = tasks.stopping().child_token();
        let guard = closing.clone().drop_guard();
        let link = Arc::new(Self {
            conversation: Conversation::new(name),
            mailbox,
            closing,
            closed: CancellationToken::new(),
            end: Mutex::new(None),
            pongs: Arc::new(Semaphore::new(PONGS)),
            tasks: tasks.clone(),
        });
        tasks.spawn("sse-reader", Arc::clone(&link).run(stream));
        Ok((link, guard))
    }

    /// Says who receives what answers no request. What came before is lost.
    pub fn attach(&self, inbound: Arc<dyn Inbound>) {
        self.conversation.attach(inbound);
    }

    /// Announces a request: its answer will come out of the receiver, which fails when the stream
    /// ends first. To be called before the request is sent.
    pub fn expect(&self, id: u64) -> oneshot::Receiver<Answer> {
        let receiver = self.conversation.expect(id);
        if self.closed.is_cancelled() {
            self.conversation.forget(id);
        }
        receiver
    }

    /// Gives up waiting for an answer.
    pub fn forget(&self, id: u64) {
        self.conversation.forget(id);
    }

    /// Posts a message, and returns when it was accepted. Some upstreams accept a request only when
    /// it is answered: do not wait for this one before the other, and give no limit then.
    ///
    /// Cancel safe: dropped before it returns, the message may have been taken or not.
    pub async fn send(&self, message: Bytes, limit: Option<Duration>) -> Result<(), SendError> {
        let posted = self.mailbox.post(message, &McpHeaders::default(), limit).await;
        let posted = posted.map_err(|source| SendError::Http { source })?;
        if posted.status.is_success() {
            return Ok(());
        }
        Err(SendError::Refused { status: posted.status })
    }

    /// Ends the session, without waiting for it.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// Resolves when the stream is over.
    pub async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// Tells whether the stream is over.
    pub fn is_closed(&self) -> bool {
        self.closed.is_cancelled()
    }

    /// Returns how the stream ended.
    pub fn why(&self) -> String {
        self.end.lock().clone().unwrap_or_else(|| "the session is ending".to_owned())
    }

    async fn run(self: Arc<Self>, mut stream: Box<EventStream>) {
        let why = loop {
            let event = tokio::select! {
                () = self.closing.cancelled() => break "the session was closed".to_owned(),
                event = stream.next() => event,
            };
            match event {
                Ok(Some(event)) if matches!(event.event.as_deref(), None | Some("message")) => {
                    self.hear(&event.data);
                }
                // Other events are not of this protocol.
                Ok(Some(_)) => {}
                Ok(None) => break "the upstream ended the event stream".to_owned(),
                Err(StreamError::TooLarge { limit }) => {
                    let (head, tail) = stream.skipped();
                    self.conversation.overflow(AnswerTooLarge::Event { limit }, head, tail);
                    let name = self.conversation.name();
                    gantry_core::log::warn!(upstream = %name, limit, "An event is too large and is left out.");
                }
                Err(error) => break gantry_core::chain(&error),
            }
        };
        *self.end.lock() = Some(why);
        self.closed.cancel();
        self.conversation.end();
    }

    fn hear(self: &Arc<Self>, data: &Bytes) {
        for heard in self.conversation.hear(data) {
            match heard {
                Heard::Done => {}
                Heard::Reply(reply) => self.answer_ping(reply),
                Heard::Rubbish(error) => {
                    let name = self.conversation.name();
                    gantry_core::log::warn!(upstream = %name, error, "An event is no message.");
                }
            }
        }
    }

    /// Answers without holding up who reads.
    fn answer_ping(self: &Arc<Self>, reply: Bytes) {
        let Ok(turn) = Arc::clone(&self.pongs).try_acquire_owned() else { return };
        let link = Arc::clone(self);
        self.tasks.spawn_until_stop("sse-pong", async move {
            tokio::select! {
                // A session that takes no answers will be noticed by its next call.
                _ = link.send(reply, None) => {}
                () = link.closed() => {}
            }
            drop(turn);
        });
    }
}
