//! `mcp_similarity_calculator` and `similarity://calculator/config`: the service about itself.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::measure::{Components, WEIGHTS};
use super::term::{SAME_CATEGORY, SYNONYMS, WRITTEN_ALIKE};
use super::thesaurus;
use crate::context::Context;
use crate::error::ToolError;
use crate::schema;
use crate::service::Resource;
use crate::status::Status;
use crate::text::stop_words::{Language, languages};
use crate::tool::{self, Annotations, Effort, Example, NoArguments, Tool};

/// The tool.
pub(super) const TOOL: Tool = Tool {
    name: "mcp_similarity_calculator",
    alias: None,
    title: "State of the text service",
    description: "Tells what compares the meaning of texts, how much each part of a hybrid \
                  similarity counts, how often the tools of the service were called since the \
                  start, and which calls the caller made last.",
    annotations: Annotations::TELLS,
    effort: Effort::Light,
    input_schema: schema::input::<NoArguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "Without a model",
        arguments: "{}",
        answer: r#"{"service": "semantic_similarity", "semantic_measure": "lexical",
            "hybrid_weights": {"jaccard": 0.3, "cosine": 0.3, "semantic": 0.4}}"#,
    }],
    run: |context, raw| tool::tell(context, raw, carry_out),
};

/// The resource.
pub(super) const RESOURCE: Resource = Resource {
    uri: "similarity://calculator/config",
    title: "How texts are compared",
    description: "The methods, the weights and constants of the measures, and what is known of \
                  words and languages.",
    read,
};

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    #[serde(flatten)]
    status: Status,
    /// What compares meaning: `lexical`, or the name of the operator's model.
    semantic_measure: String,
    /// How much each part of a hybrid similarity counts.
    hybrid_weights: Components,
}

fn carry_out(context: &Context<'_>) -> Answer {
    Answer {
        status: Status::of(context),
        semantic_measure: measure(context),
        hybrid_weights: WEIGHTS,
    }
}

fn measure(context: &Context<'_>) -> String {
    let model = context.ports().embeddings.as_ref().map(|model| model.model().to_owned());
    model.unwrap_or_else(|| "lexical".to_owned())
}

#[expect(clippy::unnecessary_wraps, reason = "other resources may fail")]
fn read(context: &Context<'_>) -> Result<Value, ToolError> {
    let n_stop_words: usize = languages().iter().map(Language::n_stop_words).sum();
    let languages: Vec<&str> = languages().iter().map(|language| language.code).collect();
    Ok(json!({
        "available_methods": ["jaccard", "cosine", "semantic", "hybrid"],
        "hybrid_weights": WEIGHTS,
        "semantic_measure": measure(context),
        "lexical_measure": {
            "same_word": 1.0,
            "synonyms": SYNONYMS,
            "same_category": SAME_CATEGORY,
            "written_alike_from": WRITTEN_ALIKE,
        },
        "semantic_categories": thesaurus::categories(),
        "synonym_group_count": thesaurus::n_groups(),
        "stop_word_count": n_stop_words,
        "stop_word_languages": languages,
    }))
}
