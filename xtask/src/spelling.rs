//! `cargo xtask spelling`: the checker `typos` over the whole checkout, with the exceptions of `_typos.toml`.

use crate::setup::{self, Scope};
use crate::shell;
use crate::workspace::Workspace;

/// Checks the spelling; the checker comes with the Python packages of the tests.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    setup::run(workspace, Scope::Tests, false)?;
    shell::run(
        shell::command(workspace, workspace.python_program("typos"))
            .args(["--config", "_typos.toml"]),
    )
}
