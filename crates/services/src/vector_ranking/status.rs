//! `mcp_hybrid_ranking` and `ranking://config/default`: the service about itself.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::bm25::{DEFAULT_B, DEFAULT_K1};
use super::diversity::DEFAULT_LAMBDA;
use super::fusion::DEFAULT_RANK_CONSTANT;
use super::page_rank::{DEFAULT_DAMPING, DEFAULT_ITERATIONS};
use super::weights::{DEFAULT_WEIGHTS, Parts};
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::service::Resource;
use crate::status::Status;
use crate::tool::{self, Annotations, Effort, Example, NoArguments, Tool};

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "mcp_hybrid_ranking",
    alias: None,
    title: "State of the ranking service",
    description: "Tells the default weights of the ranking service, the caller's registered \
                  collections, how often its tools were called since the start, and which calls \
                  the caller made last.",
    annotations: Annotations::TELLS,
    effort: Effort::Light,
    input_schema: schema::input::<NoArguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "Before anything was called",
        arguments: "{}",
        answer: r#"{"service": "vector_ranking", "collections": [], "last_calls": [],
            "default_weights": {"vectorSimilarity": 0.4, "bm25Score": 0.3, "pageRankScore": 0.2,
                "contextualRelevance": 0.1}}"#,
    }],
    run: |context, raw| tool::tell(context, raw, carry_out),
};

/// The resource.
pub(super) const RESOURCE: Resource = Resource {
    uri: "ranking://config/default",
    title: "Defaults of rankings",
    description: "The weights and constants of a ranking for which nothing else is asked.",
    read,
};

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    #[serde(flatten)]
    status: Status,
    /// How much each part of a ranking counts if nothing else is asked for.
    default_weights: Parts,
    /// The caller's own collections.
    collections: Vec<Kept>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Kept {
    /// Its name.
    index_id: String,
    /// How many documents it has.
    documents: usize,
    /// About how many bytes it takes.
    bytes: usize,
}

fn carry_out(context: &Context<'_>) -> Answer {
    let collections = context.services.collections().list(context.principal);
    Answer {
        status: Status::of(context),
        default_weights: DEFAULT_WEIGHTS,
        collections: collections
            .into_iter()
            .map(|one| Kept { index_id: one.name, documents: one.n_documents, bytes: one.bytes })
            .collect(),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "other resources may fail")]
fn read(_: &Context<'_>) -> Result<Value, ToolError> {
    Ok(json!({
        "default_weights": DEFAULT_WEIGHTS,
        "bm25_parameters": { "k1": DEFAULT_K1, "b": DEFAULT_B },
        "pagerank_parameters": {
            "damping_factor": DEFAULT_DAMPING,
            "default_iterations": DEFAULT_ITERATIONS,
        },
        "diversity_lambda": DEFAULT_LAMBDA,
        "reciprocal_rank_constant": DEFAULT_RANK_CONSTANT,
        "available_methods": ["hybrid_ranking", "bm25_only", "vector_only", "pagerank_only"],
    }))
}
