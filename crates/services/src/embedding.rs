//! Vectors of texts, by the model that the operator named.

use crate::error::ToolError;
use crate::ports::Embeddings;

/// Returns one vector for each text, all of one length.
pub(crate) fn embed(model: &dyn Embeddings, texts: &[&str]) -> Result<Vec<Vec<f64>>, ToolError> {
    let unavailable = |problem: String| ToolError::Unavailable { what: "embeddings", problem };
    let vectors = model.embed(texts).map_err(|error| unavailable(error.to_string()))?;
    let length = vectors.first().map_or(0, Vec::len);
    let is_odd = |vector: &Vec<f32>| vector.is_empty() || vector.len() != length;
    if vectors.len() != texts.len() || vectors.iter().any(is_odd) {
        return Err(unavailable("the model returned something else than a vector each".to_owned()));
    }
    let widen = |vector: Vec<f32>| vector.into_iter().map(f64::from).collect();
    Ok(vectors.into_iter().map(widen).collect())
}
