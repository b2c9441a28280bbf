//! Tools of the tasks extension: they answer a task, if the caller knows tasks, and go on. What
//! needs a task in any case is refused to other callers.

use std::time::Duration;

use rmcp::{
    ErrorData,
    model::{
        CallToolResponse, CallToolResult, ClientCapabilities, CreateTaskResult, InputRequiredResult,
    },
    task_manager::{TaskContext, TaskExit, TaskOptions},
};
use serde_json::{Value, json};

use super::{Call, failure, success};
use crate::asking::{self, Round};

/// How long a job takes that does nothing else.
const WORK: Duration = Duration::from_millis(200);

/// Whether `name` is one of these tools.
pub(crate) fn knows(name: &str) -> bool {
    name == "greet" || name == "slow_compute" || name == "protocol_error_job" || needs_task(name)
}

/// Whether `name` cannot be served without a task.
fn needs_task(name: &str) -> bool {
    matches!(name, "failing_job" | "confirm_delete" | "multi_input" | "test_tool_with_task")
}

/// Does the work at once, or starts it as a task.
pub(crate) async fn call(call: &Call<'_>) -> Result<CallToolResponse, ErrorData> {
    let name = &*call.request.name;
    let as_task = asking::capabilities(call.context).supports_tasks();
    if needs_task(name) && !as_task {
        let required = ClientCapabilities::builder().enable_tasks().build();
        return Err(ErrorData::missing_required_client_capability(required));
    }
    Ok(match name {
        "slow_compute" if as_task => slow_task(call),
        "slow_compute" => {
            tokio::time::sleep(seconds(call)).await;
            success(computed(call)).into()
        }
        "failing_job" => start(call, |_| async {
            tokio::time::sleep(WORK).await;
            Ok(failure("This job fails, as it is meant to"))
        }),
        "protocol_error_job" if as_task => start(call, |_| async {
            tokio::time::sleep(WORK).await;
            Err(TaskExit::Error(broken()))
        }),
        "protocol_error_job" => return Err(broken()),
        "confirm_delete" => confirm_delete(call),
        "multi_input" => start(call, gather_two),
        "test_tool_with_task" => return ask_then_start(call).await,
        _ => success(format!("Hello, {}!", call.text("name").unwrap_or("friend"))).into(),
    })
}

fn start<F, W>(call: &Call<'_>, work: F) -> CallToolResponse
where
    F: FnOnce(TaskContext) -> W + Send + 'static,
    W: Future<Output = Result<CallToolResult, TaskExit>> + Send + 'static,
{
    let tasks = &call.upstream.shared.tasks;
    let task = tasks.spawn(TaskOptions::default(), |context| Box::pin(work(context)));
    CreateTaskResult::new(task).into()
}

fn slow_task(call: &Call<'_>) -> CallToolResponse {
    let (duration, result) = (seconds(call), computed(call));
    start(call, move |context| async move {
        tokio::select! {
            () = context.cancelled() => Err(TaskExit::Cancelled),
            () = tokio::time::sleep(duration) => Ok(success(result)),
        }
    })
}

fn confirm_delete(call: &Call<'_>) -> CallToolResponse {
    let file = call.text("filename").unwrap_or("file.txt").to_owned();
    start(call, move |context| async move {
        let confirm = json!({ "confirm": { "type": "boolean" } });
        let question = asking::form(&format!("Delete {file}?"), &confirm, &["confirm"]);
        let answer = context.request_input("confirm", question).await?;
        let confirmed = answer["content"]["confirm"].as_bool() == Some(true);
        Ok(success(format!("{file} is {}", if confirmed { "deleted" } else { "kept" })))
    })
}

async fn gather_two(context: TaskContext) -> Result<CallToolResult, TaskExit> {
    let ask = |key: &'static str| {
        let question = asking::text_form(&format!("Provide {key}"), "value");
        context.request_input(key, question)
    };
    let (first, second) = tokio::try_join!(ask("input-a"), ask("input-b"))?;
    let value = |answer: &Value| answer["content"]["value"].as_str().unwrap_or("-").to_owned();
    Ok(success(format!("Got {} and {}", value(&first), value(&second))))
}

async fn ask_then_start(call: &Call<'_>) -> Result<CallToolResponse, ErrorData> {
    let questions = asking::one("user_name", asking::text_form("What is your name?", "name"));
    let given = call.request.input_responses.as_ref();
    match asking::ask(call.context, given, questions).await {
        Ok(Round::Open(questions)) => {
            Ok(InputRequiredResult::from_input_requests(questions).into())
        }
        Ok(Round::Answered(answers)) => {
            let name = asking::text_field(&answers, "user_name", "name").to_owned();
            Ok(start(call, move |_| async move {
                tokio::time::sleep(WORK).await;
                Ok(success(format!("Hello, {name}, from a task!")))
            }))
        }
        Err(reason) => Ok(failure(reason).into()),
    }
}

/// What is asked for, but no more than a minute.
fn seconds(call: &Call<'_>) -> Duration {
    Duration::from_secs_f64(call.number("seconds").unwrap_or(1.0).clamp(0.0, 60.0))
}

fn computed(call: &Call<'_>) -> String {
    format!("Computed {} in {:?}", call.text("label").unwrap_or("something"), seconds(call))
}

fn broken() -> ErrorData {
    ErrorData::internal_error("this job breaks, as it is meant to", None)
}
