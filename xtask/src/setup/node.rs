//! MCP servers and clients from npm, and a Node that is new enough to run them.
//!
//! npm itself supplies that Node, as a package of its own: the conformance suite needs version 22, which a
//! distribution may not have. On platforms without such a package the machine's own `node` is used.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, bail};

use super::stamp;
use crate::shell;
use crate::workspace::Workspace;

const MANIFESTS: [&str; 2] = ["tests/peers/package.json", "tests/peers/package-lock.json"];

/// The oldest major version of Node that the packages run on.
const OLDEST_NODE: u32 = 22;

/// Whether the packages of the current manifests are there.
pub(super) fn is_installed(workspace: &Workspace) -> anyhow::Result<bool> {
    let fingerprint = stamp::fingerprint(workspace, &MANIFESTS)?;
    Ok(stamp::matches(&workspace.target("peers/node"), &fingerprint))
}

/// Installs exactly what the lockfile says.
pub(super) fn install(workspace: &Workspace) -> anyhow::Result<()> {
    let folder = workspace.target("peers/node");
    fs::create_dir_all(&folder)
        .with_context(|| format!("failed to create `{}`", folder.display()))?;
    for manifest in MANIFESTS {
        let source = workspace.path(manifest);
        let name = source.file_name().context("a manifest has a file name")?;
        fs::copy(&source, folder.join(name))
            .with_context(|| format!("failed to copy `{manifest}`"))?;
    }
    // None of the packages needs its install scripts, and what does not run cannot do harm.
    let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    shell::run(shell::command(workspace, "npm").args(arguments).current_dir(&folder))?;
    check_version(workspace, &node_program(workspace))?;
    stamp::write(&folder, &stamp::fingerprint(workspace, &MANIFESTS)?)
}

/// The Node to run the packages with.
pub(crate) fn node_program(workspace: &Workspace) -> PathBuf {
    let packaged = workspace.node_modules().join(".bin/node");
    if packaged.is_file() {
        return packaged;
    }
    shell::find_program(workspace, "node").unwrap_or_else(|| PathBuf::from("node"))
}

fn check_version(workspace: &Workspace, node: &PathBuf) -> anyhow::Result<()> {
    let version = shell::capture(shell::command(workspace, node).arg("--version"))?;
    let major = version
        .trim()
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok());
    match major {
        Some(major) if major >= OLDEST_NODE => Ok(()),
        _ => bail!(
            "`{}` is {}, but the peers need {OLDEST_NODE} or later",
            node.display(),
            version.trim()
        ),
    }
}
