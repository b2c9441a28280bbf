//! Tools that report while they work: log messages and progress. What cannot be delivered is lost,
//! as the protocol has it.

#![expect(deprecated, reason = "log messages are sent for as long as clients want them")]

use std::time::Duration;

use rmcp::model::{
    CallToolResult, LoggingLevel, LoggingMessageNotificationParam, ProgressNotificationParam,
};
use serde_json::json;

use super::{Call, success};
use crate::asking;

/// The time between two reports, so that a client can tell them apart.
const PAUSE: Duration = Duration::from_millis(50);

/// Logs at the beginning, in the middle and at the end.
pub(crate) async fn log_thrice(call: &Call<'_>) -> CallToolResult {
    log(call, "Tool execution started").await;
    tokio::time::sleep(PAUSE).await;
    log(call, "Tool processing data").await;
    tokio::time::sleep(PAUSE).await;
    log(call, "Tool execution completed").await;
    success("Logged three messages")
}

/// Logs a single message.
pub(crate) async fn log_once(call: &Call<'_>) -> CallToolResult {
    log(call, "Asked to log").await;
    success("Logged one message, if it was wanted")
}

/// Reports 0, 50 and 100 of 100 under the caller's token.
pub(crate) async fn progress(call: &Call<'_>) -> CallToolResult {
    for done in [0.0, 50.0, 100.0] {
        if let Some(token) = call.context.meta.get_progress_token() {
            let progress = ProgressNotificationParam::new(token, done).with_total(100.0);
            let _ = call.context.peer.notify_progress(progress).await;
        }
        tokio::time::sleep(PAUSE).await;
    }
    success("Reported progress three times")
}

/// Logs at level `info`, unless the caller wants only what is more severe, or (modern) nothing.
async fn log(call: &Call<'_>, message: &str) {
    let wanted = if asking::is_modern(call.context) {
        call.context.meta.log_level()
    } else {
        Some(call.upstream.level())
    };
    if matches!(wanted, Some(LoggingLevel::Debug | LoggingLevel::Info)) {
        let message = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(message))
            .with_logger("rmcp-upstream");
        let _ = call.context.peer.notify_logging_message(message).await;
    }
}
