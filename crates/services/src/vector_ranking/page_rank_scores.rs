//! `calculate_pagerank_scores_mcp`: how much the links say for each document.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bm25_scores::best;
use super::document::Document;
use super::index::View;
use super::page_rank::{DEFAULT_DAMPING, DEFAULT_ITERATIONS, Graph};
use super::source;
use crate::arguments::number_within;
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The most rounds that can be asked for.
const MAX_ITERATIONS: usize = 1000;
/// How many documents of a collection are in the answer.
const MAX_OF_COLLECTION: usize = 100;

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "calculate_pagerank_scores_mcp",
    alias: Some("calculate_pagerank_scores"),
    title: "Score documents by the links to them",
    description: "Scores documents, given or registered before, by the links between them \
                  (PageRank): each has the share of readers who, following links, are at it.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Light,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[
        Example {
            title: "Two documents that cite a third",
            arguments: r#"{"iterations": 200, "documents": [
                {"docId": "a", "links": ["c"]}, {"docId": "b", "links": ["c"]}, {"docId": "c"}
            ]}"#,
            answer: r#"{"scores": {"c": 0.5744680851063829, "a": 0.2127659574468085},
                "metadata": {"converged": true, "num_documents": 3, "unknown_targets": 0}}"#,
        },
        Example {
            title: "Links of one type",
            arguments: r#"{"relationship_types": ["cites"], "documents": [
                {"docId": "a", "references": [{"docId": "b", "relationship_type": "cites"}]},
                {"docId": "b", "links": ["a"]}
            ]}"#,
            answer: r#"{"scores": {"b": 0.649122807, "a": 0.350877193},
                "metadata": {"link_density": 0.25}}"#,
        },
    ],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The documents; left out where `index_id` is given.
    #[serde(default)]
    documents: Option<Vec<Document>>,
    /// A collection that was registered with `register_collection`; the answer has its best 100.
    #[serde(default)]
    index_id: Option<String>,
    /// The share of a reader's steps that follow a link.
    #[serde(default = "default_damping")]
    #[schemars(range(min = 0.0, max = 1.0))]
    damping_factor: f64,
    /// The most rounds; fewer are made where more would change nothing.
    #[serde(default = "default_iterations")]
    #[schemars(range(min = 1, max = 1000))]
    iterations: usize,
    /// The types of links that count; all if it is not given. A link without a type has that of its
    /// field: `links`, `references` or `related_documents`.
    #[serde(default)]
    relationship_types: Option<Vec<String>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// By document, the best first: its share. The shares of all documents are 1.
    scores: IndexMap<String, f64>,
    /// How they came about.
    metadata: Metadata,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Metadata {
    /// How many rounds there were.
    iterations_run: usize,
    /// Whether a further round would change nothing.
    converged: bool,
    /// The share of a reader's steps that follow a link.
    damping_factor: f64,
    /// How many documents there are.
    num_documents: usize,
    /// The links, divided by all that there could be.
    link_density: f64,
    /// The links that lead to none of the documents, and so nowhere.
    unknown_targets: usize,
}

fn default_damping() -> f64 {
    DEFAULT_DAMPING
}

fn default_iterations() -> usize {
    DEFAULT_ITERATIONS
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { documents, index_id, damping_factor, iterations, relationship_types } =
        arguments;
    number_within("damping_factor", damping_factor, 0.0..=1.0)?;
    if !(1..=MAX_ITERATIONS).contains(&iterations) {
        let problem = format!("is {iterations}; give a number from 1 to {MAX_ITERATIONS}");
        return Err(ToolError::argument("iterations", problem));
    }
    source::with(context, "documents", documents, index_id.as_deref(), |view| {
        answer(context, view, damping_factor, iterations, relationship_types.as_deref())
    })
}

#[expect(clippy::cast_precision_loss, reason = "there are not 2^53 links")]
fn answer(
    context: &Context<'_>,
    view: View<'_>,
    damping_factor: f64,
    iterations: usize,
    types: Option<&[String]>,
) -> Result<Answer, ToolError> {
    context.check()?;
    let graph = Graph::new(view.corpus, types);
    let ranks = graph.ranks(damping_factor, iterations);
    let n_documents = view.corpus.len();
    let n_shown = if view.index.is_some() { MAX_OF_COLLECTION } else { n_documents };
    let possible = (n_documents * n_documents).max(1) as f64;
    let named = |position: usize| (view.corpus.id(position).to_owned(), ranks.shares[position]);
    Ok(Answer {
        scores: best(&ranks.shares, n_shown).into_iter().map(named).collect(),
        metadata: Metadata {
            iterations_run: ranks.n_rounds,
            converged: ranks.converged,
            damping_factor,
            num_documents: n_documents,
            link_density: graph.n_links() as f64 / possible,
            unknown_targets: graph.n_unknown,
        },
    })
}
