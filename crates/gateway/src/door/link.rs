//! The way from a running call back to the client that made it.

use std::sync::Arc;

use bytes::Bytes;
use gantry_core::{BoxFuture, ClientLink};
use gantry_protocol::{Message, RpcError, code, meta, method};
use tokio_util::sync::CancellationToken;

use super::exchange::Exchange;
use crate::governance::traffic::Traffic;
use crate::hub::{Level, Question, Session, gone};
use crate::metrics::Metrics;

/// The link of one call.
#[derive(Debug)]
pub(super) struct CallLink {
    pub(super) exchange: Arc<Exchange>,
    /// The raw token under which the caller wants to hear of progress.
    pub(super) token: Option<Bytes>,
    pub(super) client: Client,
    /// Fires when the call is over, for whatever reason: then nothing is asked any more.
    pub(super) over: CancellationToken,
    pub(super) metrics: Arc<Metrics>,
}

/// Who is at the other end.
#[derive(Debug)]
pub(super) enum Client {
    /// A modern one; the level of log messages it asked for with this request.
    Modern { level: Option<Level> },
    /// A legacy one, and what counts the requests by which it answers.
    Legacy { session: Arc<Session>, traffic: Arc<Traffic> },
}

/// Returns the raw progress token of a request.
pub(super) fn token_of(message: &Message) -> Option<Bytes> {
    message.progress_token().map(|raw| message.bytes().slice_ref(raw))
}

impl CallLink {
    fn wants_log(&self, log: &Message) -> bool {
        match &self.client {
            // A modern client that names no level gets no log messages at all.
            Client::Modern { level } => level.is_some_and(|level| level.admits(log)),
            Client::Legacy { session, .. } => session.level().is_none_or(|level| level.admits(log)),
        }
    }

    /// Returns what this client hears of a notification; `None` when it hears nothing.
    fn heard(&self, notification: &Message) -> Option<Bytes> {
        let bytes = || notification.bytes().clone();
        match notification.method() {
            method::PROGRESS => {
                let token = self.token.as_ref()?;
                Some(meta::with_param(notification, "progressToken", token))
            }
            method::MESSAGE => self.wants_log(notification).then(bytes),
            // A question that is taken back is cancelled by its own id.
            method::CANCELLED => None,
            // Modern clients hear of these on a listen stream, or not at all.
            method::TOOLS_LIST_CHANGED
            | method::PROMPTS_LIST_CHANGED
            | method::RESOURCES_LIST_CHANGED
            | method::RESOURCES_UPDATED
            | method::ELICITATION_COMPLETE
                if matches!(self.client, Client::Modern { .. }) =>
            {
                None
            }
            _ => Some(bytes()),
        }
    }
}

impl ClientLink for CallLink {
    fn wants_progress(&self) -> bool {
        self.token.is_some()
    }

    fn notify(&self, notification: &Message) {
        if self.over.is_cancelled() {
            return;
        }
        if let Some(bytes) = self.heard(notification)
            && !self.exchange.say(bytes)
        {
            self.metrics.dropped.inc();
        }
    }

    fn ask<'a>(&'a self, request: &'a Message) -> BoxFuture<'a, Result<Message, RpcError>> {
        Box::pin(async move {
            let Client::Legacy { session, traffic } = &self.client else {
                let text = format!(
                    "`{}` cannot be asked in the middle of a request of a modern client; \
                     this version of the gateway does not translate it",
                    request.method()
                );
                let data = serde_json::json!({ "reason": "callback_not_bridged" });
                return Err(RpcError::new(code::INVALID_PARAMS, text).with_data(data));
            };
            let way = Arc::clone(&self.exchange);
            let (mut question, bytes) = Question::new(session, way, request)?;
            traffic.asked(&session.principal);
            let answer = async {
                if !self.exchange.insist(bytes).await {
                    return Err(gone());
                }
                question.answered().await
            };
            tokio::select! {
                biased;
                answer = answer => answer,
                () = self.over.cancelled() => Err(gone()),
                () = self.exchange.abandoned() => Err(gone()),
            }
        })
    }
}
