//! Says an outcome in the caller's era, once for all methods.
//!
//! A tool that fails is a result (`isError`); a call that could not be made is an error. Within
//! one era the provider's bytes go on as they came, under the client's id.

use bytes::Bytes;
use gantry_core::{CallContext, ErrorCode, Outcome, ProviderError, RawResult};
use gantry_protocol::adapt::{self, Crossing, Failure, ResultFacts};
use gantry_protocol::message::{failure, response};
use gantry_protocol::{Era, Message, Revision, RpcError, method};

use super::Reply;
use crate::causes;
use crate::governance::traffic::Waiting;
use crate::snapshot::Target;

/// Makes the reply to a request.
pub(super) fn of(
    context: &CallContext,
    target: &Target<'_>,
    request: &Message,
    outcome: Result<Outcome, ProviderError>,
) -> Reply {
    match outcome {
        Ok(Outcome::Complete(result)) => {
            Reply::new(complete(context, target, request, &result), 200)
        }
        Ok(Outcome::NeedsInput(result)) => match context.caller.era() {
            Era::Modern => Reply::new(under(request, &result.message), 200),
            Era::Legacy => unasked(context, target, request),
        },
        Err(ProviderError::Answered { message, revision }) => {
            answered(context, request, &message, revision)
        }
        Err(ProviderError::Refused(error)) => {
            let reply = error_reply(request, causes::status_of(&error), &error);
            Reply { waiting: Waiting::of(&error).map(Box::new), ..reply }
        }
        Err(error) => failed(context, target, request, &error),
    }
}

fn complete(
    context: &CallContext,
    target: &Target<'_>,
    request: &Message,
    result: &RawResult,
) -> Bytes {
    let crossing =
        Crossing { method: request.method(), from: result.revision, to: context.caller.revision };
    let offer;
    let mut facts = ResultFacts::default();
    if context.caller.era() == Era::Modern && result.revision.era() == Era::Legacy {
        offer = target.server.provider.offer().load();
        facts.server_info = offer.server_info.as_deref();
    }
    let raw = result.result();
    let adapted = adapt::result_to_client(raw, crossing, &facts);
    match adapted {
        // Not even the envelope is written anew.
        std::borrow::Cow::Borrowed(_) => under(request, &result.message),
        std::borrow::Cow::Owned(adapted) => match request.id() {
            Some(id) => response(id, &adapted),
            None => Bytes::new(),
        },
    }
}

fn answered(
    context: &CallContext,
    request: &Message,
    message: &Message,
    revision: Revision,
) -> Reply {
    let Some(error) = message.rpc_error() else {
        return Reply::new(under(request, message), 200);
    };
    let crossing =
        Crossing { method: request.method(), from: revision, to: context.caller.revision };
    let asked =
        (request.method() == method::RESOURCES_READ).then(|| request.param_string("uri")).flatten();
    match adapt::error_to_client(&error, crossing, asked.as_deref()) {
        // Unchanged errors go on as they came, unknown members included.
        Failure::Error { status, error: adapted } if adapted == error => {
            Reply::new(under(request, message), status)
        }
        Failure::Error { status, error } => Reply::new(failure(request.id(), &error), status),
        Failure::ToolResult(result) => tool_result(request, &result),
    }
}

/// A modern server asks a legacy client by its result. Carrying that across is not in this
/// version; saying so is better than a call that hangs.
fn unasked(context: &CallContext, target: &Target<'_>, request: &Message) -> Reply {
    let text = format!(
        "the server `{}` asks the client back in a way that this version of Gantry does not carry \
         to clients of revision {}; a client of revision {} can use it ({})",
        target.server.name,
        context.caller.revision,
        Revision::LATEST_MODERN,
        ErrorCode::CallbackNotBridged
    );
    // A failure of the server: for a tool it is a result that a model can read.
    if request.method() == method::TOOLS_CALL {
        return tool_result(request, &adapt::tool_error(&text, context.caller.era()));
    }
    let error = RpcError::internal("callback_across_eras", text);
    error_reply(request, 200, &causes::with_code(error, ErrorCode::CallbackNotBridged))
}

fn failed(
    context: &CallContext,
    target: &Target<'_>,
    request: &Message,
    error: &ProviderError,
) -> Reply {
    let server = &target.server.name;
    let (reason, text) = match error {
        ProviderError::Unavailable { reason, message, .. } => {
            (*reason, format!("the server `{server}` could not be reached: {message}"))
        }
        ProviderError::TimedOut { after } => (
            "timeout",
            format!("the server `{server}` did not answer within {after:?}, set by `timeout`"),
        ),
        ProviderError::Cancelled => ("cancelled", "cancelled by the client".to_owned()),
        ProviderError::Answered { .. } | ProviderError::Refused(_) => ("error", error.to_string()),
    };
    gantry_core::log::warn!(
        request_id = %context.request_id,
        upstream = %server,
        method = request.method(),
        reason,
        error = text,
        "A request failed."
    );
    let cause = causes::of(error).or_else(|| target.server.upstream.as_ref()?.state().code());
    let error = RpcError::internal(reason, text);
    error_reply(request, 200, &cause.map_or(error.clone(), |code| causes::with_code(error, code)))
}

fn tool_result(request: &Message, result: &[u8]) -> Reply {
    let bytes = request.id().map(|id| response(id, result)).unwrap_or_default();
    Reply::new(bytes, 200)
}

fn error_reply(request: &Message, status: u16, error: &RpcError) -> Reply {
    Reply::new(causes::failure(request.id(), error), status)
}

fn under(request: &Message, answer: &Message) -> Bytes {
    match request.id() {
        Some(id) => answer.with_id(id),
        None => answer.bytes().clone(),
    }
}
