//! `calculate_semantic_alignment_mcp`: whether an answer is one to the question.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::{MAX_TEXT, text_within};
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::semantic_similarity::measure::{Bag, MAX_TERMS};
use crate::text;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "calculate_semantic_alignment_mcp",
    alias: Some("calculate_semantic_alignment"),
    title: "Say whether an answer fits its question",
    description: "Says how far the words of an answer cover those of the question, from 0 to 1; an \
                  answer that is put as its question asks (why: because) counts for more.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Light,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "A reason",
        arguments: r#"{"question": "Why did the server crash?", "analyze_keywords": true,
            "answer": "The server ran out of memory because of a leak."}"#,
        answer: r#"{"alignment_score": 0.845, "question_type": "explanation",
            "keyword_overlap": ["server"], "unique_question_keywords": ["crash"],
            "unique_answer_keywords": ["leak", "memory", "ran"]}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The question.
    question: String,
    /// The answer.
    answer: String,
    /// Whether the words are listed.
    #[serde(default)]
    analyze_keywords: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// How far the answer covers the question, from 0 to 1.
    alignment_score: f64,
    #[serde(flatten)]
    keywords: Option<Keywords>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "clients know these names")]
struct Keywords {
    /// The telling words that both have.
    keyword_overlap: Vec<String>,
    /// Those of the question alone.
    unique_question_keywords: Vec<String>,
    /// Those of the answer alone.
    unique_answer_keywords: Vec<String>,
    /// What is asked for.
    question_type: QuestionType,
}

/// What a question asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum QuestionType {
    /// What something is.
    Definition,
    /// How something is done.
    Process,
    /// Why something is so.
    Explanation,
    /// When something is.
    Temporal,
    /// Where something is.
    Location,
    /// Who somebody is.
    Identity,
    /// Something else.
    Other,
}

fn carry_out(_: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { question, answer, analyze_keywords } = arguments;
    for (field, text) in [("question", &question), ("answer", &answer)] {
        check(field, text)?;
    }
    Ok(Answer {
        alignment_score: alignment(&question, &answer),
        keywords: analyze_keywords.then(|| keywords(&question, &answer)),
    })
}

/// Refuses a text that is too long to be compared.
pub(super) fn check(field: &str, text: &str) -> Result<(), ToolError> {
    text_within(field, text, MAX_TEXT)?;
    let n_words = Bag::new(text).len();
    if n_words > MAX_TERMS {
        let problem = format!("has {n_words} different words; give at most {MAX_TERMS}");
        return Err(ToolError::argument(field, problem));
    }
    Ok(())
}

/// Returns how far an answer covers its question: 0.3 if one of them is missing, 0.5 if the question
/// has no telling word.
pub(super) fn alignment(question: &str, answer: &str) -> f64 {
    let (asked, told) = (text::words(question), text::words(answer));
    if asked.is_empty() || told.is_empty() {
        return 0.3;
    }
    let question = Bag::new(question);
    if question.words().all(|word| QuestionType::of(word).is_some()) {
        return 0.5;
    }
    let covered = question.covered_by(&Bag::new(answer));
    f64::min(1.0, covered * QuestionType::in_words(&asked).boost(&told))
}

fn keywords(question: &str, answer: &str) -> Keywords {
    let asked = text::words(question);
    let (question, answer) = (Bag::new(question), Bag::new(answer));
    let of = |bag: &Bag, other: &Bag, is_common: bool| {
        let has = |word: &&str| other.words().any(|one| one == *word) == is_common;
        let mut words: Vec<String> = bag.words().filter(has).map(str::to_owned).collect();
        words.sort_unstable();
        words
    };
    Keywords {
        keyword_overlap: of(&question, &answer, true),
        unique_question_keywords: of(&question, &answer, false),
        unique_answer_keywords: of(&answer, &question, false),
        question_type: QuestionType::in_words(&asked),
    }
}

impl QuestionType {
    /// Finds the word that asks.
    fn in_words(words: &[String]) -> Self {
        words.iter().find_map(|word| Self::of(word)).unwrap_or(Self::Other)
    }

    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "what" | "which" => Self::Definition,
            "how" => Self::Process,
            "why" => Self::Explanation,
            "when" => Self::Temporal,
            "where" => Self::Location,
            "who" | "whom" | "whose" => Self::Identity,
            _ => return None,
        })
    }

    /// Returns by how much an answer of these words counts for more.
    fn boost(self, answer: &[String]) -> f64 {
        let has = |words: [&str; 3]| answer.iter().any(|word| words.contains(&word.as_str()));
        match self {
            Self::Definition if has(["is", "are", "means"]) => 1.2,
            Self::Process if has(["by", "through", "using"]) => 1.2,
            Self::Explanation if has(["because", "reason", "cause"]) => 1.3,
            _ => 1.0,
        }
    }
}
