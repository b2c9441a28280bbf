//! Webhooks: somebody else decides on a call or a result, over HTTP, within a deadline.
//!
//! Only addresses of the configuration are asked, and no redirect is followed, so that nobody who calls
//! a tool chooses where the gateway goes.

use std::time::Duration;

use bytes::Bytes;
use gantry_core::CallContext;
use gantry_policy::hooks::WebhookSpec;
use gantry_transport::client::{Client, Limits, UrlError};
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Most questions that are under way at once; others wait, within their own deadline.
const MOST_AT_ONCE: usize = 64;
/// Most bytes of an answer.
const MOST_ANSWER: usize = 4 << 20;
/// Most characters of a reason that are told to a client.
const LONGEST_REASON: usize = 300;
const AGENT: &str = concat!("gantry/", env!("CARGO_PKG_VERSION"));
const TIMESTAMP: HeaderName = HeaderName::from_static("x-gantry-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("x-gantry-signature");

/// The way to webhooks.
#[derive(Debug)]
pub(crate) struct Webhooks {
    client: Client,
    room: Semaphore,
}

/// What a webhook is asked about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stage {
    Request,
    Result,
}

/// One question.
#[derive(Debug)]
pub(super) struct Question<'a> {
    pub(super) stage: Stage,
    pub(super) hook: &'a str,
    pub(super) tool: &'a str,
    pub(super) server: &'a str,
    pub(super) context: &'a CallContext,
    /// Arguments or a result, as JSON.
    pub(super) raw: &'a [u8],
}

/// What was decided.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It goes on, with something else in its place if that was said.
    Allow(Option<Value>),
    /// It is refused, for this reason.
    Deny(String),
}

/// Why there is no decision.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error("its address cannot be used")]
    Address(#[source] UrlError),
    #[error("it did not answer within {0:?}")]
    Late(Duration),
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    #[error("it answered with the status {0}")]
    Status(StatusCode),
    #[error("its answer is no decision: {0}")]
    Unreadable(&'static str),
    #[error("it cannot be asked about what is no JSON")]
    Unaskable,
}

/// The question as it is sent.
#[derive(Serialize)]
struct Body<'a> {
    stage: &'static str,
    hook: &'a str,
    tool: &'a str,
    server: &'a str,
    principal: Who<'a>,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Who<'a> {
    issuer: &'a str,
    subject: &'a str,
    roles: &'a [Box<str>],
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<&'a [Box<str>]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<&'a str>,
}

/// The answer as it is read; what else is in it says nothing.
#[derive(Deserialize)]
struct Answer {
    decision: Decision,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    arguments: Option<Value>,
    #[serde(default)]
    result: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Decision {
    Allow,
    Deny,
}

// === impl Stage ===

impl Stage {
    /// Returns what is decided on, for a sentence.
    pub(super) fn what(self) -> &'static str {
        match self {
            Self::Request => "the call",
            Self::Result => "the tool ran, but its result",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Result => "result",
        }
    }
}

// === impl Webhooks ===

impl Webhooks {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, room: Semaphore::new(MOST_AT_ONCE) }
    }

    /// Asks, and waits for the decision as long as the deadline is.
    ///
    /// Cancel safe: the question is taken back.
    pub(super) async fn ask(
        &self,
        spec: &WebhookSpec,
        question: &Question<'_>,
        unix_seconds: u64,
    ) -> Result<Verdict, AskError> {
        let body = question.body()?;
        let asked = timeout(spec.deadline, self.post(spec, body, unix_seconds)).await;
        let answer = asked.map_err(|_| AskError::Late(spec.deadline))??;
        question.verdict(&answer)
    }

    async fn post(
        &self,
        spec: &WebhookSpec,
        body: Bytes,
        unix_seconds: u64,
    ) -> Result<Bytes, AskError> {
        // It is never closed; without room the deadline passes here.
        let _room = self.room.acquire().await.ok();
        let target = self.client.target(&spec.url).map_err(AskError::Address)?;
        let headers = headers(spec, &body, unix_seconds);
        let answer = target.send(Method::POST, headers, body, Limits::default()).await;
        let answer = answer.map_err(|error| AskError::Unreachable(gantry_core::chain(&error)))?;
        if answer.status() != StatusCode::OK {
            return Err(AskError::Status(answer.status()));
        }
        let read = answer.into_body().collect(MOST_ANSWER).await;
        read.map_err(|error| AskError::Unreachable(gantry_core::chain(&error)))
    }
}

fn headers(spec: &WebhookSpec, body: &[u8], unix_seconds: u64) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let json = HeaderValue::from_static("application/json");
    headers.insert(CONTENT_TYPE, json.clone());
    headers.insert(ACCEPT, json);
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert(TIMESTAMP, HeaderValue::from(unix_seconds));
    let signature = spec.signature(unix_seconds, body);
    // Hexadecimal digits are always a header.
    if let Some(value) = signature.and_then(|hex| format!("sha256={hex}").parse().ok()) {
        headers.insert(SIGNATURE, value);
    }
    headers
}

// === impl Question ===

impl Question<'_> {
    fn body(&self) -> Result<Bytes, AskError> {
        let raw: &RawValue = serde_json::from_slice(self.raw).map_err(|_| AskError::Unaskable)?;
        let principal = &self.context.principal;
        let grants = &principal.grants;
        let body = Body {
            stage: self.stage.name(),
            hook: self.hook,
            tool: self.tool,
            server: self.server,
            principal: Who {
                issuer: &principal.issuer,
                subject: &principal.subject,
                roles: &grants.roles,
                scopes: grants.scopes.as_deref(),
                tier: grants.tier.as_deref(),
            },
            request_id: &self.context.request_id,
            arguments: matches!(self.stage, Stage::Request).then_some(raw),
            result: matches!(self.stage, Stage::Result).then_some(raw),
        };
        serde_json::to_vec(&body).map(Bytes::from).map_err(|_| AskError::Unaskable)
    }

    fn verdict(&self, answer: &[u8]) -> Result<Verdict, AskError> {
        let answer: Answer = serde_json::from_slice(answer)
            .map_err(|_| AskError::Unreadable("it has no `decision` that is `allow` or `deny`"))?;
        if matches!(answer.decision, Decision::Deny) {
            let reason = answer.reason.unwrap_or_else(|| "it gives no reason".to_owned());
            let is_shown = |character: &char| !character.is_control();
            return Ok(Verdict::Deny(
                reason.chars().filter(is_shown).take(LONGEST_REASON).collect(),
            ));
        }
        let changed = match self.stage {
            Stage::Request => answer.arguments,
            Stage::Result => answer.result,
        };
        // A tool's arguments are an object, and so is its result, with a list of content
        // (2025-11-25 schema, `CallToolResult`).
        let fits = |value: &Value| match self.stage {
            Stage::Request => value.is_object(),
            Stage::Result => value.get("content").is_some_and(Value::is_array),
        };
        match changed {
            Some(value) if !fits(&value) => {
                Err(AskError::Unreadable("what it puts in is no such thing"))
            }
            changed => Ok(Verdict::Allow(changed)),
        }
    }
}
