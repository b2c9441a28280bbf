//! Where the documents of a call come from: the call itself, or a collection.

use std::sync::Arc;

use super::document::{Corpus, Document};
use super::index::View;
use crate::context::Context;
use crate::error::ToolError;

/// Does something with the documents of a call, of which `field` holds those that it brings itself.
pub(super) fn with<R>(
    context: &Context<'_>,
    field: &str,
    documents: Option<Vec<Document>>,
    index_id: Option<&str>,
    rank: impl FnOnce(View<'_>) -> Result<R, ToolError>,
) -> Result<R, ToolError> {
    match (documents, index_id) {
        (Some(documents), None) => {
            let corpus = Corpus::new(field, documents)?;
            rank(View { corpus: &corpus, index: None })
        }
        (None, Some(index_id)) => {
            let Some(collection) = context.services.collections().get(context.principal, index_id)
            else {
                let problem = "there is no such collection of yours; register it with \
                               register_collection";
                return Err(ToolError::argument("index_id", problem));
            };
            let collection = Arc::clone(&collection);
            let collection = collection.read();
            rank(collection.view())
        }
        (Some(_), Some(_)) => {
            let problem = format!("is given beside `{field}`; give one of them");
            Err(ToolError::argument("index_id", problem))
        }
        (None, None) => {
            let problem = "is required where no `index_id` is given, and was not given";
            Err(ToolError::argument(field, problem))
        }
    }
}
