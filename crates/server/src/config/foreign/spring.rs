//! `application.yml` of Global MCP Client: a Spring application's file, with its profiles.
//!
//! Like Spring it works on properties: [`properties`] makes `mcp.servers.a.args[0]` of the YAML,
//! [`profiles`] decides which documents and files hold and in which order, [`settings`] takes over
//! what Gantry has, and [`reasons`] says of the rest why not. Key words may be written in kebab
//! case, camel case or with underscores.

mod duration;
mod identity;
mod profiles;
mod properties;
mod reasons;
mod servers;
mod settings;
mod traffic;

use std::path::PathBuf;

use super::super::env::Env;
use super::super::problem::Problem;
use super::super::tree::Node;
use super::draft::Draft;

/// What was read, and from where.
pub(super) struct Application {
    /// Every file that has a say, the main one first; what stands in it bears its index.
    pub(super) files: Vec<PathBuf>,
    /// Files that are not there and would have a say.
    pub(super) candidates: Vec<PathBuf>,
}

/// Takes over the documents of the main file `files[0]`, of the other `files`, and of those that
/// they and the profiles name.
///
/// # Errors
///
/// One of the files cannot be read.
pub(super) fn convert(
    documents: Vec<Node>,
    files: &[PathBuf],
    env: &Env,
    draft: &mut Draft<'_>,
) -> Result<Application, Problem> {
    let mut loader = profiles::Loader::new(env);
    let properties = loader.load(documents, files, draft)?;
    servers::take(&properties, draft);
    settings::take(&properties, draft);
    traffic::take(&properties, draft);
    identity::take(&properties, draft);
    for property in properties.unused() {
        draft.note(&property.key, property.node.at, reasons::of(&property.canonical));
    }
    Ok(loader.finish())
}
