//! `reciprocal_rank_fusion`: several rankings become one.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::number_within;
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// How far the first ranks are apart: the larger, the less.
pub(super) const DEFAULT_RANK_CONSTANT: f64 = 60.0;

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "reciprocal_rank_fusion",
    alias: None,
    title: "Make one ranking of several",
    description: "Makes one ranking of several, each a list of names with the best first: every \
                  list gives a name the score weight / (k + rank). Scores of the lists are not \
                  needed, so they may come from searches that have nothing in common.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Light,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "Two searches",
        arguments: r#"{"rankings": [{"ids": ["a", "b", "c"]}, {"ids": ["b", "d"], "weight": 2}]}"#,
        answer: r#"{"results": [
            {"id": "b", "score": 0.04891591750396616, "ranks": [2, 1]},
            {"id": "d", "score": 0.03225806451612903, "ranks": [null, 2]},
            {"id": "a", "score": 0.01639344262295082, "ranks": [1, null]},
            {"id": "c", "score": 0.015873015873015872, "ranks": [3, null]}
        ]}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The rankings.
    #[schemars(length(min = 1, max = 100))]
    rankings: Vec<Ranking>,
    /// How little it counts to be first: the larger, the nearer the ranks are to each other.
    #[serde(default = "default_constant")]
    #[schemars(range(min = 0.0, max = 1e6))]
    k: f64,
    /// The most results; all if it is not given.
    #[serde(default)]
    top_k: Option<usize>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ranking {
    /// The names, the best first, each once.
    ids: Vec<String>,
    /// How much this ranking counts.
    #[serde(default = "one")]
    #[schemars(range(min = 0.0))]
    weight: f64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// The names, the best first; of equal ones the one that was named first.
    results: Vec<Fused>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Fused {
    /// The name.
    id: String,
    /// Its score.
    score: f64,
    /// Its rank in each ranking, from 1; null where it is not.
    ranks: Vec<Option<usize>>,
}

fn default_constant() -> f64 {
    DEFAULT_RANK_CONSTANT
}

fn one() -> f64 {
    1.0
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { rankings, k, top_k } = arguments;
    number_within("k", k, 0.0..=1e6)?;
    if rankings.is_empty() || rankings.len() > 100 {
        let problem = format!("has {} rankings; give 1 to 100", rankings.len());
        return Err(ToolError::argument("rankings", problem));
    }
    let mut fused: IndexMap<&str, (f64, Vec<Option<usize>>)> = IndexMap::new();
    for (of, ranking) in rankings.iter().enumerate() {
        context.check()?;
        number_within(&format!("rankings[{of}].weight"), ranking.weight, 0.0..=1e9)?;
        for (at, id) in ranking.ids.iter().enumerate() {
            let (score, ranks) =
                fused.entry(id).or_insert_with(|| (0.0, vec![None; rankings.len()]));
            if ranks[of].is_some() {
                let field = format!("rankings[{of}].ids[{at}]");
                let problem = format!("`{id}` is in this ranking already; name each once");
                return Err(ToolError::argument(field, problem));
            }
            *score += ranking.weight * reciprocal(at, k);
            ranks[of] = Some(at + 1);
        }
    }
    let mut results: Vec<Fused> = fused
        .into_iter()
        .map(|(id, (score, ranks))| Fused { id: id.to_owned(), score, ranks })
        .collect();
    results.sort_by(|left, right| right.score.total_cmp(&left.score));
    results.truncate(top_k.unwrap_or(usize::MAX));
    Ok(Answer { results })
}

/// Returns what the rank at a position, from 0, is worth.
#[expect(clippy::cast_precision_loss, reason = "there are not 2^53 ranks")]
pub(super) fn reciprocal(at: usize, constant: f64) -> f64 {
    1.0 / (constant + at as f64 + 1.0)
}
