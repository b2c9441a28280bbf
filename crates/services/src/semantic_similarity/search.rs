//! `find_similar_texts_mcp`: one text with many.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::measure::Method;
use super::texts::Texts;
use crate::arguments::number_within;
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "find_similar_texts_mcp",
    alias: Some("find_similar_texts"),
    title: "Find similar texts",
    description: "Compares a text with many and returns the most similar ones, best first.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Waits,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "The nearest of three",
        arguments: r#"{"query": "reset my password", "top_k": 1, "candidates": [
            "opening hours of the office", "how to reset a password", "cancel my order"
        ]}"#,
        answer: r#"{"results": [{"text": "how to reset a password", "index": 1, "similarity": 1}],
            "total_candidates": 3, "above_threshold": 3, "method": "hybrid"}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// What is looked for.
    #[schemars(length(min = 1))]
    query: String,
    /// The texts among which it is looked for.
    candidates: Vec<String>,
    /// The most results.
    #[serde(default = "five")]
    #[schemars(range(min = 1))]
    top_k: usize,
    /// The least similarity of a result.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    threshold: f64,
    /// How they are compared.
    #[serde(default)]
    method: Method,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// What was looked for.
    query: String,
    /// How the texts were compared.
    method: Method,
    /// What compared their meaning: `lexical`, or the name of the model; none if nothing did.
    #[serde(skip_serializing_if = "Option::is_none")]
    semantic_measure: Option<String>,
    /// The most similar first; of equal ones the one that was given first.
    results: Vec<Found>,
    /// How many texts were compared.
    total_candidates: usize,
    /// How many of them were similar enough.
    above_threshold: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Found {
    /// The text.
    text: String,
    /// Its position among the candidates, from 0.
    index: usize,
    /// How alike it is, from 0 to 1.
    similarity: f64,
}

fn five() -> usize {
    5
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { query, mut candidates, top_k, threshold, method } = arguments;
    number_within("threshold", threshold, 0.0..=1.0)?;
    if top_k == 0 {
        return Err(ToolError::argument("top_k", "is 0; ask for at least one result"));
    }
    let fields = candidates.iter().enumerate();
    let fields = fields.map(|(at, text)| (format!("candidates[{at}]"), text.as_str()));
    let all: Vec<(String, &str)> =
        std::iter::once(("query".to_owned(), query.as_str())).chain(fields).collect();
    let texts = Texts::new(context, method, &all)?;
    texts.check_words(0, "query")?;
    texts.check_work("candidates", (1..all.len()).map(|at| (0, at)))?;
    let total_candidates = candidates.len();
    let mut found = Vec::new();
    for index in 0..total_candidates {
        context.progress(index, total_candidates, "comparing texts")?;
        let similarity = texts.compare(method, 0, index + 1);
        if similarity >= threshold {
            found.push((similarity, index));
        }
    }
    let above_threshold = found.len();
    found.sort_by(|left, right| right.0.total_cmp(&left.0));
    found.truncate(top_k);
    let results = found.into_iter().map(|(similarity, index)| Found {
        text: std::mem::take(&mut candidates[index]),
        index,
        similarity,
    });
    Ok(Answer {
        results: results.collect(),
        query,
        method,
        semantic_measure: texts.measure,
        total_candidates,
        above_threshold,
    })
}
