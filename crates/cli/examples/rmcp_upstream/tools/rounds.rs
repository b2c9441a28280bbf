//! Tools that need one or more rounds of questions; the suite of 2026-07-28 calls them. A modern
//! caller carries the state from round to round, sealed; for a legacy one it lives in the call.

use std::collections::BTreeMap;

use rmcp::{
    ErrorData,
    model::{CallToolResponse, InputRequests, InputRequiredResult},
};
use serde_json::{Value, json};

use super::{Call, failure, success};
use crate::asking::{self, Round};

const PREFIX: &str = "test_input_required_result_";

/// What a tool does after a round: put further questions, or say the last word.
enum Next {
    Ask(InputRequests),
    Say(String),
}

/// Whether `name` is one of these tools.
pub(crate) fn knows(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// Goes through the rounds as far as the caller's answers lead.
pub(crate) async fn call(call: &Call<'_>) -> Result<CallToolResponse, ErrorData> {
    let tool = call.request.name.strip_prefix(PREFIX).unwrap_or_default();
    let mut given = call.request.input_responses.as_ref();
    let mut round = past_rounds(call, tool)?;
    let mut answers = BTreeMap::new();
    loop {
        let questions = match next(call, tool, round, &answers)? {
            Next::Say(text) => return Ok(success(text).into()),
            Next::Ask(questions) => questions,
        };
        match asking::ask(call.context, given.take(), questions).await {
            Ok(Round::Answered(given)) => answers = given,
            Ok(Round::Open(questions)) => return open(call, tool, round, questions),
            Err(reason) => return Ok(failure(reason).into()),
        }
        round += 1;
    }
}

/// What `tool` does when `round` rounds are done and the last one brought `answers`.
fn next(
    call: &Call<'_>,
    tool: &str,
    round: u64,
    answers: &BTreeMap<String, Value>,
) -> Result<Next, ErrorData> {
    let last = u64::from(tool == "multi_round");
    if round <= last {
        return questions(call, tool, round);
    }
    Ok(Next::Say(match tool {
        "elicitation" => format!("Hello, {}!", asking::text_field(answers, "user_name", "name")),
        "sampling" => {
            format!("The model says: {}", asking::sampled_text(answers, "capital_question"))
        }
        "list_roots" => format!("The client's roots: {}", root_uris(answers).join(", ")),
        "request_state" | "tampered_state" => "Confirmed: state-ok".to_owned(),
        "multiple_inputs" => format!(
            "{}: {}, from {}",
            asking::text_field(answers, "user_name", "name"),
            asking::sampled_text(answers, "greeting"),
            root_uris(answers).join(", ")
        ),
        "multi_round" => {
            format!("The colour is {}", asking::text_field(answers, "step2", "color"))
        }
        _ => format!("Answered: {}", answers.keys().cloned().collect::<Vec<_>>().join(", ")),
    }))
}

fn questions(call: &Call<'_>, tool: &str, round: u64) -> Result<Next, ErrorData> {
    let name = || asking::text_form("What is your name?", "name");
    Ok(Next::Ask(match (tool, round) {
        ("elicitation", _) => asking::one("user_name", name()),
        ("sampling", _) => {
            asking::one("capital_question", asking::sampling("What is the capital of France?"))
        }
        ("list_roots", _) => asking::one("client_roots", asking::roots()),
        ("request_state" | "tampered_state", _) => {
            let confirm =
                asking::form("Please confirm", &json!({ "ok": { "type": "boolean" } }), &["ok"]);
            asking::one("confirm", confirm)
        }
        ("multi_round", 0) => {
            asking::one("step1", asking::text_form("Step 1: What is your name?", "name"))
        }
        ("multi_round", _) => {
            let colour = asking::text_form("Step 2: What is your favorite color?", "color");
            asking::one("step2", colour)
        }
        ("multiple_inputs", _) => everything(),
        ("capabilities", _) => {
            let offered = asking::capabilities(call.context);
            let mut questions = everything();
            questions.retain(|_, question| asking::can_answer(&offered, question));
            if questions.is_empty() {
                return Ok(Next::Say("The client cannot be asked anything".to_owned()));
            }
            questions
        }
        _ => return Err(ErrorData::invalid_params(format!("unknown tool `{PREFIX}{tool}`"), None)),
    }))
}

fn everything() -> InputRequests {
    InputRequests::from([
        ("user_name".to_owned(), asking::text_form("What is your name?", "name")),
        ("greeting".to_owned(), asking::sampling("Generate a greeting")),
        ("client_roots".to_owned(), asking::roots()),
    ])
}

fn root_uris(answers: &BTreeMap<String, Value>) -> Vec<&str> {
    let roots = answers.get("client_roots").and_then(|answer| answer["roots"].as_array());
    roots.into_iter().flatten().filter_map(|root| root["uri"].as_str()).collect()
}

/// Whether `tool` keeps its state with a modern caller.
fn has_state(tool: &str) -> bool {
    matches!(tool, "request_state" | "tampered_state" | "multiple_inputs" | "multi_round")
}

/// How many rounds the state that came along says are done.
fn past_rounds(call: &Call<'_>, tool: &str) -> Result<u64, ErrorData> {
    let Some(sealed) = &call.request.request_state else { return Ok(0) };
    let state: Value = call.upstream.shared.states.open_json(sealed).unwrap_or_default();
    match (state["tool"].as_str(), state["round"].as_u64()) {
        (Some(sealed_for), Some(round)) if sealed_for == tool => Ok(round),
        _ => Err(ErrorData::invalid_params("the request state is not one of this tool", None)),
    }
}

fn open(
    call: &Call<'_>,
    tool: &str,
    round: u64,
    questions: InputRequests,
) -> Result<CallToolResponse, ErrorData> {
    if !has_state(tool) {
        return Ok(InputRequiredResult::from_input_requests(questions).into());
    }
    let state = json!({ "tool": tool, "round": round });
    let sealed = call.upstream.shared.states.seal_json(&state);
    let sealed = sealed.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
    Ok(InputRequiredResult::new(Some(questions), Some(sealed)).into())
}
