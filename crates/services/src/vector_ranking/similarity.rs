//! `calculate_vector_similarity_mcp`: how near the vectors of documents are to that of a query.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document::{Corpus, Document};
use crate::arguments::finite;
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};
use crate::vector_similarity::metric::{Metric, compare, dot};

/// After so many comparisons the caller is asked whether they still want the answer.
const CHECK_EVERY: usize = 1024;

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "calculate_vector_similarity_mcp",
    alias: Some("calculate_vector_similarity"),
    title: "Score documents by their vectors",
    description: "Says of each document how near its vector is to that of the query: the cosine of \
                  the angle, or the product of vectors that are of length 1 already.",
    annotations: Annotations::COMPUTES,
    effort: Effort::Light,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "Two documents",
        arguments: r#"{"query_vector": [1, 0], "document_vectors": [
            {"id": "a", "vector": [3, 4]}, {"id": "b", "vector": [0, 2]}
        ]}"#,
        answer: r#"{"similarities": {"a": 0.6, "b": 0},
            "metadata": {"query_vector_dim": 2, "documents_processed": 2, "normalized": true}}"#,
    }],
    run: |context, raw| tool::run(context, raw, carry_out),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The vector of the query.
    #[schemars(length(min = 1))]
    query_vector: Vec<f64>,
    /// The documents, each with a vector of the same length.
    document_vectors: Vec<Document>,
    /// Whether the vectors are brought to length 1 first.
    #[serde(default = "yes")]
    normalize: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// By document, in the order in which they were given: the similarity.
    similarities: IndexMap<String, f64>,
    /// How they came about.
    metadata: Metadata,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Metadata {
    /// The length of the vectors.
    query_vector_dim: usize,
    /// How many documents there are.
    documents_processed: usize,
    /// Whether the vectors were brought to length 1.
    normalized: bool,
}

fn yes() -> bool {
    true
}

fn carry_out(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { query_vector, document_vectors, normalize } = arguments;
    if query_vector.is_empty() {
        return Err(ToolError::argument("query_vector", "is empty; give at least one number"));
    }
    let corpus = Corpus::new("document_vectors", document_vectors)?;
    let mut similarities = IndexMap::with_capacity(corpus.len());
    for (at, document) in corpus.documents().iter().enumerate() {
        if at % CHECK_EVERY == 0 {
            context.progress(at, corpus.len(), "comparing vectors")?;
        }
        let field = format!("document_vectors[{at}].vector");
        let Some(vector) = &document.vector else {
            return Err(ToolError::argument(field, "is required and was not given"));
        };
        same_length(&field, vector, &query_vector)?;
        let similarity = if normalize {
            compare(Metric::Cosine, &query_vector, vector).similarity
        } else {
            finite(&field, "the product", dot(&query_vector, vector))?
        };
        similarities.insert(corpus.id(at).to_owned(), similarity);
    }
    Ok(Answer {
        metadata: Metadata {
            query_vector_dim: query_vector.len(),
            documents_processed: similarities.len(),
            normalized: normalize,
        },
        similarities,
    })
}

/// Refuses a vector that is not as long as that of the query.
pub(super) fn same_length(field: &str, vector: &[f64], query: &[f64]) -> Result<(), ToolError> {
    if vector.len() == query.len() {
        return Ok(());
    }
    let problem = format!(
        "has {} numbers and `query_vector` has {}; give vectors of the same length",
        vector.len(),
        query.len()
    );
    Err(ToolError::argument(field, problem))
}
