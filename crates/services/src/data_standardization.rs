//! `data_standardization`: one form for what was written in many.
//!
//! Accounts, locations and products are brought into hierarchies of four levels ([`classify`]);
//! values of other kinds have a module each. All of it rests on tables ([`table`]). The tools are
//! in [`tools`]; how well all this does on strangers' data is in `docs/services/evaluation.md`.

use crate::service::Service;
use crate::tool::Tool;
use crate::{performance, quality as quality_tools, validation};

mod address;
mod amount;
mod classify;
mod company;
mod date;
mod hierarchy;
mod item;
mod measure;
mod number;
mod person;
mod phone;
mod places;
mod quality;
mod quantity;
mod reading;
mod table;

mod tools;
mod vocabulary;
mod wordlists;

pub(crate) use measure::{Measure, measure};
pub use vocabulary::{Vocabulary, VocabularyError};

/// The service.
pub static SERVICE: Service = Service {
    name: "data_standardization",
    port: 8101,
    title: "Data standardization",
    description: "Data standardization with L4 hierarchical processing: accounts, locations and \
                  products in hierarchies of four levels, and values of many kinds in one form, \
                  each with how sure that is and why.",
    tools: &[
        tools::handle::TOOL,
        tools::accounts::TOOL,
        tools::batch::TOOL,
        tools::workflow::TOOL,
        tools::assess::TOOL,
        tools::validate::TOOL,
        tools::save::TOOL,
        tools::example::TOOL,
        tools::status::QUALITY,
        tools::status::VALIDATION,
        tools::status::PERFORMANCE,
        tools::status::CONFIDENCE,
    ],
    extras: &[VALUES, &validation::TOOLS, &quality_tools::TOOLS, &performance::TOOLS],
    resources: &[validation::PATTERNS, quality_tools::DIMENSIONS, performance::DEFAULTS],
    prompts: &[validation::REPORT, quality_tools::REPORT, performance::REPORT],
};

const VALUES: &[Tool] = &[tools::values::TOOL];
