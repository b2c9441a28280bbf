//! `vectorsim://calculator/metrics`: which metrics there are.

use serde_json::{Value, json};

use crate::context::Context;
use crate::error::ToolError;
use crate::service::Resource;

/// The resource.
pub(super) const RESOURCE: Resource = Resource {
    uri: "vectorsim://calculator/metrics",
    title: "Metrics for vectors",
    description: "The metrics, what each measures, and between which numbers its result is.",
    read,
};

#[expect(clippy::unnecessary_wraps, reason = "other resources may fail")]
fn read(_: &Context<'_>) -> Result<Value, ToolError> {
    let metric = |kind: &str, range: [Value; 2], description: &str, best_for: &str| {
        json!({
            "type": kind, "range": range, "description": description, "best_for": best_for,
        })
    };
    Ok(json!({
        "metrics": {
            "cosine": metric(
                "similarity",
                [json!(-1), json!(1)],
                "the cosine of the angle; 0 if a vector has no direction",
                "embeddings, and whatever is told apart by direction and not by length",
            ),
            "euclidean": metric(
                "distance",
                [json!(0), Value::Null],
                "the straight distance d; the similarity is 1 / (1 + d)",
                "positions and measurements of one scale",
            ),
            "manhattan": metric(
                "distance",
                [json!(0), Value::Null],
                "the sum d of the differences; the similarity is 1 / (1 + d)",
                "grids, and numbers of which a single large difference should not decide",
            ),
            "dot_product": metric(
                "similarity",
                [Value::Null, Value::Null],
                "the sum of the products; the distance is its negative",
                "vectors whose length counts too",
            ),
            "jaccard": metric(
                "similarity",
                [json!(0), json!(1)],
                "of the places that are positive in either, the share that is in both",
                "sets, one place for each possible member",
            ),
            "hamming": metric(
                "distance",
                [json!(0), json!("the length of the vectors")],
                "the places at which one is above 0.5 and the other is not",
                "yes-or-no features",
            ),
        },
    }))
}
