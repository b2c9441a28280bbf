//! `calculate_sla_compliance`: whether a service is as fast and as sound as was agreed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::figures::{Durations, as_f64};
use crate::arguments::number_within;
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "calculate_sla_compliance",
    alias: None,
    title: "Say whether an agreement is kept",
    description: "Says of measured calls whether they keep the targets of an agreement: the \
                  response time at a percentile, the share of calls that succeed, and how much of \
                  the errors that are allowed is used up.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Light,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "Fast enough, and not sound enough",
        arguments: r#"{"durations_ms": [10, 20, 30, 40], "error_count": 1,
            "sla_targets": {"response_time_ms": 50, "percentile": 95, "availability": 0.9}}"#,
        answer: r#"{"is_compliant": false, "targets": [
            {"target": "response_time_ms", "limit": 50, "measured": 38.5, "met": true},
            {"target": "availability", "limit": 0.9, "measured": 0.75, "met": false}],
            "error_budget_used": 2.5, "within_response_time": 1}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// How long each call took, in milliseconds.
    #[schemars(length(min = 1))]
    durations_ms: Vec<f64>,
    /// How many of them failed.
    #[serde(default)]
    error_count: usize,
    /// What was agreed.
    sla_targets: Targets,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Targets {
    /// The longest response time, in milliseconds.
    #[serde(default)]
    response_time_ms: Option<f64>,
    /// How many calls of 100 have to keep it.
    #[serde(default = "default_percentile")]
    #[schemars(range(min = 0.0, max = 100.0))]
    percentile: f64,
    /// The least share of calls that succeed.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    availability: Option<f64>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// Whether all targets are met.
    is_compliant: bool,
    /// What came of each target.
    targets: Vec<Target>,
    /// The errors, divided by those that the availability allows; above 1 it is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_budget_used: Option<f64>,
    /// The share of calls within the response time.
    #[serde(skip_serializing_if = "Option::is_none")]
    within_response_time: Option<f64>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "clients know these names")]
struct Target {
    /// Which one.
    target: &'static str,
    /// What was agreed.
    limit: f64,
    /// What was measured.
    measured: f64,
    /// Whether that keeps it.
    met: bool,
}

fn default_percentile() -> f64 {
    95.0
}

fn carry_out(_: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { durations_ms, error_count, sla_targets } = arguments;
    let Targets { response_time_ms, percentile, availability } = sla_targets;
    number_within("sla_targets.percentile", percentile, 0.0..=100.0)?;
    if let Some(availability) = availability {
        number_within("sla_targets.availability", availability, 0.0..=1.0)?;
    }
    if response_time_ms.is_none() && availability.is_none() {
        let problem = "has no target; give `response_time_ms` or `availability`";
        return Err(ToolError::argument("sla_targets", problem));
    }
    let count = durations_ms.len();
    if error_count > count {
        let problem = format!("is {error_count}, of {count} calls");
        return Err(ToolError::argument("error_count", problem));
    }
    let within = response_time_ms.map(|limit| {
        let n_within = durations_ms.iter().filter(|duration| **duration <= limit).count();
        as_f64(n_within) / as_f64(count)
    });
    let durations = Durations::new("durations_ms", durations_ms)?;
    let failed = as_f64(error_count) / as_f64(count);
    let mut targets = Vec::new();
    if let Some(limit) = response_time_ms {
        let measured = durations.percentile(percentile);
        let met = measured <= limit;
        targets.push(Target { target: "response_time_ms", limit, measured, met });
    }
    if let Some(limit) = availability {
        let (measured, met) = (1.0 - failed, 1.0 - failed >= limit);
        targets.push(Target { target: "availability", limit, measured, met });
    }
    let allowed = availability.map(|availability| 1.0 - availability);
    Ok(Answer {
        is_compliant: targets.iter().all(|target| target.met),
        targets,
        error_budget_used: allowed.filter(|allowed| *allowed > 0.0).map(|allowed| failed / allowed),
        within_response_time: within,
    })
}
