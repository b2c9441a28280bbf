//! `process_question_via_mcp` and `demonstrate_mcp_communication`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::arguments::{MAX_TEXT, text_within};
use crate::context::Context;
use crate::error::ToolError;
use crate::reasoning_agent::process::{Processed, process};
use crate::reasoning_agent::synthesis::Source;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, NoArguments, Tool};

/// The most bytes of a question.
pub(super) const MAX_QUESTION: usize = 64 << 10;
/// The most sources.
pub(super) const MAX_SOURCES: usize = 1_000;

/// Answers a question.
pub(in crate::reasoning_agent) const PROCESS: Tool = Tool {
    name: "process_question_via_mcp",
    alias: Some("process_question"),
    title: "Answer a question",
    description: "Takes a question apart, looks for patterns, draws conclusions from the \
                  statements that stand before it, and from sources; what none of these answers, \
                  the caller's own model is asked. Says what the answer rests on.",
    annotations: Annotations {
        read_only: true,
        destructive: false,
        idempotent: true,
        open_world: false,
    },
    effort: Effort::Waits,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Processed>,
    examples: &[
        Example {
            title: "A conclusion with its proof",
            arguments: r#"{"question": "All men are mortal. Socrates is a man. Is Socrates mortal?"}"#,
            answer: r#"{"result": {"answer": "yes", "confidence": 0.95}, "verification": {"proved": true, "proof": [
                {"step": 1, "fact": "man(socrates)", "rule": null, "from": []},
                {"step": 2, "fact": "mortal(socrates)", "rule": "mortal(X) :- man(X)", "from": [1]}]}}"#,
        },
        Example {
            title: "An answer out of a source",
            arguments: r#"{"question": "When does the museum close?", "sources": [{"id": "sign", "text": "The museum closes at six."}]}"#,
            answer: r#"{"result": {"data_sources": ["sign"]}, "verification": {"proved": false, "by_model": false}}"#,
        },
    ],
    run: |context, raw| tool::run(context, raw, carry_out),
};

/// Shows how the skills speak with each other.
pub(in crate::reasoning_agent) const DEMONSTRATE: Tool = Tool {
    name: "demonstrate_mcp_communication",
    alias: None,
    title: "Show how skills work together",
    description: "Answers a question of its own and shows each request and response between the skills on the way.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Heavy,
    input_schema: schema::input::<NoArguments>,
    output_schema: schema::output::<Processed>,
    examples: &[Example {
        title: "The demonstration",
        arguments: "{}",
        answer: r#"{"result": {"answer": "Anna"}, "mcp_communication": {"total_messages": 6, "requests": 3, "responses": 3,
            "methods_called": ["decompose_question", "analyze_patterns", "infer"]}}"#,
    }],
    run: |context, raw| tool::run(context, raw, demonstrate),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The question, with the statements that it rests on in front of it.
    #[schemars(length(min = 1, max = 65_536))]
    question: String,
    /// Texts to answer from.
    #[serde(default)]
    #[schemars(length(max = 1_000))]
    sources: Vec<Source>,
    /// Whether the caller's own model is asked where nothing else answers.
    #[serde(default = "yes")]
    use_model: bool,
}

fn yes() -> bool {
    true
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Processed, ToolError> {
    let Arguments { question, sources, use_model } = arguments;
    check_question("question", &question)?;
    check_sources(&sources)?;
    process(context, &question, &sources, use_model)
}

fn demonstrate(context: &Context<'_>, _: NoArguments) -> Result<Processed, ToolError> {
    let question = "Anna is the mother of Ben. Ben is the father of Carl. \
                    If X is the mother of Y and Y is the father of Z then X is the grandmother of Z. \
                    Who is the grandmother of Carl?";
    process(context, question, &[], false)
}

/// Refuses a question that is empty or too long.
pub(crate) fn check_question(field: &str, question: &str) -> Result<(), ToolError> {
    text_within(field, question, MAX_QUESTION)?;
    if question.trim().is_empty() {
        return Err(ToolError::argument(field, "is empty; give a question"));
    }
    Ok(())
}

/// Refuses sources that are too many or too long.
pub(super) fn check_sources(sources: &[Source]) -> Result<(), ToolError> {
    if sources.len() > MAX_SOURCES {
        let problem = format!("has {} sources; at most {MAX_SOURCES} are taken", sources.len());
        return Err(ToolError::argument("sources", problem));
    }
    let mut total = 0;
    for (at, source) in sources.iter().enumerate() {
        text_within(&format!("sources[{at}].text"), &source.text, MAX_TEXT)?;
        total += source.text.len();
    }
    if total > 4 * MAX_TEXT {
        return Err(ToolError::argument(
            "sources",
            format!("have {total} bytes together; at most {} are taken", 4 * MAX_TEXT),
        ));
    }
    Ok(())
}
