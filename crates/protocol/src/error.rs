//! JSON-RPC errors as data, and the codes of every revision.

use serde::Serialize;
use serde_json::Value;

/// The error codes that MCP and JSON-RPC define.
pub mod code {
    /// JSON-RPC 2.0: the bytes are not JSON.
    pub const PARSE_ERROR: i64 = -32700;
    /// JSON-RPC 2.0: the JSON is no request that may be sent here.
    pub const INVALID_REQUEST: i64 = -32600;
    /// JSON-RPC 2.0.
    pub const METHOD_NOT_FOUND: i64 = -32601;
    /// JSON-RPC 2.0; also an unknown tool, prompt, cursor, or (2026-07-28) resource.
    pub const INVALID_PARAMS: i64 = -32602;
    /// JSON-RPC 2.0.
    pub const INTERNAL_ERROR: i64 = -32603;
    /// Legacy revisions: the resource does not exist.
    pub const RESOURCE_NOT_FOUND: i64 = -32002;
    /// 2025-11-25: the client must visit a URL first.
    pub const URL_ELICITATION_REQUIRED: i64 = -32042;
    /// 2026-07-28: a header is absent or says something else than the body.
    pub const HEADER_MISMATCH: i64 = -32020;
    /// 2026-07-28: the request needs a capability that the client did not declare.
    pub const MISSING_CLIENT_CAPABILITY: i64 = -32021;
    /// 2026-07-28: the revision is not one of the server's.
    pub const UNSUPPORTED_PROTOCOL_VERSION: i64 = -32022;
}

/// The `error` member of a JSON-RPC response.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RpcError {
    /// See [`code`].
    pub code: i64,
    /// One sentence for the developer of the peer.
    pub message: String,
    /// Details that a program can act on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl RpcError {
    /// Makes an error without details.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// Adds details.
    #[must_use]
    pub fn with_data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }

    /// -32600.
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(code::INVALID_REQUEST, message)
    }

    /// -32601.
    pub fn method_not_found(method: &str) -> Self {
        Self::new(code::METHOD_NOT_FOUND, format!("method not found: `{method}`"))
    }

    /// -32602.
    pub fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(code::INVALID_PARAMS, message)
    }

    /// -32603 with `data.reason`, a short name that a program can act on.
    pub fn internal(reason: &str, message: impl Into<String>) -> Self {
        Self::new(code::INTERNAL_ERROR, message).with_data(serde_json::json!({ "reason": reason }))
    }
}

impl std::fmt::Display for RpcError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for RpcError {}
