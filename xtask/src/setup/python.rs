//! MCP servers and clients from the Python package index, and the spelling checker, in an environment of their own.

use std::fs;

use anyhow::Context as _;

use super::stamp;
use crate::shell;
use crate::workspace::Workspace;

const MANIFESTS: [&str; 1] = ["tests/peers/requirements.txt"];

/// Whether the packages of the current manifest are there.
pub(super) fn is_installed(workspace: &Workspace) -> anyhow::Result<bool> {
    let fingerprint = stamp::fingerprint(workspace, &MANIFESTS)?;
    Ok(stamp::matches(&workspace.target("peers/python"), &fingerprint))
}

/// Makes the environment anew and installs exactly the pinned versions.
pub(super) fn install(workspace: &Workspace) -> anyhow::Result<()> {
    let folder = workspace.target("peers/python");
    if folder.exists() {
        // What another set of versions left behind would be found by the tests.
        fs::remove_dir_all(&folder)
            .with_context(|| format!("failed to remove `{}`", folder.display()))?;
    }
    shell::run(shell::command(workspace, "python3").args(["-m", "venv"]).arg(&folder))?;
    let python = workspace.python_program("python");
    let arguments = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--requirement",
        MANIFESTS[0],
    ];
    shell::run(shell::command(workspace, python).args(arguments))?;
    stamp::write(&folder, &stamp::fingerprint(workspace, &MANIFESTS)?)
}
