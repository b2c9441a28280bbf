//! `vector_statistics_mcp`: many vectors taken together.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::metric::{divide, norm, sum_of};
use super::pairwise::{self, Cosines, Pair};
use crate::arguments::finite;
use crate::context::Context;
use crate::error::ToolError;
use crate::numbers::Matrix;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The most multiplications of a pairwise comparison, which take some ten seconds.
const MAX_PRODUCTS: u64 = 100_000_000_000;

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "vector_statistics_mcp",
    alias: Some("vector_statistics"),
    title: "Describe a set of vectors",
    description: "Says of a set of vectors the mean, the deviation, the least and the largest \
                  number of each dimension, how long the vectors are, and, if asked, how alike all \
                  pairs of them are.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Light,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[
        Example {
            title: "Two vectors",
            arguments: r#"{"vectors": [[1, 2], [3, 6]]}"#,
            answer: r#"{"count": 2, "dimensions": 2, "mean_vector": [2, 4], "std_vector": [1, 2],
                "min_values": [1, 2], "max_values": [3, 6],
                "norm_statistics": {"mean_norm": 4.47213595499958, "min_norm": 2.23606797749979}}"#,
        },
        Example {
            title: "How alike all pairs are",
            arguments: r#"{"vectors": [[1, 0], [0, 1], [1, 1]], "calculate_pairwise": true}"#,
            answer: r#"{"pairwise_similarities": {"count": 3, "min": 0, "max": 0.7071067811865475,
                "least_similar": {"first": 0, "second": 1},
                "most_similar": {"first": 0, "second": 2}}}"#,
        },
    ],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The vectors, all of one length.
    vectors: Matrix,
    /// Whether all pairs are compared.
    #[serde(default)]
    calculate_pairwise: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// How many vectors there are.
    count: usize,
    /// The length of each.
    dimensions: usize,
    /// The mean of each dimension.
    mean_vector: Vec<f64>,
    /// The standard deviation of each dimension, over all vectors (not of a sample).
    std_vector: Vec<f64>,
    /// The least number of each dimension.
    min_values: Vec<f64>,
    /// The largest number of each dimension.
    max_values: Vec<f64>,
    /// How long the vectors are.
    norm_statistics: Norms,
    /// The cosines of all pairs, if they were asked for and there are two vectors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pairwise_similarities: Option<Pairwise>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Norms {
    /// Their mean.
    mean_norm: f64,
    /// Their standard deviation.
    std_norm: f64,
    /// The least.
    min_norm: f64,
    /// The largest.
    max_norm: f64,
    /// The vectors that have no direction, since all their numbers are 0.
    zero_vectors: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Pairwise {
    /// How many pairs there are.
    count: usize,
    /// The mean of their cosines.
    mean: f64,
    /// Its standard deviation.
    std: f64,
    /// The lowest.
    min: f64,
    /// The highest.
    max: f64,
    /// A pair with the highest.
    most_similar: Positions,
    /// A pair with the lowest.
    least_similar: Positions,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Positions {
    /// The position of one vector, from 0.
    first: usize,
    /// The position of the other.
    second: usize,
}

/// What a row of numbers is, taken together.
struct Spread {
    mean: f64,
    deviation: f64,
    least: f64,
    largest: f64,
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { vectors, calculate_pairwise } = arguments;
    let (count, dimensions) = (vectors.n_rows(), vectors.n_columns());
    if calculate_pairwise {
        within_products(count, dimensions)?;
    }
    let (mean_vector, std_vector) = by_dimension(&vectors)?;
    let extremes = |pick: fn(f64, f64) -> f64| {
        let mut rows = vectors.rows();
        let mut picked = rows.next().map(<[f64]>::to_vec).unwrap_or_default();
        for row in rows {
            picked
                .iter_mut()
                .zip(row)
                .for_each(|(picked, number)| *picked = pick(*picked, *number));
        }
        picked
    };
    let norms: Vec<f64> = vectors.rows().map(norm).collect();
    let spread = spread(&norms)?;
    let cosines = if calculate_pairwise { pairwise::cosines(context, &vectors)? } else { None };
    Ok(Answer {
        count,
        dimensions,
        mean_vector,
        std_vector,
        min_values: extremes(f64::min),
        max_values: extremes(f64::max),
        norm_statistics: Norms {
            mean_norm: spread.mean,
            std_norm: spread.deviation,
            min_norm: spread.least,
            max_norm: spread.largest,
            zero_vectors: norms.iter().filter(|norm| **norm == 0.0).count(),
        },
        pairwise_similarities: cosines.map(Pairwise::from),
    })
}

/// Refuses a comparison that would take too long.
fn within_products(count: usize, dimensions: usize) -> Result<(), ToolError> {
    let (count, dimensions) = (count as u64, dimensions as u64);
    let products = (count * count.saturating_sub(1) / 2).saturating_mul(dimensions);
    if products <= MAX_PRODUCTS {
        return Ok(());
    }
    let problem = format!(
        "are {count} of {dimensions} numbers, so comparing all pairs takes {products} \
         multiplications; at most {MAX_PRODUCTS} are done, so give a part of them"
    );
    Err(ToolError::argument("vectors", problem))
}

/// Returns the mean and the standard deviation of each dimension.
fn by_dimension(vectors: &Matrix) -> Result<(Vec<f64>, Vec<f64>), ToolError> {
    let count = as_f64(vectors.n_rows());
    let mut mean = vec![0.0; vectors.n_columns()];
    for row in vectors.rows() {
        mean.iter_mut().zip(row).for_each(|(sum, number)| *sum += number);
    }
    divide(&mut mean, count);
    let mut deviation = vec![0.0; vectors.n_columns()];
    for row in vectors.rows() {
        for ((sum, number), mean) in deviation.iter_mut().zip(row).zip(&mean) {
            *sum += (number - mean) * (number - mean);
        }
    }
    for (column, number) in deviation.iter_mut().enumerate() {
        let what = format!("the deviation of dimension {column}");
        *number = finite("vectors", &what, (*number / count).sqrt())?;
    }
    Ok((mean, deviation))
}

fn spread(numbers: &[f64]) -> Result<Spread, ToolError> {
    let count = as_f64(numbers.len());
    let mean = finite("vectors", "the mean length", numbers.iter().sum::<f64>() / count)?;
    let squares = sum_of(numbers, |number| (number - mean) * (number - mean));
    Ok(Spread {
        mean,
        deviation: finite("vectors", "the deviation of the lengths", (squares / count).sqrt())?,
        least: numbers.iter().copied().fold(f64::INFINITY, f64::min),
        largest: numbers.iter().copied().fold(0.0, f64::max),
    })
}

impl From<Cosines> for Pairwise {
    fn from(cosines: Cosines) -> Self {
        let positions = |pair: Pair| Positions { first: pair.first, second: pair.second };
        Self {
            count: cosines.count,
            mean: cosines.mean,
            std: cosines.deviation(),
            min: cosines.lowest.cosine,
            max: cosines.highest.cosine,
            most_similar: positions(cosines.highest),
            least_similar: positions(cosines.lowest),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "there are not 2^53 vectors")]
fn as_f64(count: usize) -> f64 {
    count as f64
}
