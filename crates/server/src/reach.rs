//! How a command reaches a gateway: the running one of its data folder, or one made for the
//! command; and the few requests that commands make.
//!
//! A command is a client like any other: it speaks the modern revision in lines, and what it shows
//! is what any client would be told.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gantry_core::{ErrorCode, Principal, Tasks};
use gantry_gateway::Gateway;
use gantry_protocol::message::{self, Kind};
use gantry_protocol::{Id, Message, Revision, RpcError, meta, method};
use serde_json::{Map, Value, json};
use tokio::io::BufReader;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _,
};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::accept;
use crate::compose::{self, Options};
use crate::local::{self, Ends};
use crate::start_error::StartError;

/// A command waits this long for upstreams that have to be started first: a package may have to be
/// fetched for that.
const FIRST_OFFER_WAIT: Duration = Duration::from_mins(1);
/// How long a command waits for its upstreams to end.
const FAREWELL: Duration = Duration::from_millis(200);
/// A longer line is no answer of a gateway.
const LONGEST_LINE: u64 = 1 << 30;
/// Pages of one list; more would mean that the list never ends.
const MOST_PAGES: usize = 10_000;
const BUFFER: usize = 64 * 1024;

/// A gateway that can be asked.
#[derive(Debug)]
pub struct Reach {
    kind: Whose,
    /// Takes back what is being asked.
    interrupt: CancellationToken,
}

#[derive(Debug)]
enum Whose {
    Running { folder: PathBuf },
    Own { gateway: Arc<Gateway>, tasks: Tasks },
}

/// One conversation with a gateway.
pub struct Conversation {
    reader: BufReader<Box<dyn AsyncRead + Send + Unpin>>,
    writer: Box<dyn AsyncWrite + Send + Unpin>,
    next_id: u64,
    interrupt: CancellationToken,
}

/// Why a gateway did not answer as asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The connection broke.
    #[error("the conversation with the gateway broke off")]
    Broken {
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The gateway answered with an error.
    #[error("{}", error.message)]
    Refused {
        /// As it came.
        error: RpcError,
    },
    /// It was taken back.
    #[error("interrupted")]
    Interrupted,
    /// The answer is none.
    #[error("the gateway answered `{method}` with something else than a result")]
    Unreadable {
        /// What was asked.
        method: String,
    },
}

impl AskError {
    /// Returns the code of the cause, where the gateway gave one.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Broken { .. } => Some(ErrorCode::GatewayGone),
            Self::Refused { error } => ErrorCode::find(error.data.as_ref()?.get("code")?.as_str()?),
            Self::Interrupted | Self::Unreadable { .. } => None,
        }
    }
}

/// What commands hold their conversations on: one after another, and what goes on between them.
#[derive(Debug)]
pub struct Ground {
    /// `None` while it is dropped.
    runtime: Option<Runtime>,
}

impl Ground {
    /// Makes it.
    pub fn new() -> Result<Self, StartError> {
        let runtime = accept::runtime().map_err(|source| StartError::Runtime { source })?;
        Ok(Self { runtime: Some(runtime) })
    }

    /// Runs a conversation to its end.
    pub fn run<T>(&self, conversation: impl Future<Output = T>) -> T {
        // Invariant: only `drop` takes it away.
        self.runtime.as_ref().expect("a runtime until the end").block_on(conversation)
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A thread may still wait for something that never comes.
            runtime.shutdown_background();
        }
    }
}

impl Reach {
    /// Finds the gateway that runs on the data folder, or makes one in this process: without a
    /// listener, without a lock, keeping nothing.
    pub async fn open(options: &Options) -> Result<Self, StartError> {
        options.start_command_log();
        match local::connect(&options.data, "").await {
            Ok(Some(_)) => {
                let kind = Whose::Running { folder: options.data.clone() };
                return Ok(Self { kind, interrupt: CancellationToken::new() });
            }
            Ok(None) => {}
            Err(error) => {
                gantry_core::log::warn!(%error, "The running gateway cannot be reached; another one is made.");
            }
        }
        let mut config = options.config()?;
        let wait = &mut config.gateway.first_offer_wait;
        *wait = (*wait).max(FIRST_OFFER_WAIT);
        let tasks = Tasks::new();
        let gateway = compose::in_memory(&config, &options.env, &tasks).await?;
        let kind = Whose::Own { gateway, tasks };
        Ok(Self { kind, interrupt: CancellationToken::new() })
    }

    /// Returns what takes back the question under way in every conversation begun before.
    pub fn interrupt(&self) -> CancellationToken {
        self.interrupt.clone()
    }

    /// Lets new conversations ask again after an interruption.
    pub fn resume(&mut self) {
        self.interrupt = CancellationToken::new();
    }

    /// Tells whether the gateway was made for the command, and so has just begun.
    pub fn is_own(&self) -> bool {
        matches!(self.kind, Whose::Own { .. })
    }

    /// Begins a conversation on an endpoint: the name of a server or view, empty for everything.
    pub async fn converse(&self, view: &str) -> Result<Conversation, AskError> {
        let ends = match &self.kind {
            Whose::Running { folder } => local::connect(folder, view)
                .await
                .and_then(|ends| ends.ok_or_else(|| io::ErrorKind::NotConnected.into()))
                .map_err(|source| AskError::Broken { source })?,
            Whose::Own { gateway, tasks } => {
                let (ours, theirs) = tokio::io::duplex(BUFFER);
                let (gateway, view) = (Arc::clone(gateway), Box::from(view));
                tasks.spawn("conversation", async move {
                    let (reader, writer) = tokio::io::split(theirs);
                    let principal = Arc::new(Principal::local());
                    Box::pin(gateway.serve_stream(reader, writer, principal, view)).await;
                });
                let (reader, writer) = tokio::io::split(ours);
                Ends { reader: Box::new(reader), writer: Box::new(writer) }
            }
        };
        let reader = BufReader::with_capacity(BUFFER, ends.reader);
        let interrupt = self.interrupt.clone();
        Ok(Conversation { reader, writer: ends.writer, next_id: 1, interrupt })
    }

    /// Ends a gateway that was made for the command, with its upstreams.
    pub async fn close(self) {
        if let Whose::Own { gateway, .. } = self.kind {
            // Whoever takes longer is ended by its shim, which outlives this process.
            gateway.shut_down(FAREWELL).await;
        }
    }
}

impl Conversation {
    /// Makes a request and returns its result.
    pub async fn ask(
        &mut self,
        method: &str,
        mut params: Map<String, Value>,
    ) -> Result<Value, AskError> {
        params.insert("_meta".to_owned(), envelope());
        let id = Id::from(self.next_id);
        self.next_id += 1;
        let params = Value::Object(params).to_string();
        let request = message::request(&id, method, params.as_bytes());
        self.exchange(&id, method, &request).await
    }

    /// Returns every entry of a list, page after page.
    pub async fn list(&mut self, method: &str, key: &str) -> Result<Vec<Value>, AskError> {
        let mut entries = Vec::new();
        let mut cursor: Option<Value> = None;
        for _ in 0..MOST_PAGES {
            let params = cursor.take().map(|cursor| ("cursor".to_owned(), cursor));
            let mut page = self.ask(method, params.into_iter().collect()).await?;
            if let Value::Array(items) = page[key].take() {
                entries.extend(items);
            }
            cursor = page.get("nextCursor").filter(|next| next.is_string()).cloned();
            if cursor.is_none() {
                return Ok(entries);
            }
        }
        Err(AskError::Unreadable { method: method.to_owned() })
    }

    async fn exchange(&mut self, id: &Id, method: &str, request: &[u8]) -> Result<Value, AskError> {
        let broken = |source| AskError::Broken { source };
        self.writer.write_all(request).await.map_err(broken)?;
        self.writer.write_all(b"\n").await.map_err(broken)?;
        self.writer.flush().await.map_err(broken)?;
        let interrupt = self.interrupt.clone();
        loop {
            let next = tokio::select! {
                next = self.next(method) => Some(next),
                () = interrupt.cancelled() => None,
            };
            let Some(message) = next.transpose()? else { return self.take_back(id).await };
            // Notifications come in between; a command shows the end alone.
            if message.id() != Some(id) {
                continue;
            }
            return match message.kind() {
                Kind::Response => serde_json::from_slice(message.result().unwrap_or(b"null"))
                    .map_err(|_| AskError::Unreadable { method: method.to_owned() }),
                Kind::Error => {
                    let error = message.rpc_error();
                    Err(error.map_or_else(
                        || AskError::Unreadable { method: method.to_owned() },
                        |error| AskError::Refused { error },
                    ))
                }
                Kind::Request | Kind::Notification => continue,
            };
        }
    }

    /// Says that nobody waits for an answer any more. Without that, what was asked is carried out.
    async fn take_back(&mut self, id: &Id) -> Result<Value, AskError> {
        let params = format!("{{\"requestId\":{id},\"reason\":\"interrupted\"}}");
        let mut cancelled = message::notification(method::CANCELLED, params.as_bytes()).to_vec();
        cancelled.push(b'\n');
        let broken = |source| AskError::Broken { source };
        self.writer.write_all(&cancelled).await.map_err(broken)?;
        self.writer.flush().await.map_err(broken)?;
        Err(AskError::Interrupted)
    }

    async fn next(&mut self, method: &str) -> Result<Message, AskError> {
        let mut line = Vec::new();
        let read = (&mut self.reader).take(LONGEST_LINE).read_until(b'\n', &mut line).await;
        match read {
            Ok(0) => {
                let source = io::Error::from(io::ErrorKind::UnexpectedEof);
                Err(AskError::Broken { source })
            }
            Ok(_) => Message::parse(Bytes::from(line))
                .map_err(|_| AskError::Unreadable { method: method.to_owned() }),
            Err(source) => Err(AskError::Broken { source }),
        }
    }
}

impl std::fmt::Debug for Conversation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Conversation")
            .field("next_id", &self.next_id)
            .finish_non_exhaustive()
    }
}

/// What makes a request modern. A command declares nothing: it has nobody to ask back.
fn envelope() -> Value {
    json!({
        meta::PROTOCOL_VERSION: Revision::LATEST_MODERN.as_str(),
        meta::CLIENT_CAPABILITIES: {},
        meta::CLIENT_INFO: { "name": "gantry", "version": env!("CARGO_PKG_VERSION") },
    })
}
