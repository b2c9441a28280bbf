//! `calculate_group_similarity_mcp`: how far texts agree.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::measure::Method;
use super::texts::Texts;
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The most texts, since each is compared with each.
const MAX_TEXTS: usize = 1000;

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "calculate_group_similarity_mcp",
    alias: Some("calculate_group_similarity"),
    title: "Say how far texts agree",
    description: "Compares each of several texts with each other one and says how alike they are \
                  on average, which two are nearest and which is furthest from the rest.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Waits,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "Two that agree and one that does not",
        arguments: r#"{"texts": ["red fox", "red fox", "tax law"], "return_matrix": true}"#,
        answer: r#"{"average_similarity": 0.3333333333333333, "text_count": 3,
            "comparison_count": 3, "min_similarity": 0, "max_similarity": 1,
            "nearest": {"first": 0, "second": 1}, "furthest": 2,
            "similarity_matrix": [[1, 1, 0], [1, 1, 0], [0, 0, 1]]}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The texts.
    #[schemars(length(min = 1, max = 1000))]
    texts: Vec<String>,
    /// Whether the answer has the similarity of each two.
    #[serde(default)]
    return_matrix: bool,
    /// How they are compared.
    #[serde(default)]
    method: Method,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// The mean similarity of all pairs; 1 of a single text.
    average_similarity: f64,
    /// How many texts there are.
    text_count: usize,
    /// How many pairs there are.
    comparison_count: usize,
    /// The lowest similarity of a pair.
    min_similarity: f64,
    /// The highest similarity of a pair.
    max_similarity: f64,
    /// The standard deviation of the similarities.
    std_deviation: f64,
    /// A pair with the highest similarity, if there are two texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest: Option<Nearest>,
    /// The text that is least like the others on average, if there are two.
    #[serde(skip_serializing_if = "Option::is_none")]
    furthest: Option<usize>,
    /// What compared meaning: `lexical`, or the name of the model; none if nothing did.
    #[serde(skip_serializing_if = "Option::is_none")]
    semantic_measure: Option<String>,
    /// The similarity of each two, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    similarity_matrix: Option<Vec<Vec<f64>>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Nearest {
    /// The position of one text, from 0.
    first: usize,
    /// The position of the other.
    second: usize,
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { texts, return_matrix, method } = arguments;
    let n_texts = texts.len();
    if !(1..=MAX_TEXTS).contains(&n_texts) {
        let problem = format!("has {n_texts} texts; give 1 to {MAX_TEXTS}");
        return Err(ToolError::argument("texts", problem));
    }
    let fields: Vec<(String, &str)> = texts
        .iter()
        .enumerate()
        .map(|(at, text)| (format!("texts[{at}]"), text.as_str()))
        .collect();
    let texts = Texts::new(context, method, &fields)?;
    for (at, (field, _)) in fields.iter().enumerate() {
        texts.check_words(at, field)?;
    }
    let pairs =
        || (0..n_texts).flat_map(|left| (left + 1..n_texts).map(move |right| (left, right)));
    texts.check_work("texts", pairs())?;
    let mut matrix = vec![vec![1.0; n_texts]; n_texts];
    for (left, right) in pairs() {
        if right == left + 1 {
            context.progress(left, n_texts, "comparing texts")?;
        }
        let similarity = texts.compare(method, left, right);
        matrix[left][right] = similarity;
        matrix[right][left] = similarity;
    }
    let mut answer = summary(&matrix);
    answer.semantic_measure = texts.measure;
    answer.similarity_matrix = return_matrix.then_some(matrix);
    Ok(answer)
}

#[expect(clippy::cast_precision_loss, reason = "there are not 2^53 pairs")]
fn summary(matrix: &[Vec<f64>]) -> Answer {
    let n_texts = matrix.len();
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (left, row) in matrix.iter().enumerate() {
        let behind = row.iter().enumerate().skip(left + 1);
        pairs.extend(behind.map(|(right, similarity)| (*similarity, left, right)));
    }
    let count = pairs.len() as f64;
    let mean = |sum: f64| if pairs.is_empty() { 1.0 } else { sum / count };
    let average = mean(pairs.iter().map(|pair| pair.0).sum());
    let squares: f64 = pairs.iter().map(|pair| (pair.0 - average).powi(2)).sum();
    let lowest = pairs.iter().map(|pair| pair.0).fold(1.0, f64::min);
    let highest = pairs.iter().max_by(|left, right| {
        // Of equal ones the first.
        left.0.total_cmp(&right.0).then((right.1, right.2).cmp(&(left.1, left.2)))
    });
    let sums = matrix.iter().map(|row| row.iter().sum::<f64>());
    let furthest = sums.enumerate().min_by(|left, right| left.1.total_cmp(&right.1));
    Answer {
        average_similarity: average,
        text_count: n_texts,
        comparison_count: pairs.len(),
        min_similarity: lowest,
        max_similarity: highest.map_or(1.0, |pair| pair.0),
        std_deviation: if pairs.is_empty() { 0.0 } else { (squares / count).sqrt() },
        nearest: highest.map(|pair| Nearest { first: pair.1, second: pair.2 }),
        furthest: furthest.map(|(at, _)| at).filter(|_| n_texts > 1),
        semantic_measure: None,
        similarity_matrix: None,
    }
}
