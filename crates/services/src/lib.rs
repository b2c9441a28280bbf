//! The nine built-in services: small MCP servers whose tools compute something.
//!
//! Everything here is a pure function of its arguments and of what the [`ports`] say: no socket, no
//! file, no runtime. A [`Service`] is a table of [`Tool`]s; [`catalogue()`] has all of them, and
//! [`Services`] runs them. Who may call, how long, and on which thread is decided outside.
#![warn(missing_docs)]

pub mod arguments;
pub mod catalogue;
pub mod confidence_calculator;
pub mod context;
pub mod data_standardization;
mod embedding;
pub mod error;
mod folding;
mod numbers;
pub mod output;
pub mod page;
mod performance;
pub mod ports;
mod prompt;
mod quality;
pub mod reasoning_agent;
pub mod resource_streaming;
mod schema;
pub mod semantic_similarity;
pub mod service;
mod services;
pub mod session_management;
mod status;
mod text;
pub mod tool;
pub mod transport_layer;
mod usage;
mod validation;
pub mod vector_ranking;
pub mod vector_similarity;

pub use catalogue::catalogue;
pub use context::{CallLink, Context, NoLink};
pub use error::ToolError;
pub use output::Output;
pub use ports::Ports;
pub use service::{Prompt, PromptArgument, Resource, Service};
pub use services::Services;
pub use tool::{Annotations, Effort, Example, Tool};
