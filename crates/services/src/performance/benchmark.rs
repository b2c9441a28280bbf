//! `benchmark_performance`: durations beside those of before.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::figures::{Durations, Figures};
use crate::arguments::number_within;
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::service::Resource;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// A difference of this share or less says nothing.
const DEFAULT_THRESHOLD: f64 = 0.1;

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "benchmark_performance",
    alias: None,
    title: "Compare durations with those of before",
    description: "Compares measured durations with those of before: by which share the mean, the \
                  median and the tail changed, and whether that is slower or faster by more than \
                  a threshold.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Light,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "Twice as long",
        arguments: r#"{"baseline_ms": [10, 20, 30], "current_ms": [20, 40, 60]}"#,
        answer: r#"{"verdict": "slower", "changes": {"mean": 1, "p50": 1, "p95": 1},
            "baseline": {"mean_ms": 20}, "current": {"mean_ms": 40}}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

/// The resource.
pub(super) const RESOURCE: Resource = Resource {
    uri: "performance://benchmarks/default",
    title: "Defaults of comparisons",
    description: "What durations are compared by if nothing else is asked for.",
    read,
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// How long each operation took before, in milliseconds.
    #[schemars(length(min = 1))]
    baseline_ms: Vec<f64>,
    /// How long each takes now.
    #[schemars(length(min = 1))]
    current_ms: Vec<f64>,
    /// The share by which the median has to differ to say anything.
    #[serde(default = "default_threshold")]
    #[schemars(range(min = 0.0, max = 10.0))]
    threshold: f64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// Whether the median changed by more than the threshold.
    verdict: Verdict,
    /// By which share of before each figure changed.
    changes: Changes,
    /// The durations of before, taken together.
    baseline: Figures,
    /// Those of now.
    current: Figures,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// The median is longer.
    Slower,
    /// It is about the same.
    Unchanged,
    /// The median is shorter.
    Faster,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Changes {
    /// Of the mean; none if it was 0.
    mean: Option<f64>,
    /// Of the median.
    p50: Option<f64>,
    /// Of what 95 of 100 do not exceed.
    p95: Option<f64>,
}

fn default_threshold() -> f64 {
    DEFAULT_THRESHOLD
}

fn carry_out(_: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { baseline_ms, current_ms, threshold } = arguments;
    number_within("threshold", threshold, 0.0..=10.0)?;
    let baseline = Durations::new("baseline_ms", baseline_ms)?.figures();
    let current = Durations::new("current_ms", current_ms)?.figures();
    let change = |before: f64, now: f64| (before > 0.0).then(|| now / before - 1.0);
    let changes = Changes {
        mean: change(baseline.mean_ms, current.mean_ms),
        p50: change(baseline.p50_ms, current.p50_ms),
        p95: change(baseline.p95_ms, current.p95_ms),
    };
    let verdict = match current.p50_ms - baseline.p50_ms {
        longer if longer > threshold * baseline.p50_ms => Verdict::Slower,
        longer if longer < -threshold * baseline.p50_ms => Verdict::Faster,
        _ => Verdict::Unchanged,
    };
    Ok(Answer { verdict, changes, baseline, current })
}

#[expect(clippy::unnecessary_wraps, reason = "other resources may fail")]
fn read(_: &Context<'_>) -> Result<Value, ToolError> {
    Ok(json!({
        "threshold": DEFAULT_THRESHOLD,
        "compared_figures": ["mean", "p50", "p95"],
        "verdict_by": "p50",
        "percentiles": [50, 90, 95, 99],
    }))
}
