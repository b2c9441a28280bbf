//! `update_beliefs`: hypotheses weighed by evidence.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::context::Context;
use crate::error::ToolError;
use crate::reasoning_agent::bayes::{Beliefs, Evidence, Hypothesis, update};
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The tool.
pub(in crate::reasoning_agent) const TOOL: Tool = Tool {
    name: "update_beliefs",
    alias: None,
    title: "Weigh hypotheses by evidence",
    description: "Updates how likely hypotheses are by Bayes' rule, finding by finding; the findings have to be independent \
                  of each other once the hypothesis is known.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Heavy,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Beliefs>,
    examples: &[Example {
        title: "A rare disease and a good test",
        arguments: r#"{"hypotheses": [{"name": "ill", "prior": 0.01}, {"name": "well", "prior": 0.99}],
            "evidence": [{"name": "positive test", "likelihoods": {"ill": 0.9, "well": 0.09}}]}"#,
        answer: r#"{"posteriors": {"ill": 0.09174311926605505, "well": 0.908256880733945}, "most_likely": "well",
            "updates": [{"favours": "ill", "bayes_factor": 10}]}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// What may be true; exactly one of them is.
    #[schemars(length(min = 1, max = 1_000))]
    hypotheses: Vec<Hypothesis>,
    /// What was found.
    #[serde(default)]
    #[schemars(length(max = 1_000))]
    evidence: Vec<Evidence>,
}

fn carry_out(_: &Context<'_>, arguments: Arguments) -> Result<Beliefs, ToolError> {
    let Arguments { hypotheses, evidence } = arguments;
    update(&hypotheses, &evidence)
}
