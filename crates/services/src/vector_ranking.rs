//! `vector_ranking`: documents in the order of their worth for a query.
//!
//! A module for each tool. What they rank by is in [`bm25`], [`page_rank`] and [`diversity`]; where
//! the documents come from, in [`source`].

use crate::service::Service;

mod analysis_prompt;
mod bm25;
mod bm25_scores;
pub(crate) mod collection;
mod diversity;
mod document;
mod embedding;
mod fusion;
mod index;
mod page_rank;
mod page_rank_scores;
mod register;
mod search;
mod search_context;
mod similarity;
mod source;
mod status;
mod weights;

/// The service.
pub static SERVICE: Service = Service {
    name: "vector_ranking",
    port: 8103,
    title: "Vector ranking",
    description: "Ranks documents by vectors, words, links and context, alone or together.",
    tools: &[
        search::TOOL,
        bm25_scores::TOOL,
        page_rank_scores::TOOL,
        similarity::TOOL,
        status::TOOL,
    ],
    extras: &[&[fusion::TOOL, register::REGISTER, register::REMOVE]],
    resources: &[status::RESOURCE],
    prompts: &[analysis_prompt::PROMPT],
};
