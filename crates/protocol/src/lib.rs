//! MCP as data: JSON-RPC messages as spans over raw bytes, the methods of every revision, and the
//! pure tables by which one era is told and turned into the other.
//!
//! Nothing here does IO, knows a clock or a runtime. A message is parsed once into spans
//! ([`Message`]); what a gateway must change is spliced in ([`edit`]), and every other byte stays
//! what the peer sent.
#![warn(missing_docs)]

pub mod adapt;
pub mod capabilities;
pub mod edit;
pub mod error;
pub mod headers;
pub mod id;
pub mod json;
pub mod message;
pub mod meta;
pub mod method;
pub mod param_headers;
pub mod resource_error;
pub mod revision;
pub mod sse;
pub mod tool;
pub mod verdict;

pub use edit::ObjectEdit;
pub use error::{RpcError, code};
pub use id::Id;
pub use json::{Object, Span};
pub use message::{Kind, Message, ParseError};
pub use revision::{Era, Revision};
