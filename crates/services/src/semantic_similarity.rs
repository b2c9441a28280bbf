//! `semantic_similarity`: how alike texts are, in their words and in their meaning.
//!
//! A module for each tool; what they compare by is in [`measure`] and [`term`].

use crate::service::Service;

mod analysis_prompt;
mod features;
mod group;
pub(crate) mod measure;
mod pair;
mod preprocess;
mod search;
mod status;
mod term;
mod texts;
mod thesaurus;

/// The service.
pub static SERVICE: Service = Service {
    name: "semantic_similarity",
    port: 8109,
    title: "Semantic similarity",
    description: "Compares texts by their words and their meaning, one by one or in groups.",
    tools: &[
        pair::TOOL,
        search::TOOL,
        group::TOOL,
        preprocess::TOOL,
        features::TOOL,
        pair::PLAIN,
        status::TOOL,
    ],
    extras: &[],
    resources: &[status::RESOURCE],
    prompts: &[analysis_prompt::PROMPT],
};
