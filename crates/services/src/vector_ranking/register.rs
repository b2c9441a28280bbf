//! `register_collection` and `remove_collection`: documents that are sent once.

use std::sync::Arc;

use parking_lot::RwLock;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::collection::Collection;
use super::document::Document;
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, Tool};

/// The most bytes of a name.
const MAX_NAME: usize = 128;

/// Registers.
pub(super) const REGISTER: Tool = Tool {
    name: "register_collection",
    alias: None,
    title: "Register documents",
    description: "Keeps documents under a name, `index_id`, so that they can be ranked again and \
                  again without being sent. They belong to the caller, live as long as the process, \
                  and go when there are too many: at most 16 collections of 200000 documents.",
    annotations: Annotations {
        read_only: false,
        destructive: false,
        idempotent: false,
        open_world: false,
    },
    effort: Effort::Heavy,
    input_schema: schema::input::<Arguments>,
    output_schema: schema::output::<Answer>,
    examples: &[
        Example {
            title: "Two documents",
            arguments: r#"{"index_id": "notes", "documents": [
                {"docId": "a", "content": "red fox"}, {"docId": "b", "content": "grey wolf"}
            ]}"#,
            answer: r#"{"index_id": "notes", "documents": 2, "terms": 4, "evicted": []}"#,
        },
        Example {
            title: "One more",
            arguments: r#"{"index_id": "notes", "append": true, "documents": [
                {"docId": "c", "content": "red wolf"}
            ]}"#,
            answer: r#"{"index_id": "notes", "documents": 3, "terms": 4}"#,
        },
    ],
    run: |context, raw| tool::run(context, raw, register),
};

/// Removes.
pub(super) const REMOVE: Tool = Tool {
    name: "remove_collection",
    alias: None,
    title: "Forget registered documents",
    description: "Forgets a collection of the caller's that was registered.",
    annotations: Annotations {
        read_only: false,
        destructive: true,
        idempotent: true,
        open_world: false,
    },
    effort: Effort::Light,
    input_schema: schema::input::<Which>,
    output_schema: schema::output::<Removed>,
    examples: &[Example {
        title: "There is none",
        arguments: r#"{"index_id": "notes"}"#,
        answer: r#"{"index_id": "notes", "removed": false}"#,
    }],
    run: |context, raw| tool::run(context, raw, |context, which| Ok(remove(context, which))),
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The name of the collection.
    #[schemars(length(min = 1, max = 128))]
    index_id: String,
    /// The documents.
    documents: Vec<Document>,
    /// Whether they are added to those that are there; without it they take their place.
    #[serde(default)]
    append: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// The name of the collection.
    index_id: String,
    /// How many documents it has now.
    documents: usize,
    /// How many different words they have.
    terms: usize,
    /// About how many bytes it takes.
    bytes: usize,
    /// The caller's other collections that had to go for it.
    evicted: Vec<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    /// The name of the collection.
    index_id: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Removed {
    /// The name of the collection.
    index_id: String,
    /// Whether there was one.
    removed: bool,
}

fn register(context: &Context<'_>, arguments: Arguments) -> Result<Answer, ToolError> {
    let Arguments { index_id, documents, append } = arguments;
    if index_id.is_empty() || index_id.len() > MAX_NAME {
        let problem = format!("has {} bytes; give a name of 1 to {MAX_NAME}", index_id.len());
        return Err(ToolError::argument("index_id", problem));
    }
    context.check()?;
    let collections = context.services.collections();
    let known = if append { collections.get(context.principal, &index_id) } else { None };
    let collection = known.unwrap_or_else(|| Arc::new(RwLock::new(Collection::default())));
    let (n_documents, n_terms, bytes) = {
        let mut collection = collection.write();
        collection.add(documents)?;
        let (n_documents, n_terms) = collection.size();
        (n_documents, n_terms, collection.bytes())
    };
    let evicted = collections.put(context.principal, &index_id, collection);
    Ok(Answer { index_id, documents: n_documents, terms: n_terms, bytes, evicted })
}

fn remove(context: &Context<'_>, which: Which) -> Removed {
    let Which { index_id } = which;
    let removed = context.services.collections().remove(context.principal, &index_id);
    Removed { index_id, removed }
}
