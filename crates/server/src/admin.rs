//! How a command administers the gateway that runs on its data folder: HTTP on the folder's socket,
//! with the folder's admin token.
//!
//! The same routes as over the network, but a command finds them without knowing an address, and
//! where ports are blocked too. What a client would be told is asked by [`crate::reach`] instead.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use gantry_core::ErrorCode;
use gantry_protocol::sse::Parser;
use gantry_storage::{DataFolder, SecretError};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

use crate::compose::Options;
use crate::local;

/// No answer of a route is larger.
const LARGEST: usize = 64 << 20;

/// A way to the routes of a running gateway.
#[derive(Debug)]
pub struct Admin {
    sender: SendRequest<Full<Bytes>>,
    token: String,
}

/// A stream of events from a route.
#[derive(Debug)]
pub struct Events {
    body: Incoming,
    parser: Parser,
    /// Held, because the connection ends with it.
    _sender: SendRequest<Full<Bytes>>,
}

/// Why a gateway was not administered.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// There is none.
    #[error("no gateway runs on the data folder `{}`", folder.display())]
    NoGateway {
        /// The folder.
        folder: PathBuf,
    },
    /// The admin token is not there or cannot be read.
    #[error("cannot read the admin token of the data folder")]
    Token {
        /// Why; `None` if there is none.
        #[source]
        source: Option<SecretError>,
    },
    /// The connection broke.
    #[error("the conversation with the gateway broke off")]
    Broken {
        /// What happened to it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The gateway said no.
    #[error("{message}")]
    Refused {
        /// The status.
        status: StatusCode,
        /// What it said.
        message: String,
        /// The code of the cause, where it gave one.
        code: Option<ErrorCode>,
    },
    /// The answer is none.
    #[error("the gateway answered `{path}` with something else than JSON")]
    Unreadable {
        /// What was asked.
        path: String,
    },
}

impl AdminError {
    /// Returns the code of the cause, where there is one.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::NoGateway { .. } => Some(ErrorCode::NoGateway),
            Self::Token { .. } => Some(ErrorCode::DataFolderUnusable),
            Self::Broken { .. } => Some(ErrorCode::GatewayGone),
            Self::Refused { code, .. } => *code,
            Self::Unreadable { .. } => None,
        }
    }

    fn broken(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Broken { source: source.into() }
    }
}

impl Admin {
    /// Connects to the gateway that runs on the data folder.
    ///
    /// # Errors
    /// [`AdminError::NoGateway`] if none does.
    pub async fn open(options: &Options) -> Result<Self, AdminError> {
        options.start_command_log();
        Self::at(&options.data).await
    }

    /// The same, where the log runs already.
    pub(crate) async fn at(folder: &Path) -> Result<Self, AdminError> {
        let connected = local::connect_http(folder).await.map_err(AdminError::broken)?;
        let Some(ends) = connected else {
            return Err(AdminError::NoGateway { folder: folder.to_owned() });
        };
        let token = DataFolder::read_admin_token(folder)
            .map_err(|source| AdminError::Token { source: Some(source) })?
            .ok_or(AdminError::Token { source: None })?;
        let io = TokioIo::new(tokio::io::join(ends.reader, ends.writer));
        let (sender, connection) = http1::handshake(io).await.map_err(AdminError::broken)?;
        gantry_core::Tasks::new().spawn("admin-connection", async move {
            if let Err(error) = connection.await {
                gantry_core::log::debug!(%error, "The connection to the gateway ended early.");
            }
        });
        Ok(Self { sender, token })
    }

    /// Makes a request and returns what is answered, `null` for nothing.
    ///
    /// # Errors
    /// [`AdminError::Refused`] for every status that is no success.
    pub async fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, AdminError> {
        let answer = self.send(method, path, body).await?;
        let status = answer.status();
        let bytes = Limited::new(answer.into_body(), LARGEST)
            .collect()
            .await
            .map_err(AdminError::broken)?
            .to_bytes();
        let value = match &bytes[..] {
            [] => Value::Null,
            text => serde_json::from_slice(text)
                .map_err(|_| AdminError::Unreadable { path: path.to_owned() })?,
        };
        if status.is_success() { Ok(value) } else { Err(refused(status, &value)) }
    }

    /// Makes a request that reads.
    ///
    /// # Errors
    /// As for [`Self::ask`].
    pub async fn get(&mut self, path: &str) -> Result<Value, AdminError> {
        self.ask(Method::GET, path, None).await
    }

    /// Makes a request that changes something and says no more than its path.
    ///
    /// # Errors
    /// As for [`Self::ask`].
    pub async fn post(&mut self, path: &str) -> Result<Value, AdminError> {
        self.ask(Method::POST, path, Some(&json!({}))).await
    }

    /// Makes a request that says what it wants.
    ///
    /// # Errors
    /// As for [`Self::ask`].
    pub async fn post_json(&mut self, path: &str, body: &Value) -> Result<Value, AdminError> {
        self.ask(Method::POST, path, Some(body)).await
    }

    /// Opens a stream of events.
    ///
    /// # Errors
    /// As for [`Self::ask`].
    pub async fn events(mut self, path: &str) -> Result<Events, AdminError> {
        let answer = self.send(Method::GET, path, None).await?;
        if !answer.status().is_success() {
            let status = answer.status();
            let body = answer.into_body().collect().await.map_err(AdminError::broken)?.to_bytes();
            return Err(refused(status, &serde_json::from_slice(&body).unwrap_or_default()));
        }
        Ok(Events { body: answer.into_body(), parser: Parser::new(LARGEST), _sender: self.sender })
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<http::Response<Incoming>, AdminError> {
        let bytes = body.map(Value::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "localhost")
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .header(ACCEPT, "application/json, text/event-stream")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(bytes)))
            .map_err(AdminError::broken)?;
        self.sender.ready().await.map_err(AdminError::broken)?;
        self.sender.send_request(request).await.map_err(AdminError::broken)
    }
}

impl Events {
    /// Returns the data of the next event; `None` at the end of the stream.
    ///
    /// Cancel safe: an event is returned or still there.
    ///
    /// # Errors
    /// [`AdminError::Broken`] if the stream was cut off.
    pub async fn next(&mut self) -> Result<Option<Bytes>, AdminError> {
        loop {
            for event in self.parser.by_ref() {
                let event = event.map_err(AdminError::broken)?;
                if !event.data.is_empty() {
                    return Ok(Some(event.data));
                }
            }
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            if let Ok(piece) = frame.map_err(AdminError::broken)?.into_data() {
                self.parser.push(&piece);
            }
        }
    }
}

fn refused(status: StatusCode, body: &Value) -> AdminError {
    let error = &body["error"];
    let message = error["message"].as_str().map_or_else(|| status.to_string(), str::to_owned);
    // A code of its own stands in `code`, or beside a word for programs in `details`.
    let code = [&error["code"], &error["details"]["code"]];
    let code = code.into_iter().filter_map(Value::as_str).find_map(ErrorCode::find);
    AdminError::Refused { status, message, code }
}
