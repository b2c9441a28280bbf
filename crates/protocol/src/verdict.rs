//! Tells the era of an upstream from its answer to a probe, which is `server/discover`.
//!
//! Pure: who sends what next, how often, and how long a verdict is kept is the caller's business.
//! Two rules stand above all rows: what says nothing about MCP (authentication, overload, a broken
//! line) is no verdict, and a deployed legacy server may answer with any error at all.

use bytes::Bytes;

use crate::error::{RpcError, code};
use crate::json::Object;
use crate::message::{Kind, Message};
use crate::revision::{Era, Revision};

/// An upstream's answer to a probe over HTTP.
#[derive(Debug, Clone)]
pub struct ProbeAnswer {
    /// Whether this probe repeats an earlier one, after [`Verdict::ProbeAgain`] or
    /// [`Verdict::RepeatOnce`].
    pub repeated: bool,
    /// `None` when there was no answer: timeout, reset, TLS or DNS error.
    pub status: Option<u16>,
    /// The body; of an event stream, the data of the event that held the response.
    pub body: Option<Bytes>,
    /// For 3xx: whether `Location` has the same origin.
    pub redirects_home: bool,
}

/// What an answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Modern.
    Modern {
        /// The highest that both speak.
        revision: Revision,
        /// It lists legacy revisions as well.
        dual: bool,
        /// The raw `DiscoverResult`.
        discover: Bytes,
    },
    /// Legacy: send `initialize`.
    Legacy,
    /// Modern, but not at the revision asked for: probe at this one.
    ProbeAgain(Revision),
    /// Modern by its error: check the headers of the probe and send it once more.
    RepeatOnce,
    /// It names revisions, and none that we speak. Do not send `initialize`.
    Incompatible {
        /// As it named them.
        supported: Vec<String>,
    },
    /// Send `initialize`; if that fails with 404 and -32601, or with -32022, send one enveloped
    /// `tools/list` and judge it by [`speaks_modern_without_discover`].
    Ambiguous404,
    /// Send `initialize`; if that fails with 4xx too, GET the URL: an `endpoint` event means
    /// HTTP+SSE, anything else that it is no MCP server.
    TryInitializeThenGet,
    /// Follow the redirect with the same method and body.
    Follow,
    /// It points elsewhere: the URL must be configured anew.
    Redirected,
    /// The answer contradicts an earlier one.
    UpstreamFault {
        /// What is wrong.
        reason: &'static str,
    },
    /// Keep what was known.
    Undecided(Undecided),
}

/// Why an answer says nothing about the era.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undecided {
    /// Authorise first.
    Unauthorised,
    /// Overloaded or broken: back off.
    Unavailable,
    /// No answer at all: back off.
    Unreachable,
}

/// How a probe of a child process ended.
#[derive(Debug, Clone)]
pub enum StdioAnswer {
    /// It answered with this line.
    Line(Bytes),
    /// It ended before it answered.
    Exited,
    /// It did not answer in time.
    Silent,
}

/// What the answer of a child says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StdioVerdict {
    /// As over HTTP; the same child goes on.
    SameChild(Verdict),
    /// Legacy: start another child and send `initialize` as its first line. A child that is still
    /// alive must be ended, since a late answer could leave it in the other era.
    FreshChild,
}

/// Tells what an upstream's answer to `server/discover` over HTTP means.
pub fn judge_probe(answer: &ProbeAnswer) -> Verdict {
    let Some(status) = answer.status else { return Verdict::Undecided(Undecided::Unreachable) };
    if matches!(status, 401 | 403 | 407) {
        return Verdict::Undecided(Undecided::Unauthorised);
    }
    let reply = Reply::read(answer.body.as_ref());
    if let Reply::Error(error) = &reply
        && error.code == code::UNSUPPORTED_PROTOCOL_VERSION
    {
        return judge_unsupported(error, answer.repeated);
    }
    match (status, reply) {
        (200..=299, reply) => judge_success(&reply),
        (307 | 308, _) if answer.redirects_home => Verdict::Follow,
        (300..=399, _) => Verdict::Redirected,
        (408 | 425 | 429 | 500..=599, _) => Verdict::Undecided(Undecided::Unavailable),
        (400, Reply::Error(error))
            if matches!(error.code, code::HEADER_MISMATCH | code::MISSING_CLIENT_CAPABILITY) =>
        {
            // SDKs disagree whether this proves a modern server, hence one repetition only.
            if answer.repeated { Verdict::Legacy } else { Verdict::RepeatOnce }
        }
        (404, Reply::Error(error)) if error.code == code::METHOD_NOT_FOUND => Verdict::Ambiguous404,
        (406 | 415, _) | (_, Reply::Error(_) | Reply::Result(_)) => Verdict::Legacy,
        (_, Reply::Other) => Verdict::TryInitializeThenGet,
    }
}

/// Tells what a child's answer to `server/discover` means.
pub fn judge_stdio_probe(repeated: bool, answer: &StdioAnswer) -> StdioVerdict {
    let StdioAnswer::Line(line) = answer else { return StdioVerdict::FreshChild };
    let answer = ProbeAnswer {
        repeated,
        status: Some(200),
        body: Some(line.clone()),
        redirects_home: false,
    };
    // The codes of header errors mean nothing on a pipe, and 200 gives them none.
    StdioVerdict::SameChild(judge_probe(&answer))
}

/// Tells what a refused `initialize` means: -32022 says that the server is modern after all (the
/// probe was lost, or came too early). `None` when it says nothing of the kind.
pub fn judge_refused_initialize(body: &Bytes) -> Option<Verdict> {
    match Reply::read(Some(body)) {
        Reply::Error(error) if error.code == code::UNSUPPORTED_PROTOCOL_VERSION => {
            match judge_unsupported(&error, false) {
                // It refuses what it says it speaks, or says nothing.
                Verdict::Legacy => None,
                verdict => Some(verdict),
            }
        }
        _ => None,
    }
}

/// Tells whether the answer to an enveloped list proves a modern server that lacks its mandatory
/// `server/discover`.
pub fn speaks_modern_without_discover(body: &Bytes) -> bool {
    matches!(Reply::read(Some(body)), Reply::Result(result)
        if Object::read(&result, 0..result.len())
            .is_ok_and(|object| object.string(&result, "resultType").is_some()))
}

fn judge_success(reply: &Reply) -> Verdict {
    let Reply::Result(discover) = reply else { return Verdict::Legacy };
    let supported = supported_versions(discover);
    if supported.is_empty() {
        return Verdict::Legacy;
    }
    let (modern, legacy) = mutual(&supported);
    match (modern, legacy) {
        (Some(revision), dual) => Verdict::Modern { revision, dual, discover: discover.clone() },
        (None, true) => Verdict::Legacy,
        (None, false) => incompatible(supported),
    }
}

fn judge_unsupported(error: &RpcError, repeated: bool) -> Verdict {
    let supported: Vec<String> = error
        .data
        .as_ref()
        .and_then(|data| data.get("supported"))
        .and_then(serde_json::Value::as_array)
        .map(|list| list.iter().filter_map(|entry| entry.as_str().map(str::to_owned)).collect())
        .unwrap_or_default();
    if supported.is_empty() {
        return Verdict::Legacy;
    }
    match mutual(&supported) {
        (Some(_), _) if repeated => {
            Verdict::UpstreamFault { reason: "it refuses a revision that it says it supports" }
        }
        (Some(revision), _) => Verdict::ProbeAgain(revision),
        (None, true) => Verdict::Legacy,
        (None, false) => incompatible(supported),
    }
}

/// Without a revision in common: old texts are left to `initialize`, which agrees on one by
/// itself; only modern ones that we lack are incompatible.
fn incompatible(supported: Vec<String>) -> Verdict {
    if supported.iter().any(|text| !Revision::is_modern_text(text)) {
        return Verdict::Legacy;
    }
    Verdict::Incompatible { supported }
}

/// Returns the highest modern revision in common, and whether a legacy one is.
fn mutual(supported: &[String]) -> (Option<Revision>, bool) {
    let known = || supported.iter().filter_map(|text| Revision::parse(text));
    let modern = known().filter(|revision| revision.era() == Era::Modern).max();
    (modern, known().any(|revision| revision.era() == Era::Legacy))
}

fn supported_versions(discover: &[u8]) -> Vec<String> {
    Object::read(discover, 0..discover.len())
        .ok()
        .and_then(|object| object.raw(discover, "supportedVersions"))
        .and_then(|raw| serde_json::from_slice(raw).ok())
        .unwrap_or_default()
}

/// A body, as far as it is JSON-RPC.
enum Reply {
    Result(Bytes),
    Error(RpcError),
    Other,
}

impl Reply {
    fn read(body: Option<&Bytes>) -> Self {
        let Some(body) = body else { return Self::Other };
        let Ok(message) = Message::parse(body.clone()) else { return Self::lenient(body) };
        match message.kind() {
            Kind::Response => {
                message.span("result").map_or(Self::Other, |span| Self::Result(body.slice(span)))
            }
            Kind::Error => message.rpc_error().map_or(Self::Other, Self::Error),
            Kind::Request | Kind::Notification => Self::Other,
        }
    }

    /// Errors come in forms that are not quite JSON-RPC (without `jsonrpc`, with `id` left out).
    fn lenient(body: &Bytes) -> Self {
        let Ok(object) = Object::read(body, 0..body.len()) else { return Self::Other };
        let Some(raw) = object.raw(body, "error") else { return Self::Other };
        let Ok(value) = serde_json::from_slice::<serde_json::Value>(raw) else {
            return Self::Other;
        };
        let Some(number) = value.get("code").and_then(serde_json::Value::as_i64) else {
            return Self::Other;
        };
        let text = value.get("message").and_then(serde_json::Value::as_str).unwrap_or_default();
        let mut error = RpcError::new(number, text);
        error.data = value.get("data").cloned();
        Self::Error(error)
    }
}

#[cfg(test)]
mod tests;
