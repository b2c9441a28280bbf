//! Diversity: what is found should not say the same again and again.

use super::index::View;
use crate::context::Context;
use crate::error::ToolError;
use crate::vector_similarity::metric::{Metric, compare};

/// How much a good answer counts beside a new one.
pub(super) const DEFAULT_LAMBDA: f64 = 0.7;
/// So many times the wanted results are considered.
const POOL: usize = 5;
/// The most documents that are considered.
const MAX_POOL: usize = 1000;

/// Picks `n_wanted` of the documents, which are given best first with scores between 0 and 1.
///
/// Each pick is the one with the highest lambda * score - (1 - lambda) * (how alike it is to the one
/// among those picked before that it is most alike) (maximal marginal relevance).
pub(super) fn pick(
    context: &Context<'_>,
    view: View<'_>,
    ranked: &[(usize, f64)],
    n_wanted: usize,
    lambda: f64,
) -> Result<Vec<usize>, ToolError> {
    let pool = &ranked[..ranked.len().min(n_wanted.saturating_mul(POOL)).min(MAX_POOL)];
    let mut left: Vec<Candidate> =
        pool.iter().map(|&(document, score)| Candidate { document, score, nearest: 0.0 }).collect();
    let mut picked = Vec::with_capacity(n_wanted.min(left.len()));
    while picked.len() < n_wanted && !left.is_empty() {
        context.check()?;
        let best = best(&left, lambda);
        let document = left.remove(best).document;
        picked.push(document);
        for other in &mut left {
            other.nearest = other.nearest.max(likeness(view, document, other.document));
        }
    }
    // What was not considered follows in its order.
    let rest = ranked[pool.len()..].iter().map(|(document, _)| *document);
    let missing = n_wanted - picked.len();
    picked.extend(rest.take(missing));
    Ok(picked)
}

struct Candidate {
    document: usize,
    score: f64,
    nearest: f64,
}

fn best(candidates: &[Candidate], lambda: f64) -> usize {
    let value = |one: &Candidate| lambda * one.score - (1.0 - lambda) * one.nearest;
    let mut best = 0;
    for (at, candidate) in candidates.iter().enumerate().skip(1) {
        if value(candidate) > value(&candidates[best]) {
            best = at;
        }
    }
    best
}

/// Returns how alike two documents are: by their vectors if both have one, else by their words.
fn likeness(view: View<'_>, left: usize, right: usize) -> f64 {
    let documents = view.corpus.documents();
    match (&documents[left].vector, &documents[right].vector) {
        (Some(left), Some(right)) if left.len() == right.len() && !left.is_empty() => {
            compare(Metric::Cosine, left, right).similarity.max(0.0)
        }
        _ => view.words_in_common(left, right),
    }
}
