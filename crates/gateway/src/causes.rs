//! Which page of `docs/errors` explains a failure: the code that goes with it to the client and to
//! `gantry servers list`.
//!
//! What the code means is in [`ErrorCode`]; what is answered beside it is decided elsewhere.

use bytes::Bytes;
use gantry_core::{ErrorCode, ProviderError, correlation};
use gantry_protocol::{Id, RpcError, code, message};
use serde_json::Value;

/// Returns the cause of a failure, as far as the failure itself tells. Of an upstream that is known
/// to be down its [`State`](crate::upstream::State) tells more.
pub fn of(failure: &ProviderError) -> Option<ErrorCode> {
    match failure {
        ProviderError::TimedOut { .. } => Some(ErrorCode::UpstreamCallTimeout),
        ProviderError::Unavailable { reason, .. } => of_reason(reason),
        ProviderError::Answered { .. } | ProviderError::Refused(_) | ProviderError::Cancelled => {
            None
        }
    }
}

fn of_reason(reason: &str) -> Option<ErrorCode> {
    match reason {
        "upstream_unreachable" | "upstream_busy" => Some(ErrorCode::UpstreamUnreachable),
        "upstream_unauthorized" | "upstream_forbidden" => Some(ErrorCode::UpstreamUnauthorized),
        "bad_answer" | "bad_list" => Some(ErrorCode::UpstreamNotMcp),
        "message_too_large" => Some(ErrorCode::UpstreamMessageTooLarge),
        "upstream_lost" | "stream_broken" | "session_gone" | "upstream_changed" => {
            Some(ErrorCode::UpstreamLost)
        }
        _ => None,
    }
}

/// Makes an error of one of our own causes.
pub fn coded(cause: ErrorCode, text: impl Into<String>) -> RpcError {
    with_code(RpcError::new(cause.json_rpc().unwrap_or(code::INTERNAL_ERROR), text), cause)
}

/// Adds the code of the cause to an error, beside whatever else its data holds.
pub fn with_code(mut error: RpcError, cause: ErrorCode) -> RpcError {
    let mut data = match error.data.take() {
        Some(Value::Object(data)) => data,
        // What is no object has no room for it.
        Some(other) => return error.with_data(other),
        None => serde_json::Map::new(),
    };
    data.insert("code".to_owned(), cause.code().into());
    error.with_data(Value::Object(data))
}

/// Returns the status of an error that names its cause: a modern client that is told to come again
/// reads it from there.
pub fn status_of(error: &RpcError) -> u16 {
    let code = error.data.as_ref().and_then(|data| data.get("code")).and_then(Value::as_str);
    let cause = code.and_then(ErrorCode::find).filter(|cause| cause.retryable());
    cause.and_then(ErrorCode::http).unwrap_or(200)
}

/// Writes an error of our own as a message. Where the client named the whole that its request is a
/// part of, the error names it too, as `data.correlation_id`.
pub fn failure(id: Option<&Id>, error: &RpcError) -> Bytes {
    let whole = correlation::current().filter(|names| names.part_of != names.request_id);
    let Some(names) = whole else { return message::failure(id, error) };
    let mut data = match &error.data {
        Some(Value::Object(data)) => data.clone(),
        // What is no object has no room for it.
        Some(_) => return message::failure(id, error),
        None => serde_json::Map::new(),
    };
    data.insert("correlation_id".to_owned(), (*names.part_of).into());
    message::failure(id, &error.clone().with_data(Value::Object(data)))
}

/// Adds the code to a refusal whose number tells the cause.
pub fn explained(error: RpcError) -> RpcError {
    match error.code {
        code::HEADER_MISMATCH => with_code(error, ErrorCode::HeaderMismatch),
        code::UNSUPPORTED_PROTOCOL_VERSION => with_code(error, ErrorCode::UnsupportedRevision),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_code_stands_beside_other_data() {
        let error = RpcError::internal("timeout", "too late");
        let error = with_code(error, ErrorCode::UpstreamCallTimeout);
        assert_eq!(error.data, Some(json!({ "reason": "timeout", "code": "E0210" })));
        let bare = with_code(RpcError::invalid_request("no"), ErrorCode::UnknownSession);
        assert_eq!(bare.data, Some(json!({ "code": "E0306" })));
        let list = RpcError::invalid_request("no").with_data(json!([1]));
        assert_eq!(with_code(list, ErrorCode::UnknownSession).data, Some(json!([1])));
    }

    #[tokio::test]
    async fn an_error_names_the_whole_that_its_request_is_a_part_of() {
        let error = RpcError::internal("timeout", "too late");
        let within = async |whole: &str| {
            let names = correlation::Correlation::new("part".into(), whole.into());
            let written = correlation::within(Some(names), async { failure(None, &error) }).await;
            serde_json::from_slice::<Value>(&written).unwrap()["error"]["data"].clone()
        };
        let named = json!({ "reason": "timeout", "correlation_id": "whole" });
        assert_eq!(within("whole").await, named);
        assert_eq!(within("part").await, json!({ "reason": "timeout" }));
        assert_eq!(failure(None, &error), message::failure(None, &error));
    }

    #[test]
    fn a_refusal_keeps_what_the_specification_puts_into_it() {
        let data = json!({ "supported": ["2026-07-28"], "requested": "1" });
        let error = RpcError::new(code::UNSUPPORTED_PROTOCOL_VERSION, "unsupported");
        let explained = explained(error.with_data(data)).data.unwrap();
        assert_eq!(explained["supported"], json!(["2026-07-28"]));
        assert_eq!(explained["code"], "E0308");
    }
}
