//! Configuration files of other systems, read as if they were `gantry.yaml`.
//!
//! A file is recognised by what is in it ([`recognise`]). What it says becomes a tree of our own
//! shape ([`draft`]), whose nodes know where they stand in the foreign file; from there on it is
//! checked like any other. What cannot be taken over is told as a [`Note`].
//!
//! * [`clients`]: `mcpServers` and its likes, as desktop clients keep them.
//! * [`spring`]: `application.yml` of Global MCP Client, with profiles.
//! * [`configurable`]: `config.json` of MCP Configurable Framework.
//! * [`json`] reads JSON with comments, [`variables`] understands the variables of clients, and
//!   [`names`] makes names of servers that our rules allow.
//! * [`import`] writes the result down as a file.

pub(crate) mod draft;
pub(crate) mod import;
pub(crate) mod note;
pub(crate) mod reading;

mod clients;
mod configurable;
mod json;
mod names;
mod recognise;
mod spring;
mod variables;

use super::problem::Report;

pub use import::{Imported, import};
pub use note::Note;
pub use recognise::Format;

/// Tells whether a text is another system's file.
pub(crate) fn is_foreign(text: &str) -> bool {
    matches!(recognise::read(text, None, &mut Report::default()), Ok(Some(_)))
}
