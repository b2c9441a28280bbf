//! `hybrid_ranking_search_mcp`: documents ranked by vectors, words, links and context together.

use std::time::Instant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bm25::{Bm25, normalize};
use super::bm25_scores::best;
use super::diversity::{self, DEFAULT_LAMBDA};
use super::document::Document;
use super::embedding;
use super::fusion::{DEFAULT_RANK_CONSTANT, reciprocal};
use super::index::View;
use super::page_rank::{DEFAULT_DAMPING, DEFAULT_ITERATIONS, Graph};
use super::search_context::SearchContext;
use super::similarity::same_length;
use super::source;
use super::weights::{DEFAULT_WEIGHTS, Parts};
use crate::arguments::{MAX_TEXT, number_within, text_within};
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};
use crate::vector_similarity::metric::{Metric, compare};

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "hybrid_ranking_search_mcp",
    alias: Some("hybrid_ranking_search"),
    title: "Rank documents for a query",
    description: "Ranks documents, given or registered before, for a query: by how near their \
                  vectors are, how well their words match, how much the links between them say, \
                  and how well they fit the context of the search. The results are diverse unless \
                  that is turned off.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Embeds,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[
        Example {
            title: "Words and links",
            arguments: r#"{"query": "solar power", "candidate_documents": [
                {"docId": "wind", "content": "Wind power at sea.", "links": ["solar"]},
                {"docId": "solar", "content": "Solar power for homes."},
                {"docId": "tea", "content": "How to make tea."}
            ], "apply_diversity": false, "top_k": 2}"#,
            answer: r#"{"ranked_results": [
                {"docId": "solar", "rank": 1, "hybridScore": 0.5, "rankingComponents": {
                    "vectorSimilarity": 0, "bm25Score": 1, "pageRankScore": 1,
                    "contextualRelevance": 0}},
                {"docId": "wind", "rank": 2}
            ], "ranking_metadata": {"total_candidates": 3, "diversity_applied": false}}"#,
        },
        Example {
            title: "Vectors and preferences alone",
            arguments: r#"{"query": "", "query_vector": [1, 0],
                "ranking_weights": {"vectorSimilarity": 3, "contextualRelevance": 1},
                "search_context": {"user_preferences": {"preferred_categories": ["news"]}},
                "candidate_documents": [
                    {"id": "old", "embedding": [1, 0]},
                    {"id": "new", "embedding": [3, 4], "categories": ["news"]}
                ]}"#,
            answer: r#"{"ranked_results": [
                {"docId": "old", "hybridScore": 0.75}, {"docId": "new", "hybridScore": 0.7}
            ], "ranking_metadata": {"weights_used": {"vectorSimilarity": 0.75}}}"#,
        },
    ],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// What is looked for.
    query: String,
    /// The documents; left out where `index_id` is given.
    #[serde(default)]
    candidate_documents: Option<Vec<Document>>,
    /// A collection that was registered with `register_collection`.
    #[serde(default)]
    index_id: Option<String>,
    /// The vector of the query; without it vectors count for nothing.
    #[serde(default)]
    query_vector: Option<Vec<f64>>,
    /// Whether the operator's model makes the vectors of the query and of documents that are given
    /// without one. A registered document keeps what it was registered with.
    #[serde(default)]
    embed: bool,
    /// How much each part counts; they are scaled to 1 together, and what is left out of them counts
    /// for nothing. If none are given: 0.4, 0.3, 0.2, 0.1.
    #[serde(default)]
    ranking_weights: Option<Parts>,
    /// What is known of the search beside its query.
    #[serde(default)]
    search_context: SearchContext,
    /// The most results.
    #[serde(default = "ten")]
    #[schemars(range(min = 1))]
    top_k: usize,
    /// Whether a result that repeats another gives way to one that is new.
    #[serde(default = "yes")]
    apply_diversity: bool,
    /// How much a good result counts beside a new one, from 0 to 1.
    #[serde(default = "default_lambda")]
    #[schemars(range(min = 0.0, max = 1.0))]
    diversity_lambda: f64,
    /// How the parts become one score.
    #[serde(default)]
    fusion: Fusion,
}

/// How several scores become one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Fusion {
    /// The weighted sum of the scores.
    #[default]
    Weighted,
    /// The weighted sum of 1 / (60 + rank) in each part, which does not depend on how scores are
    /// spread.
    ReciprocalRank,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// The results, the best first.
    ranked_results: Vec<Ranked>,
    /// How they came about.
    ranking_metadata: Metadata,
    /// What it took.
    performance_metrics: Performance,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Ranked {
    /// The document.
    doc_id: String,
    /// Its rank, from 1.
    rank: usize,
    /// Its score.
    hybrid_score: f64,
    /// The score of each part, between 0 and 1.
    ranking_components: Parts,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Metadata {
    /// How much each part counted.
    weights_used: Parts,
    /// How the parts became one score.
    fusion: Fusion,
    /// Whether results gave way to new ones.
    diversity_applied: bool,
    /// How many documents there were.
    total_candidates: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Performance {
    /// The milliseconds that ranking took.
    total_time_ms: f64,
    /// How many documents were ranked.
    documents_processed: usize,
    /// How many results there are.
    results_returned: usize,
}

fn ten() -> usize {
    10
}

fn yes() -> bool {
    true
}

fn default_lambda() -> f64 {
    DEFAULT_LAMBDA
}

fn carry_out(context: &Context<'_>, mut arguments: Arguments) -> Result<Answer, ToolError> {
    text_within("query", &arguments.query, MAX_TEXT)?;
    number_within("diversity_lambda", arguments.diversity_lambda, 0.0..=1.0)?;
    arguments.search_context.check()?;
    if arguments.top_k == 0 {
        return Err(ToolError::argument("top_k", "is 0; ask for at least one result"));
    }
    if arguments.query_vector.as_ref().is_some_and(Vec::is_empty) {
        return Err(ToolError::argument("query_vector", "is empty; give at least one number"));
    }
    let weights = arguments.ranking_weights.unwrap_or(DEFAULT_WEIGHTS).normalized()?;
    let mut documents = arguments.candidate_documents.take();
    if arguments.embed {
        let given = documents.as_deref_mut().unwrap_or_default();
        embedding::fill(context, &arguments.query, &mut arguments.query_vector, given)?;
    }
    let index_id = arguments.index_id.take();
    source::with(context, "candidate_documents", documents, index_id.as_deref(), |view| {
        rank(context, view, &arguments, weights)
    })
}

fn rank(
    context: &Context<'_>,
    view: View<'_>,
    arguments: &Arguments,
    weights: Parts,
) -> Result<Answer, ToolError> {
    let started = Instant::now();
    let parts = parts(context, view, arguments)?;
    let scores = match arguments.fusion {
        Fusion::Weighted => parts.iter().map(|parts| parts.weighted(weights)).collect(),
        Fusion::ReciprocalRank => reciprocal_scores(&parts, weights),
    };
    let applies = arguments.apply_diversity;
    // What is picked for diversity comes out of more than what is wanted.
    let n_ranked = if applies { scores.len() } else { arguments.top_k };
    let mut picked = best(&scores, n_ranked);
    if applies {
        let highest = picked.first().map_or(1.0, |first| scores[*first]).max(f64::MIN_POSITIVE);
        let ranked: Vec<(usize, f64)> =
            picked.iter().map(|position| (*position, scores[*position] / highest)).collect();
        let lambda = arguments.diversity_lambda;
        picked = diversity::pick(context, view, &ranked, arguments.top_k, lambda)?;
    }
    let ranked_results: Vec<Ranked> = picked
        .into_iter()
        .enumerate()
        .map(|(at, position)| Ranked {
            doc_id: view.corpus.id(position).to_owned(),
            rank: at + 1,
            hybrid_score: scores[position],
            ranking_components: parts[position],
        })
        .collect();
    Ok(Answer {
        ranking_metadata: Metadata {
            weights_used: weights,
            fusion: arguments.fusion,
            diversity_applied: applies,
            total_candidates: parts.len(),
        },
        performance_metrics: Performance {
            total_time_ms: started.elapsed().as_secs_f64() * 1e3,
            documents_processed: parts.len(),
            results_returned: ranked_results.len(),
        },
        ranked_results,
    })
}

/// Returns the score of each document in each part, all between 0 and 1.
fn parts(
    context: &Context<'_>,
    view: View<'_>,
    arguments: &Arguments,
) -> Result<Vec<Parts>, ToolError> {
    let mut words = Bm25::default().scores(&view.matches(context, &arguments.query)?);
    normalize(&mut words);
    context.check()?;
    let mut links = Graph::new(view.corpus, None).ranks(DEFAULT_DAMPING, DEFAULT_ITERATIONS).shares;
    // A share of a thousand documents is small; beside the others it counts by the largest.
    normalize(&mut links);
    context.check()?;
    #[expect(clippy::cast_precision_loss, reason = "the time of day needs no more than 53 bits")]
    let now = context.ports().clock.unix_seconds() as f64;
    let documents = view.corpus.documents().iter().enumerate();
    documents
        .map(|(at, document)| {
            let near = match (&arguments.query_vector, &document.vector) {
                (Some(query), Some(vector)) => {
                    same_length(&format!("candidate_documents[{at}].vector"), vector, query)?;
                    compare(Metric::Cosine, query, vector).similarity.max(0.0)
                }
                _ => 0.0,
            };
            Ok(Parts {
                vector_similarity: near,
                bm25_score: words[at],
                page_rank_score: links[at],
                contextual_relevance: arguments.search_context.relevance(document, now),
            })
        })
        .collect()
}

fn reciprocal_scores(parts: &[Parts], weights: Parts) -> Vec<f64> {
    let mut scores = vec![0.0; parts.len()];
    for (part, weight) in weights.numbers().into_iter().enumerate() {
        let of_part: Vec<f64> = parts.iter().map(|parts| parts.numbers()[part]).collect();
        let ranked = best(&of_part, parts.len());
        // What has nothing of a part has no rank in it.
        let ranked = ranked.into_iter().filter(|position| of_part[*position] > 0.0);
        for (at, position) in ranked.enumerate() {
            scores[position] += weight * reciprocal(at, DEFAULT_RANK_CONSTANT);
        }
    }
    scores
}
