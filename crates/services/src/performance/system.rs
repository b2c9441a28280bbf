//! `get_system_metrics`: what this process does and takes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::catalogue::catalogue;
use crate::context::Context;
use crate::error::ToolError;
use crate::ports::ProcessState;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, NoArguments, Tool};
use crate::usage::ToolUsage;

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "get_system_metrics",
    alias: None,
    title: "What this process does and takes",
    description: "Tells how often the built-in services were called since the start and how long \
                  that took, and, where the operator lets it be seen, how much memory and time of \
                  processors this process takes.",
    annotations: Annotations::TELLS,
    effort: Effort::Waits,
    input_schema: schema::input::<NoArguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "Before anything was called",
        arguments: "{}",
        answer: r#"{"services": {}, "process": null}"#,
    }],
    run: |context, raw| tool::run(context, raw, |context, NoArguments {}| carry_out(context)),
};

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// By service that was called: all its calls.
    services: BTreeMap<&'static str, ToolUsage>,
    /// What the process takes; null where that cannot be seen.
    process: Option<ProcessState>,
}

fn carry_out(context: &Context<'_>) -> Result<Answer, ToolError> {
    let mut services = BTreeMap::new();
    for service in catalogue() {
        let context = Context { service, ..*context };
        let mut all = ToolUsage::default();
        for usage in context.usage().tools(&context).into_values() {
            all.calls += usage.calls;
            all.errors += usage.errors;
            all.total_microseconds =
                all.total_microseconds.saturating_add(usage.total_microseconds);
            all.longest_microseconds = all.longest_microseconds.max(usage.longest_microseconds);
        }
        if all.calls > 0 {
            services.insert(service.name, all);
        }
    }
    let process = context.ports().process.as_ref().map(|process| process.state());
    let process = process.transpose().map_err(|error| ToolError::Unavailable {
        what: "the state of the process",
        problem: error.to_string(),
    })?;
    Ok(Answer { services, process })
}
