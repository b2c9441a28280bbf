//! `normalize_vectors_mcp`: vectors brought to one length.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::metric::{divide, largest, sum_of, to_unit};
use crate::arguments::finite;
use crate::context::Context;
use crate::error::ToolError;
use crate::numbers::Matrix;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "normalize_vectors_mcp",
    alias: Some("normalize_vectors"),
    title: "Bring vectors to length 1",
    description: "Divides each vector by its length: the straight one (l2), the sum of the \
                  magnitudes (l1), or the largest magnitude (max). A vector of zeros stays as it is.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Light,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[
        Example {
            title: "The straight length, and a vector that has none",
            arguments: r#"{"vectors": [[3, 4], [0, 0]]}"#,
            answer: r#"{"normalized_vectors": [[0.6, 0.8], [0, 0]],
                "normalization_factors": [5, 0], "norm_type": "l2", "count": 2,
                "zero_vectors": [1]}"#,
        },
        Example {
            title: "Shares of the sum",
            arguments: r#"{"vectors": [[1, -3]], "norm_type": "l1"}"#,
            answer: r#"{"normalized_vectors": [[0.25, -0.75]], "normalization_factors": [4]}"#,
        },
    ],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The vectors, all of one length.
    vectors: Matrix,
    /// What the length of a vector is.
    #[serde(default)]
    norm_type: NormType,
}

/// What the length of a vector is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum NormType {
    /// The root of the sum of the squares.
    #[default]
    L2,
    /// The sum of the magnitudes.
    L1,
    /// The largest magnitude.
    Max,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// The vectors in the order in which they were given.
    normalized_vectors: Vec<Vec<f64>>,
    /// By what each was divided; 0 for a vector of zeros, which was not divided.
    normalization_factors: Vec<f64>,
    /// What the length of a vector was.
    norm_type: NormType,
    /// How many vectors there are.
    count: usize,
    /// The positions of the vectors of zeros.
    zero_vectors: Vec<usize>,
}

fn carry_out(_: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { mut vectors, norm_type } = arguments;
    let mut factors = Vec::with_capacity(vectors.n_rows());
    for (index, row) in vectors.rows_mut().enumerate() {
        let factor = match norm_type {
            NormType::L2 => to_unit(row),
            NormType::L1 => divided(row, sum_of(row, f64::abs)),
            NormType::Max => divided(row, largest(row)),
        };
        factors.push(finite(&format!("vectors[{index}]"), "its length", factor)?);
    }
    Ok(Answer {
        normalized_vectors: vectors.rows().map(<[f64]>::to_vec).collect(),
        count: factors.len(),
        zero_vectors: (0..factors.len()).filter(|index| factors[*index] == 0.0).collect(),
        normalization_factors: factors,
        norm_type,
    })
}

/// Divides a vector unless that is by zero, and says by what.
fn divided(vector: &mut [f64], by: f64) -> f64 {
    if by > 0.0 {
        divide(vector, by);
    }
    by
}
