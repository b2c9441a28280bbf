//! `measure_performance_metrics`: durations, taken together.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::figures::{Durations, Figures, as_f64};
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "measure_performance_metrics",
    alias: None,
    title: "Take durations together",
    description: "Takes measured durations together: mean, deviation, percentiles, and with the \
                  number of errors and the time in which all that happened, the share of errors \
                  and the throughput.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Light,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "Five calls in two seconds",
        arguments: r#"{"operation": "search", "durations_ms": [10, 30, 20, 40, 100],
            "error_count": 1, "window_seconds": 2}"#,
        answer: r#"{"operation": "search", "count": 5, "mean_ms": 40, "std_ms": 31.622776601683793,
            "min_ms": 10, "p50_ms": 30, "p90_ms": 76, "p95_ms": 88, "max_ms": 100,
            "error_rate": 0.2, "throughput_per_second": 2.5}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// How long each operation took, in milliseconds.
    #[schemars(length(min = 1))]
    durations_ms: Vec<f64>,
    /// The name of the operation.
    #[serde(default)]
    operation: Option<String>,
    /// How many of them failed.
    #[serde(default)]
    error_count: usize,
    /// The seconds in which all of them happened.
    #[serde(default)]
    window_seconds: Option<f64>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// The name of the operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    #[serde(flatten)]
    figures: Figures,
    /// The share that failed.
    error_rate: f64,
    /// How many there were in a second, if it is known how long all of them took.
    #[serde(skip_serializing_if = "Option::is_none")]
    throughput_per_second: Option<f64>,
}

fn carry_out(_: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { durations_ms, operation, error_count, window_seconds } = arguments;
    let figures = Durations::new("durations_ms", durations_ms)?.figures();
    if error_count > figures.count {
        let problem = format!("is {error_count}, of {} operations", figures.count);
        return Err(ToolError::argument("error_count", problem));
    }
    if window_seconds.is_some_and(|seconds| seconds <= 0.0) {
        return Err(ToolError::argument("window_seconds", "is not more than 0"));
    }
    let count = as_f64(figures.count);
    Ok(Answer {
        operation,
        error_rate: as_f64(error_count) / count,
        throughput_per_second: window_seconds.map(|seconds| count / seconds),
        figures,
    })
}
