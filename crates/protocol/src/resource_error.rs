//! "There is no such resource" in both eras: -32002 in the legacy one, -32602 in the modern one.

use serde_json::Value;

use crate::error::{RpcError, code};

/// Returns the modern form of a legacy -32002. The details stay.
#[must_use]
pub fn to_modern(error: &RpcError) -> RpcError {
    RpcError { code: code::INVALID_PARAMS, ..error.clone() }
}

/// Returns the legacy form of a modern -32602, but only if its `data.uri` is the URI that was asked
/// for; any other -32602 may mean what it says.
pub fn to_legacy(error: &RpcError, asked_uri: Option<&str>) -> Option<RpcError> {
    let named = error.data.as_ref().and_then(|data| data.get("uri")).and_then(Value::as_str);
    let same = error.code == code::INVALID_PARAMS && named.is_some() && named == asked_uri;
    same.then(|| RpcError { code: code::RESOURCE_NOT_FOUND, ..error.clone() })
}

#[cfg(test)]
mod tests;
