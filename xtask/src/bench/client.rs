//! Single calls, as the load makes them: to see that a leg answers rightly before it is measured.

use std::fmt;
use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use serde_json::{Value, json};

use crate::http::{self, Answer};

/// The revisions that a load uses: the stateless ones, or those with sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Era {
    /// 2026-07-28.
    Modern,
    /// 2025-11-25.
    Legacy,
}

/// As whom a call is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller<'a> {
    pub(super) era: Era,
    /// The legacy session, where there is one.
    pub(super) session: Option<&'a str>,
    /// The token, where one is needed.
    pub(super) token: Option<&'a str>,
}

/// Opens what a client needs before it can call: nothing in the modern era, a session in the legacy one.
///
/// Returns the session's id, where the server gave one.
pub(super) fn connect(
    address: SocketAddr,
    era: Era,
    token: Option<&str>,
) -> anyhow::Result<Option<String>> {
    if era == Era::Modern {
        return Ok(None);
    }
    let initialize = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}});
    let bearer = bearer(token);
    let authorization: Vec<_> = bearer.iter().map(|bearer| authorization(bearer)).collect();
    let answer = http::post(address, "/mcp", &authorization, &initialize.to_string())?;
    if answer.status != 200 {
        bail!("`initialize` was answered {}: {}", answer.status, answer.body);
    }
    let session = answer.header("mcp-session-id").map(str::to_owned);
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string();
    let headers = [legacy_headers(session.as_deref()), authorization].concat();
    let answer = http::post(address, "/mcp", &headers, &initialized)?;
    if answer.status != 202 {
        bail!("`notifications/initialized` was answered {}: {}", answer.status, answer.body);
    }
    Ok(session)
}

/// Calls `tool` once and checks that the answer is a good one.
pub(super) fn call(address: SocketAddr, tool: &str, caller: Caller<'_>) -> anyhow::Result<()> {
    let Caller { era, session, token } = caller;
    let mut params = json!({"name": tool, "arguments": {"text": "hello"}});
    if era == Era::Modern {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        });
    }
    let body =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string();
    let modern =
        [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call"), ("Mcp-Name", tool)];
    let mut headers = if era == Era::Modern { modern.to_vec() } else { legacy_headers(session) };
    let bearer = bearer(token);
    headers.extend(bearer.iter().map(|bearer| authorization(bearer)));
    expect_result(&http::post(address, "/mcp", &headers, &body)?)
}

/// How many calls the upstream has answered.
pub(super) fn n_calls(upstream: SocketAddr) -> anyhow::Result<u64> {
    let answer = http::get(upstream, "/calls")?;
    answer.body.trim().parse().with_context(|| format!("the upstream's count is `{}`", answer.body))
}

fn bearer(token: Option<&str>) -> Option<String> {
    token.map(|token| format!("Bearer {token}"))
}

fn authorization(bearer: &str) -> (&'static str, &str) {
    ("Authorization", bearer)
}

fn legacy_headers(session: Option<&str>) -> Vec<(&'static str, &str)> {
    let mut headers = vec![("MCP-Protocol-Version", "2025-11-25")];
    headers.extend(session.map(|session| ("Mcp-Session-Id", session)));
    headers
}

/// Refuses every answer but the result of a tool that succeeded.
fn expect_result(answer: &Answer) -> anyhow::Result<()> {
    if answer.status != 200 {
        bail!("the call was answered {}: {}", answer.status, answer.body);
    }
    let is_stream =
        answer.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"));
    if is_stream {
        bail!("the call was answered by a stream, which wrk cannot measure");
    }
    let message: Value = serde_json::from_str(&answer.body).context("the answer is not JSON")?;
    if message["result"]["isError"] != Value::Bool(false) {
        bail!("the call failed: {}", answer.body);
    }
    Ok(())
}

// === impl Era ===

impl fmt::Display for Era {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Modern => "modern",
            Self::Legacy => "legacy",
        })
    }
}
