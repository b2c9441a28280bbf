//! `batch_vector_similarity_mcp`: one vector with many.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::metric::{Comparison, Metric, compare};
use crate::arguments::finite;
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// After so many comparisons the caller is asked whether they still want the answer.
const CHECK_EVERY: usize = 1024;

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "batch_vector_similarity_mcp",
    alias: Some("batch_vector_similarity"),
    title: "Find the most similar vectors",
    description: "Compares one vector with many and returns the most similar ones, best first, by \
                  cosine, euclidean, manhattan, dot_product, jaccard or hamming.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Light,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[
        Example {
            title: "The two nearest directions",
            arguments: r#"{"query_vector": [1, 0], "top_k": 2, "candidate_vectors": [
                {"id": "up", "vector": [0, 1]},
                {"id": "right", "vector": [5, 0]},
                {"id": "between", "vector": [1, 1]}
            ]}"#,
            answer: r#"{"results": [
                {"id": "right", "index": 1, "similarity": 1, "distance": 0, "metric": "cosine"},
                {"id": "between", "index": 2, "similarity": 0.7071067811865475}
            ], "candidates_processed": 3, "above_threshold": 3, "results_returned": 2}"#,
        },
        Example {
            title: "Only what is near enough",
            arguments: r#"{"query_vector": [0, 0], "metric": "euclidean", "threshold": 0.2,
                "candidate_vectors": [
                    {"id": "far", "vector": [30, 40]}, {"id": "near", "vector": [0, 3]}
                ]}"#,
            answer: r#"{"results": [{"id": "near", "similarity": 0.25, "distance": 3}],
                "above_threshold": 1, "threshold_applied": 0.2}"#,
        },
    ],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The vector that is looked for.
    #[schemars(length(min = 1))]
    query_vector: Vec<f64>,
    /// The vectors among which it is looked for, of the same length.
    candidate_vectors: Vec<Candidate>,
    /// How they are compared; cosines do not depend on the lengths of vectors.
    #[serde(default)]
    metric: Metric,
    /// The most results.
    #[serde(default = "ten")]
    #[schemars(range(min = 1))]
    top_k: usize,
    /// The least similarity of a result; all of them if it is not given.
    #[serde(default)]
    threshold: Option<f64>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Candidate {
    /// Its name in the results; its position if it is not given.
    #[serde(default)]
    id: Option<String>,
    /// Its numbers.
    vector: Vec<f64>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// The most similar first; of equal ones the one that was given first.
    results: Vec<Found>,
    /// The length of the vectors.
    query_vector_dim: usize,
    /// How many vectors were compared.
    candidates_processed: usize,
    /// How many of them were similar enough.
    above_threshold: usize,
    /// How many results there are.
    results_returned: usize,
    /// The metric that was used.
    metric_used: Metric,
    /// The least similarity that was asked for.
    threshold_applied: Option<f64>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Found {
    /// The vector.
    id: String,
    /// Its position among the candidates, from 0.
    index: usize,
    /// The higher, the more alike.
    similarity: f64,
    /// The lower, the more alike.
    distance: f64,
    /// The metric that was used.
    metric: Metric,
}

fn ten() -> usize {
    10
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { query_vector, mut candidate_vectors, metric, top_k, threshold } = arguments;
    if query_vector.is_empty() {
        return Err(ToolError::argument("query_vector", "is empty; give at least one number"));
    }
    if top_k == 0 {
        return Err(ToolError::argument("top_k", "is 0; ask for at least one result"));
    }
    let mut compared = Vec::with_capacity(candidate_vectors.len());
    for (index, candidate) in candidate_vectors.iter().enumerate() {
        if index % CHECK_EVERY == 0 {
            context.progress(index, candidate_vectors.len(), "comparing vectors")?;
        }
        let field = || format!("candidate_vectors[{index}].vector");
        let (length, expected) = (candidate.vector.len(), query_vector.len());
        if length != expected {
            let problem = format!(
                "has {length} numbers and `query_vector` has {expected}; give vectors of the same \
                 length"
            );
            return Err(ToolError::argument(field(), problem));
        }
        let Comparison { similarity, distance } = compare(metric, &query_vector, &candidate.vector);
        if !distance.is_finite() {
            finite(&field(), "its distance", distance)?;
        }
        if threshold.is_none_or(|threshold| similarity >= threshold) {
            compared.push((distance, similarity, index));
        }
    }
    let above_threshold = compared.len();
    // By distance and not by similarity, in which far distances look alike.
    compared.sort_unstable_by(|left, right| left.0.total_cmp(&right.0).then(left.2.cmp(&right.2)));
    compared.truncate(top_k);
    let results: Vec<Found> = compared
        .into_iter()
        .map(|(distance, similarity, index)| Found {
            id: candidate_vectors[index].id.take().unwrap_or_else(|| index.to_string()),
            index,
            similarity,
            distance,
            metric,
        })
        .collect();
    Ok(Answer {
        query_vector_dim: query_vector.len(),
        candidates_processed: candidate_vectors.len(),
        above_threshold,
        results_returned: results.len(),
        results,
        metric_used: metric,
        threshold_applied: threshold,
    })
}
