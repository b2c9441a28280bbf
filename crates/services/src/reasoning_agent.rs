//! `reasoning_agent`: conclusions with their proofs.
//!
//! [`logic`] draws conclusions by rules; [`english`] reads plain sentences as facts and rules;
//! [`bayes`] weighs hypotheses; [`decompose`], [`patterns`], [`contradict`] and [`synthesis`] work on
//! texts; `process` puts all of them together. None of it needs a model; where nothing else
//! answers, the caller's own is asked.

use crate::service::{Resource, Service};

mod answer;
mod bayes;
mod contradict;
mod decompose;
mod english;
mod logic;
mod memory;
mod patterns;
mod process;
mod synthesis;
mod tools;

pub(crate) use process::{Outcome, process};
pub(crate) use tools::question::check_question;

/// The service.
pub static SERVICE: Service = Service {
    name: "reasoning_agent",
    port: 8105,
    title: "Reasoning agent",
    description: "Advanced reasoning and inference capabilities: takes questions apart, draws \
                  conclusions by rules with proofs, finds patterns and contradictions, weighs \
                  evidence.",
    tools: &[
        tools::question::PROCESS,
        tools::question::DEMONSTRATE,
        tools::test::TOOL,
        tools::analyze::ANALYZE,
        tools::status::CLIENT,
        tools::status::SERVER,
        tools::status::HISTORY,
        tools::status::REQUESTS,
        tools::status::RESPONSES,
    ],
    extras: &[&[
        tools::analyze::DECOMPOSE,
        tools::analyze::SYNTHESIZE,
        tools::analyze::RECEIVE,
        tools::analyze::CONTRADICTIONS,
        tools::infer::TOOL,
        tools::beliefs::TOOL,
    ]],
    resources: &[
        Resource {
            uri: "decomposition://recent-analyses",
            title: "Recent decompositions",
            description: "The questions that the caller took apart in the last day, with their parts.",
            read: |context| memory::resource(context, memory::DECOMPOSITIONS, "analyses"),
        },
        Resource {
            uri: "patterns://detected-patterns",
            title: "Detected patterns",
            description: "The patterns that were found for the caller, or received, in the last day.",
            read: |context| memory::resource(context, memory::PATTERNS, "patterns"),
        },
        Resource {
            uri: "synthesis://collected-data",
            title: "Collected data",
            description: "What the caller's answers of the last day were put together from.",
            read: |context| memory::resource(context, memory::SYNTHESES, "syntheses"),
        },
    ],
    prompts: &[],
};
