//! Vectors that a call does not bring, by the model that the operator named.

use super::document::Document;
use crate::context::Context;
use crate::embedding::embed;
use crate::error::ToolError;

/// The most documents of one call whose vectors are made.
const MAX_DOCUMENTS: usize = 1_000;

/// Makes the vectors of the query and of the documents that have none.
pub(super) fn fill(
    context: &Context<'_>,
    query: &str,
    query_vector: &mut Option<Vec<f64>>,
    documents: &mut [Document],
) -> Result<(), ToolError> {
    let Some(model) = context.ports().embeddings.as_deref() else {
        let problem = "there is no model; the operator names one by `services.embeddings`";
        return Err(ToolError::Unavailable { what: "embeddings", problem: problem.to_owned() });
    };
    let is_bare =
        |document: &&mut Document| document.vector.is_none() && !document.text().is_empty();
    let mut bare: Vec<&mut Document> = documents.iter_mut().filter(is_bare).collect();
    if bare.len() > MAX_DOCUMENTS {
        let problem = format!(
            "has {} documents without a vector; the vectors of at most {MAX_DOCUMENTS} are made",
            bare.len()
        );
        return Err(ToolError::argument("candidate_documents", problem));
    }
    let asks_for_query = query_vector.is_none() && !query.trim().is_empty();
    let texts: Vec<&str> = asks_for_query
        .then_some(query)
        .into_iter()
        .chain(bare.iter().map(|document| document.text()))
        .collect();
    if texts.is_empty() {
        return Ok(());
    }
    let mut vectors = embed(model, &texts)?.into_iter();
    if asks_for_query {
        *query_vector = vectors.next();
    }
    for (document, vector) in bare.iter_mut().zip(vectors) {
        document.vector = Some(vector);
    }
    Ok(())
}
