//! `POST /api/tools/batch`: several calls, some of which wait for others.
//!
//! The whole batch is checked before anything is called ([`plan`]). Every call is made like a single
//! one, so its failure is its own; a call whose dependency failed is not made.

mod plan;

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use gantry_core::ErrorCode;
use http::StatusCode;
use serde_json::json;
use tokio::time::Instant;

use super::call::{Call, Outcome, reply};
use super::calls::call_tool;
use super::error::ApiError;
use super::model::{Batch, BatchCall, BatchResult, ExecutionResult, ExecutionStatus};
use plan::Plan;

/// The longest that a batch may take; what was not begun by then is not made.
const LONGEST: Duration = Duration::from_mins(10);

/// Makes the calls.
pub(super) async fn call(call: Call) -> Outcome {
    let batch: Batch = call.json()?;
    let mut plan =
        Plan::of(&batch).map_err(|message| ApiError::new(ErrorCode::BatchInvalid, message))?;
    let begun = Instant::now();
    let mut under_way = FuturesUnordered::new();
    loop {
        if begun.elapsed() >= LONGEST {
            plan.give_up("the batch took too long");
        }
        while under_way.len() < batch.options.max_parallel
            && let Some(at) = plan.next()
        {
            let execution = &batch.executions[at];
            let call = &call;
            under_way.push(async move { (at, execute(call, execution, begun + LONGEST).await) });
        }
        let Some((at, outcome)) = under_way.next().await else { break };
        plan.done(at, outcome);
    }
    let results = plan.into_results();
    let count = |wanted| results.iter().filter(|result| result.status == wanted).count();
    let result = BatchResult {
        total: results.len(),
        succeeded: count(ExecutionStatus::Succeeded),
        failed: count(ExecutionStatus::Failed),
        skipped: count(ExecutionStatus::Skipped),
        execution_time_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        request_id: call.request_id.to_string(),
        results,
    };
    reply(StatusCode::OK, &result)
}

/// What one call of a batch gave.
type Executed = Result<super::model::ToolResult, ApiError>;

async fn execute(call: &Call, execution: &BatchCall, deadline: Instant) -> Executed {
    let arguments = json!(execution.parameters).to_string();
    let server = execution.server_id.as_deref();
    let made = call_tool(call, server, &execution.tool_name, arguments.as_bytes());
    tokio::time::timeout_at(deadline, made).await.unwrap_or_else(|_| {
        let message = format!("the batch was not done within {LONGEST:?}");
        Err(ApiError::new(ErrorCode::UpstreamCallTimeout, message))
    })
}

/// Makes the result of a call that was made.
fn executed(execution_id: &str, outcome: Executed) -> ExecutionResult {
    let (status, result, error) = match outcome {
        Ok(result) if result.success => (ExecutionStatus::Succeeded, Some(result), None),
        Ok(result) => (ExecutionStatus::Failed, Some(result), None),
        Err(error) => (ExecutionStatus::Failed, None, Some(error.to_value())),
    };
    ExecutionResult { execution_id: execution_id.to_owned(), status, result, error }
}

/// Makes the result of a call that was not made.
fn skipped(execution_id: &str, why: &str) -> ExecutionResult {
    let error = json!({ "code": "TOOL_EXECUTION_FAILED", "message": why, "details": {} });
    ExecutionResult {
        execution_id: execution_id.to_owned(),
        status: ExecutionStatus::Skipped,
        result: None,
        error: Some(error),
    }
}
