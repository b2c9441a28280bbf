//! `process_with_streaming`: a question, answered while others follow.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::ToolError;
use crate::reasoning_agent::{Outcome, check_question, process};
use crate::resource_streaming::follow::Follower;
use crate::resource_streaming::journal::shortened;
use crate::resource_streaming::{LOG, METRICS, THOUGHTS};
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The tool.
pub(in crate::resource_streaming) const TOOL: Tool = Tool {
    name: "process_with_streaming",
    alias: None,
    title: "Answer a question step by step",
    description: "Answers a question as `process_question_via_mcp` of the reasoning service does, \
                  and tells on the way how far it is: as progress of the call, and as changes of \
                  `reasoning://process-log` and `reasoning://thoughts` to whoever of the caller's \
                  clients is subscribed.",
    annotations: Annotations {
        read_only: true,
        destructive: false,
        idempotent: false,
        open_world: false,
    },
    effort: Effort::Waits,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "A conclusion",
        arguments: r#"{"question": "All men are mortal. Socrates is a man. Is Socrates mortal?"}"#,
        answer: r#"{"question_id": "question-1", "result": {"answer": "yes", "confidence": 0.95},
            "streaming": {"log_entries": 5, "thoughts": 3, "notifications": 0}}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The question, with the statements that it rests on in front of it.
    #[schemars(length(min = 1, max = 65_536))]
    question: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// Names the question in the log and in thoughts.
    question_id: String,
    /// The question.
    question: String,
    /// The answer.
    result: Outcome,
    /// What was told on the way.
    streaming: Streamed,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Streamed {
    /// Entries of the process log.
    log_entries: usize,
    /// Steps of reasoning.
    thoughts: usize,
    /// Notifications of both to the caller's subscribed clients.
    notifications: usize,
    /// What can be read and subscribed to.
    resources: [&'static str; 3],
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { question } = arguments;
    check_question("question", &question)?;
    let streaming = context.services.streaming();
    let question_id = streaming.begin(context.principal);
    let follower = Follower::new(context, question_id.clone());
    follower.note("started", shortened(&question));
    let followed = Context { link: &follower, ..*context };
    let processed = process(&followed, &question, &[], true);
    streaming.end(processed.is_ok());
    match &processed {
        Ok(processed) => follower.note("answered", shortened(&processed.result.answer)),
        Err(error) => follower.note("failed", error.to_string()),
    }
    let figures = follower.figures();
    Ok(Answer {
        question_id,
        result: processed?.result,
        question,
        streaming: Streamed {
            log_entries: figures.entries,
            thoughts: figures.thoughts,
            notifications: figures.told,
            resources: [LOG, METRICS, THOUGHTS],
        },
    })
}
