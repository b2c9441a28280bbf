//! `calculate_bm25_scores_mcp`: how well documents answer a query by their words.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bm25::{Bm25, DEFAULT_B, DEFAULT_K1, normalize};
use super::document::Document;
use super::index::{Matches, View};
use super::source;
use crate::arguments::{MAX_TEXT, number_within, text_within};
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// How many documents of a collection are in the answer if nothing else is asked for.
const DEFAULT_OF_COLLECTION: usize = 100;

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "calculate_bm25_scores_mcp",
    alias: Some("calculate_bm25_scores"),
    title: "Score documents by their words",
    description: "Scores documents, given or registered before, by how well their words answer a \
                  query (BM25). The best has the score 1.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Light,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[
        Example {
            title: "Three documents",
            arguments: r#"{"query": "red fox", "documents": [
                {"docId": "a", "content": "The red fox jumps."},
                {"docId": "b", "content": "A fox sleeps."},
                {"docId": "c", "content": "Nothing to see."}
            ]}"#,
            answer: r#"{"scores": {"a": 1, "b": 0.36540822876958756},
                "query_terms": ["red", "fox"],
                "corpus_stats": {"total_documents": 3, "total_tokens": 10}}"#,
        },
        Example {
            title: "What each word adds",
            arguments: r#"{"query": "fox", "return_details": true, "top_k": 1,
                "documents": [{"content": "fox and fox"}, {"content": "hound"}]}"#,
            answer: r#"{"scores": {"0": 1}, "max_score": 0.8355746834147286,
                "score_details": {"0": {"doc_length": 3, "term_scores": {"fox": {
                    "tf": 2, "df": 1, "idf": 0.6931471805599453}}}}}"#,
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
    documents: Option<Vec<Document>>,
    /// A collection that was registered with `register_collection`.
    #[serde(default)]
    index_id: Option<String>,
    /// How fast a word that is repeated stops to count for more.
    #[serde(default = "default_k1")]
    #[schemars(range(min = 0.0, max = 100.0))]
    k1: f64,
    /// How far a long document counts for less: from 0, not at all, to 1.
    #[serde(default = "default_b")]
    #[schemars(range(min = 0.0, max = 1.0))]
    b: f64,
    /// Whether the answer says what each word adds.
    #[serde(default)]
    return_details: bool,
    /// The most documents in the answer. All of them if it is not given, or 100 of a collection.
    #[serde(default)]
    #[schemars(range(min = 1))]
    top_k: Option<usize>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// By document, the best first: its score, divided by the best one.
    scores: IndexMap<String, f64>,
    /// The best score before it was divided by itself.
    max_score: f64,
    /// The words of the query.
    query_terms: Vec<String>,
    /// What the documents are, taken together.
    corpus_stats: CorpusStats,
    /// The constants that were used.
    parameters: Parameters,
    /// By document: what each word adds, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    score_details: Option<IndexMap<String, Details>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct CorpusStats {
    /// How many documents there are.
    total_documents: usize,
    /// How many words one has on average.
    avg_doc_length: f64,
    /// How many words all have together.
    total_tokens: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Parameters {
    k1: f64,
    b: f64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Details {
    /// Its score, not divided by anything.
    total_score: f64,
    /// How many words it has.
    doc_length: u32,
    /// What each word of the query adds.
    term_scores: IndexMap<String, TermScore>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct TermScore {
    /// How often the document has it.
    tf: u32,
    /// How many documents have it.
    df: usize,
    /// For how much it counts by its rarity.
    idf: f64,
    /// What it adds to the score.
    score: f64,
}

fn default_k1() -> f64 {
    DEFAULT_K1
}

fn default_b() -> f64 {
    DEFAULT_B
}

fn carry_out(context: &Context<'_>, mut arguments: Arguments) -> Result<Answer, ToolError> {
    text_within("query", &arguments.query, MAX_TEXT)?;
    number_within("k1", arguments.k1, 0.0..=100.0)?;
    number_within("b", arguments.b, 0.0..=1.0)?;
    if arguments.top_k == Some(0) {
        return Err(ToolError::argument("top_k", "is 0; ask for at least one document"));
    }
    let documents = arguments.documents.take();
    let index_id = arguments.index_id.take();
    source::with(context, "documents", documents, index_id.as_deref(), |view| {
        answer(context, view, &arguments)
    })
}

fn answer(
    context: &Context<'_>,
    view: View<'_>,
    arguments: &Arguments,
) -> Result<Answer, ToolError> {
    let &Arguments { k1, b, return_details, top_k, .. } = arguments;
    let matches = view.matches(context, &arguments.query)?;
    if matches.terms.is_empty() {
        return Err(ToolError::argument("query", "has no word; give at least one"));
    }
    let bm25 = Bm25 { k1, b };
    let mut scores = bm25.scores(&matches);
    let max_score = normalize(&mut scores);
    let of_view = view.index.map_or(view.corpus.len(), |_| DEFAULT_OF_COLLECTION);
    let best = best(&scores, top_k.unwrap_or(of_view));
    let details = |position: usize| details(bm25, &matches, position, scores[position] * max_score);
    let named = |position: &usize| view.corpus.id(*position).to_owned();
    Ok(Answer {
        scores: best.iter().map(|position| (named(position), scores[*position])).collect(),
        max_score,
        query_terms: matches.terms.iter().map(|term| term.term.clone()).collect(),
        corpus_stats: CorpusStats {
            total_documents: matches.lengths.len(),
            avg_doc_length: matches.average_length(),
            total_tokens: matches.n_words(),
        },
        parameters: Parameters { k1, b },
        score_details: return_details
            .then(|| best.iter().map(|position| (named(position), details(*position))).collect()),
    })
}

/// Returns the positions of the best, the best first; of equal ones the first.
pub(super) fn best(scores: &[f64], n_wanted: usize) -> Vec<usize> {
    let mut positions: Vec<usize> = (0..scores.len()).collect();
    let order = |left: &usize, right: &usize| {
        scores[*right].total_cmp(&scores[*left]).then(left.cmp(right))
    };
    if n_wanted < positions.len() {
        positions.select_nth_unstable_by(n_wanted, order);
        positions.truncate(n_wanted);
    }
    positions.sort_unstable_by(order);
    positions
}

fn details(bm25: Bm25, matches: &Matches<'_>, position: usize, total_score: f64) -> Details {
    let mut term_scores = IndexMap::new();
    for term in &matches.terms {
        let found = term.postings.binary_search_by_key(&position, |one| one.document as usize);
        let Ok(found) = found else { continue };
        let posting = term.postings[found];
        let score = TermScore {
            tf: posting.count,
            df: term.postings.len(),
            idf: matches.rarity(term),
            score: bm25.term_score(matches, term, posting),
        };
        term_scores.insert(term.term.clone(), score);
    }
    Details { total_score, doc_length: matches.lengths[position], term_scores }
}
