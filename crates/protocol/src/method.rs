//! The method names of MCP, and what each era allows.

use crate::revision::Era;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: &str = $text;)*
    };
}

names! {
    /// Legacy handshake.
    INITIALIZE = "initialize";
    /// Legacy: the client has read the answer to `initialize`.
    INITIALIZED = "notifications/initialized";
    /// Legacy liveness check, both directions.
    PING = "ping";
    /// Modern: what the server is and speaks.
    SERVER_DISCOVER = "server/discover";
    /// Modern: the long stream of changes.
    SUBSCRIPTIONS_LISTEN = "subscriptions/listen";
    /// Modern: first message on a listen stream.
    SUBSCRIPTIONS_ACKNOWLEDGED = "notifications/subscriptions/acknowledged";
    /// Tools offered.
    TOOLS_LIST = "tools/list";
    /// Runs a tool.
    TOOLS_CALL = "tools/call";
    /// Resources offered.
    RESOURCES_LIST = "resources/list";
    /// Resource templates offered.
    RESOURCES_TEMPLATES_LIST = "resources/templates/list";
    /// Reads a resource.
    RESOURCES_READ = "resources/read";
    /// Legacy.
    RESOURCES_SUBSCRIBE = "resources/subscribe";
    /// Legacy.
    RESOURCES_UNSUBSCRIBE = "resources/unsubscribe";
    /// Prompts offered.
    PROMPTS_LIST = "prompts/list";
    /// Expands a prompt.
    PROMPTS_GET = "prompts/get";
    /// Completes an argument.
    COMPLETION_COMPLETE = "completion/complete";
    /// Legacy: the level of a session.
    LOGGING_SET_LEVEL = "logging/setLevel";
    /// Cancels a request (modern: on stdio only).
    CANCELLED = "notifications/cancelled";
    /// Progress of a request.
    PROGRESS = "notifications/progress";
    /// A log message.
    MESSAGE = "notifications/message";
    /// The tools changed.
    TOOLS_LIST_CHANGED = "notifications/tools/list_changed";
    /// The prompts changed.
    PROMPTS_LIST_CHANGED = "notifications/prompts/list_changed";
    /// The resources changed.
    RESOURCES_LIST_CHANGED = "notifications/resources/list_changed";
    /// A subscribed resource changed.
    RESOURCES_UPDATED = "notifications/resources/updated";
    /// Legacy: the client's roots changed.
    ROOTS_LIST_CHANGED = "notifications/roots/list_changed";
    /// 2025-11-25: an out-of-band elicitation is done.
    ELICITATION_COMPLETE = "notifications/elicitation/complete";
    /// Callback: the client's roots.
    ROOTS_LIST = "roots/list";
    /// Callback: a completion of the client's model.
    SAMPLING_CREATE_MESSAGE = "sampling/createMessage";
    /// Callback: a question to the user.
    ELICITATION_CREATE = "elicitation/create";
}

/// Tells whether a modern server may answer this request method at all; the rest is 404 and
/// -32601 to a modern client (`basic/lifecycle`, `basic/transports`).
pub fn is_modern_request(method: &str) -> bool {
    matches!(
        method,
        SERVER_DISCOVER
            | SUBSCRIPTIONS_LISTEN
            | TOOLS_LIST
            | TOOLS_CALL
            | RESOURCES_LIST
            | RESOURCES_TEMPLATES_LIST
            | RESOURCES_READ
            | PROMPTS_LIST
            | PROMPTS_GET
            | COMPLETION_COMPLETE
    )
}

/// Tells whether a legacy server may answer this request method.
pub fn is_legacy_request(method: &str) -> bool {
    matches!(
        method,
        INITIALIZE
            | PING
            | TOOLS_LIST
            | TOOLS_CALL
            | RESOURCES_LIST
            | RESOURCES_TEMPLATES_LIST
            | RESOURCES_READ
            | RESOURCES_SUBSCRIBE
            | RESOURCES_UNSUBSCRIBE
            | PROMPTS_LIST
            | PROMPTS_GET
            | COMPLETION_COMPLETE
            | LOGGING_SET_LEVEL
    )
}

/// Tells whether a method exists in an era and in no other.
pub fn is_only_of(era: Era, method: &str) -> bool {
    match era {
        Era::Modern => is_modern_request(method) && !is_legacy_request(method),
        Era::Legacy => is_legacy_request(method) && !is_modern_request(method),
    }
}

/// Returns the member of `params` by which a request is routed and which the `Mcp-Name` header
/// repeats (2026-07-28 `basic/transports/streamable-http`).
pub fn routed_member(method: &str) -> Option<&'static str> {
    match method {
        TOOLS_CALL | PROMPTS_GET => Some("name"),
        RESOURCES_READ | RESOURCES_SUBSCRIBE | RESOURCES_UNSUBSCRIBE => Some("uri"),
        _ => None,
    }
}

/// Tells whether a modern server may answer this request with `input_required`
/// (2026-07-28 `basic/patterns/mrtr`).
pub fn is_carrier(method: &str) -> bool {
    matches!(method, TOOLS_CALL | PROMPTS_GET | RESOURCES_READ)
}

/// Tells whether a server asks its client by this method (`ping` is none: both sides answer it).
pub fn is_callback(method: &str) -> bool {
    matches!(method, ROOTS_LIST | SAMPLING_CREATE_MESSAGE | ELICITATION_CREATE)
}
