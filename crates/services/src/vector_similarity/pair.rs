//! `calculate_vector_similarity_mcp`: two vectors.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::metric::{Comparison, Metric, compare, dot};
use crate::arguments::finite;
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "calculate_vector_similarity_mcp",
    alias: Some("calculate_vector_similarity"),
    title: "Compare two vectors",
    description: "Says how alike two vectors of the same length are, as a similarity and as a \
                  distance, by cosine, euclidean, manhattan, dot_product, jaccard or hamming.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Light,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[
        Example {
            title: "The angle between two directions",
            arguments: r#"{"vector1": [1, 0], "vector2": [1, 1]}"#,
            answer: r#"{"similarity": 0.7071067811865475, "distance": 0.2928932188134525,
                        "metric": "cosine", "normalized": true, "vector_dimensions": 2}"#,
        },
        Example {
            title: "The straight distance",
            arguments: r#"{"vector1": [0, 0], "vector2": [3, 4], "metric": "euclidean"}"#,
            answer: r#"{"similarity": 0.16666666666666666, "distance": 5, "normalized": false}"#,
        },
    ],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The first vector.
    #[schemars(length(min = 1))]
    vector1: Vec<f64>,
    /// The second vector, of the same length.
    #[schemars(length(min = 1))]
    vector2: Vec<f64>,
    /// How they are compared.
    #[serde(default)]
    metric: Metric,
    /// Whether the vectors are brought to length 1 before their cosine is taken; without it they
    /// have to be of length 1 already. Other metrics take the vectors as they are.
    #[serde(default = "yes")]
    normalize: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// The higher, the more alike.
    similarity: f64,
    /// The lower, the more alike.
    distance: f64,
    /// The metric that was used.
    metric: Metric,
    /// Whether the vectors were brought to length 1.
    normalized: bool,
    /// The length of the vectors.
    vector_dimensions: usize,
}

fn yes() -> bool {
    true
}

fn carry_out(_: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { vector1, vector2, metric, normalize } = arguments;
    if vector1.is_empty() {
        return Err(ToolError::argument("vector1", "is empty; give at least one number"));
    }
    if vector1.len() != vector2.len() {
        let problem = format!(
            "has {} numbers and `vector1` has {}; give vectors of the same length",
            vector2.len(),
            vector1.len()
        );
        return Err(ToolError::argument("vector2", problem));
    }
    let Comparison { similarity, distance } = if metric == Metric::Cosine && !normalize {
        let product = dot(&vector1, &vector2);
        Comparison { similarity: product, distance: 1.0 - product }
    } else {
        compare(metric, &vector1, &vector2)
    };
    Ok(Answer {
        similarity: finite("vector1", "the similarity", similarity)?,
        distance: finite("vector1", "the distance", distance)?,
        metric,
        normalized: metric == Metric::Cosine && normalize,
        vector_dimensions: vector1.len(),
    })
}
