//! `analyze_patterns`, and the skills on texts: taking apart, putting together, contradictions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::question::{check_question, check_sources};
use crate::arguments::{MAX_TEXT, number_within, text_within};
use crate::context::Context;
use crate::error::ToolError;
use crate::reasoning_agent::contradict::{self, Contradiction};
use crate::reasoning_agent::decompose::{Strategy, SubQuestion, decompose};
use crate::reasoning_agent::memory::{self, DECOMPOSITIONS, PATTERNS, SYNTHESES};
use crate::reasoning_agent::patterns::{self, Area, Pattern};
use crate::reasoning_agent::synthesis::{Source, Synthesis, synthesize};
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The most parts of a question.
const MAX_PARTS: usize = 50;
/// The most statements that are held against each other.
const MAX_STATEMENTS: usize = 500;
/// The most patterns that are received at once.
const MAX_PATTERNS: usize = 1_000;

/// Sent to the caller when patterns were looked for.
const COMPLETE: &str = "notifications/pattern_analysis_complete";

/// What keeps something for the caller, who alone is shown it.
const KEEPS: Annotations =
    Annotations { read_only: false, destructive: false, idempotent: true, open_world: false };

/// Looks for patterns.
pub(in crate::reasoning_agent) const ANALYZE: Tool = Tool {
    name: "analyze_patterns",
    alias: Some("pattern_analysis"),
    title: "Analyse the patterns of a question",
    description: "Finds how a question is built, what it asks for and what it says of causes, with the words that \
                  show it; sends the notification pattern_analysis_complete.",
    annotations: KEEPS,
    effort: Effort::Heavy,
    input_schema: schema::input::<AnalyzeArguments>,
    output_schema: schema::output::<AnalyzeAnswer>,
    examples: &[Example {
        title: "A question for a cause",
        arguments: r#"{"question": "Why did sales fall?", "focus_areas": ["causal"]}"#,
        answer: r#"{"patterns": [{"pattern": "cause", "area": "causal", "confidence": 0.95, "evidence": "why"}], "count": 1}"#,
    }],
    run: |context, raw| tool::run(context, raw, analyze),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AnalyzeArguments {
    /// The question.
    #[schemars(length(min = 1, max = 65_536))]
    question: String,
    /// What to look at.
    #[serde(default = "areas")]
    focus_areas: Vec<Area>,
    /// From which confidence on a pattern is told.
    #[serde(default = "threshold")]
    #[schemars(range(min = 0.0, max = 1.0))]
    confidence_threshold: f64,
}

fn areas() -> Vec<Area> {
    vec![Area::Structural, Area::Semantic]
}

fn threshold() -> f64 {
    0.7
}

#[derive(Debug, Serialize, JsonSchema)]
struct AnalyzeAnswer {
    /// The question.
    question: String,
    /// The patterns, the surest first.
    patterns: Vec<Pattern>,
    /// How many there are.
    count: usize,
}

fn analyze(context: &Context<'_>, arguments: AnalyzeArguments) -> Result<AnalyzeAnswer, ToolError> {
    let AnalyzeArguments { question, focus_areas, confidence_threshold } = arguments;
    check_question("question", &question)?;
    number_within("confidence_threshold", confidence_threshold, 0.0..=1.0)?;
    let patterns = patterns::find(&question, &focus_areas, confidence_threshold);
    let answer = AnalyzeAnswer { count: patterns.len(), question, patterns };
    memory::keep(
        context,
        PATTERNS,
        &json!({ "source_question": answer.question, "patterns": answer.patterns }),
    )?;
    context.link.notify(COMPLETE, &json!({ "question": answer.question, "count": answer.count }));
    Ok(answer)
}

/// Takes a question apart.
pub(in crate::reasoning_agent) const DECOMPOSE: Tool = Tool {
    name: "decompose_question",
    alias: Some("question_decomposition"),
    title: "Take a question apart",
    description: "Splits a question into parts that can be answered one by one, with what each depends on; the last is the question itself.",
    annotations: KEEPS,
    effort: Effort::Heavy,
    input_schema: schema::input::<DecomposeArguments>,
    output_schema: schema::output::<DecomposeAnswer>,
    examples: &[Example {
        title: "A question about somebody described",
        arguments: r#"{"question": "Who founded the company that bought Skype?"}"#,
        answer: r#"{"sub_questions": [
            {"id": 1, "question": "Which company bought Skype?", "role": "referent", "depends_on": []},
            {"id": 2, "question": "Who founded the company of part 1?", "role": "main", "depends_on": [1]}]}"#,
    }],
    run: |context, raw| tool::run(context, raw, take_apart),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DecomposeArguments {
    /// The question.
    #[schemars(length(min = 1, max = 65_536))]
    question: String,
    /// The most parts.
    #[serde(default = "max_sub_questions")]
    #[schemars(range(min = 1, max = 50))]
    max_sub_questions: usize,
    /// What the parts are made by.
    #[serde(default)]
    decomposition_strategy: Strategy,
}

fn max_sub_questions() -> usize {
    5
}

#[derive(Debug, Serialize, JsonSchema)]
struct DecomposeAnswer {
    /// The question.
    question: String,
    /// Its parts, in the order in which to answer them.
    sub_questions: Vec<SubQuestion>,
    /// What they were made by.
    strategy: Strategy,
}

fn take_apart(
    context: &Context<'_>,
    arguments: DecomposeArguments,
) -> Result<DecomposeAnswer, ToolError> {
    let DecomposeArguments { question, max_sub_questions, decomposition_strategy: strategy } =
        arguments;
    check_question("question", &question)?;
    if !(1..=MAX_PARTS).contains(&max_sub_questions) {
        return Err(ToolError::argument(
            "max_sub_questions",
            format!("is {max_sub_questions}; give 1 to {MAX_PARTS}"),
        ));
    }
    let sub_questions = decompose(&question, strategy, max_sub_questions);
    let answer = DecomposeAnswer { question, sub_questions, strategy };
    memory::keep(context, DECOMPOSITIONS, &answer)?;
    Ok(answer)
}

/// Puts an answer together.
pub(in crate::reasoning_agent) const SYNTHESIZE: Tool = Tool {
    name: "synthesize_answer",
    alias: Some("answer_synthesis"),
    title: "Put an answer together",
    description: "Answers a question out of sources, cites what each part rests on, and tells where the evidence contradicts itself.",
    annotations: KEEPS,
    effort: Effort::Heavy,
    input_schema: schema::input::<SynthesizeArguments>,
    output_schema: schema::output::<SynthesizeAnswer>,
    examples: &[Example {
        title: "Two sources that disagree",
        arguments: r#"{"question": "Is the valve open?", "sources": [
            {"id": "log", "text": "The valve is open."}, {"id": "report", "text": "The valve is not open."}]}"#,
        answer: r#"{"synthesis": {"answer": "The valve is open. [log] The valve is not open. [report]",
            "contradictions": [{"first": 0, "second": 1, "kind": "negation"}]}}"#,
    }],
    run: |context, raw| tool::run(context, raw, put_together),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SynthesizeArguments {
    /// The question.
    #[schemars(length(min = 1, max = 65_536))]
    question: String,
    /// Texts to answer from.
    #[serde(default)]
    #[schemars(length(max = 1_000))]
    sources: Vec<Source>,
    /// Whether the question is taken apart and its patterns are told as well.
    #[serde(default = "yes")]
    use_all_skills: bool,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Serialize, JsonSchema)]
struct SynthesizeAnswer {
    /// The answer.
    synthesis: Synthesis,
    /// The parts of the question, if all skills were used.
    sub_questions: Vec<SubQuestion>,
    /// Its patterns, if all skills were used.
    patterns: Vec<Pattern>,
}

fn put_together(
    context: &Context<'_>,
    arguments: SynthesizeArguments,
) -> Result<SynthesizeAnswer, ToolError> {
    let SynthesizeArguments { question, sources, use_all_skills } = arguments;
    check_question("question", &question)?;
    check_sources(&sources)?;
    context.check()?;
    let synthesis = synthesize(&question, &sources);
    let all = [Area::Structural, Area::Semantic, Area::Causal];
    let (sub_questions, patterns) = if use_all_skills {
        (
            decompose(&question, Strategy::Structural, max_sub_questions()),
            patterns::find(&question, &all, threshold()),
        )
    } else {
        (Vec::new(), Vec::new())
    };
    memory::keep(context, SYNTHESES, &json!({ "question": question, "synthesis": synthesis }))?;
    Ok(SynthesizeAnswer { synthesis, sub_questions, patterns })
}

/// Takes patterns over that somebody else found.
pub(in crate::reasoning_agent) const RECEIVE: Tool = Tool {
    name: "receive_pattern_data",
    alias: None,
    title: "Receive patterns",
    description: "Keeps patterns that another analysis found, for a day and for the caller alone; patterns://detected-patterns shows them.",
    annotations: KEEPS,
    effort: Effort::Heavy,
    input_schema: schema::input::<ReceiveArguments>,
    output_schema: schema::output::<ReceiveAnswer>,
    examples: &[Example {
        title: "One pattern",
        arguments: r#"{"patterns": [{"pattern": "cause", "area": "causal", "confidence": 0.9, "evidence": "because"}],
            "source_question": "Why?"}"#,
        answer: r#"{"received": 1}"#,
    }],
    run: |context, raw| tool::run(context, raw, receive),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReceiveArguments {
    /// The patterns.
    #[schemars(length(max = 1_000))]
    patterns: Vec<Pattern>,
    /// The question that they are of.
    #[serde(default)]
    source_question: Option<String>,
    /// What else is known of the analysis.
    #[serde(default)]
    analysis_metadata: Value,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ReceiveAnswer {
    /// How many patterns are kept.
    received: usize,
}

fn receive(context: &Context<'_>, arguments: ReceiveArguments) -> Result<ReceiveAnswer, ToolError> {
    let ReceiveArguments { patterns, source_question, analysis_metadata } = arguments;
    if patterns.len() > MAX_PATTERNS {
        return Err(ToolError::argument(
            "patterns",
            format!("has {} patterns; at most {MAX_PATTERNS} are taken", patterns.len()),
        ));
    }
    text_within("source_question", source_question.as_deref().unwrap_or_default(), MAX_TEXT)?;
    for (at, pattern) in patterns.iter().enumerate() {
        number_within(&format!("patterns[{at}].confidence"), pattern.confidence, 0.0..=1.0)?;
    }
    let kept = json!({ "source_question": source_question, "patterns": patterns, "analysis_metadata": analysis_metadata });
    text_within("analysis_metadata", &kept.to_string(), MAX_TEXT)?;
    memory::keep(context, PATTERNS, &kept)?;
    Ok(ReceiveAnswer { received: patterns.len() })
}

/// Finds contradictions.
pub(in crate::reasoning_agent) const CONTRADICTIONS: Tool = Tool {
    name: "detect_contradictions",
    alias: None,
    title: "Find contradictions",
    description: "Holds statements against each other and names pairs that cannot both be true, by negation, quantifier, number, opposite words or order.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Heavy,
    input_schema: schema::input::<ContradictionArguments>,
    output_schema: schema::output::<ContradictionAnswer>,
    examples: &[Example {
        title: "Two opening hours",
        arguments: r#"{"statements": ["The shop is open on Mondays.", "The shop is closed on Mondays.", "The shop sells tea."]}"#,
        answer: r#"{"contradictions": [{"first": 0, "second": 1, "kind": "opposite"}], "consistent": false}"#,
    }],
    run: |context, raw| tool::run(context, raw, contradictions),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ContradictionArguments {
    /// The statements.
    #[schemars(length(max = 500))]
    statements: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ContradictionAnswer {
    /// Pairs that cannot both be true.
    contradictions: Vec<Contradiction>,
    /// Whether there are none.
    consistent: bool,
}

fn contradictions(
    context: &Context<'_>,
    arguments: ContradictionArguments,
) -> Result<ContradictionAnswer, ToolError> {
    let statements = arguments.statements;
    if statements.len() > MAX_STATEMENTS {
        let problem = format!(
            "has {} statements; at most {MAX_STATEMENTS} are held against each other",
            statements.len()
        );
        return Err(ToolError::argument("statements", problem));
    }
    for (at, statement) in statements.iter().enumerate() {
        text_within(&format!("statements[{at}]"), statement, 10_000)?;
    }
    context.check()?;
    let contradictions = contradict::find(&statements);
    Ok(ContradictionAnswer { consistent: contradictions.is_empty(), contradictions })
}
