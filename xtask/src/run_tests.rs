//! `cargo xtask test`: every test of the workspace, with the peers they talk to.
//!
//! Tests find the peers by environment variables, which `CONTRIBUTING.md` documents; a test that needs a peer fails
//! when its variable is not set, so that nothing is skipped in silence.

use std::process::Command;

use crate::setup::{self, Scope};
use crate::shell;
use crate::workspace::Workspace;

/// Installs what is missing, then runs unit, integration and documentation tests.
pub(crate) fn run(
    workspace: &Workspace,
    yes: bool,
    nextest_arguments: &[String],
) -> anyhow::Result<()> {
    setup::run(workspace, Scope::Tests, yes)?;
    nextest(workspace, nextest_arguments)?;
    documentation_tests(workspace)
}

/// Runs the tests by nextest.
pub(crate) fn nextest(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<()> {
    let mut command = shell::cargo(workspace);
    command.args(["nextest", "run", "--workspace"]).args(arguments);
    shell::run(with_peers(workspace, &mut command))
}

/// Runs the examples in documentation, which nextest does not know.
pub(crate) fn documentation_tests(workspace: &Workspace) -> anyhow::Result<()> {
    let mut command = shell::cargo(workspace);
    command.args(["test", "--quiet", "--workspace", "--doc"]);
    shell::run(with_peers(workspace, &mut command))
}

/// Tells the tests where the peers are.
fn with_peers<'a>(workspace: &Workspace, command: &'a mut Command) -> &'a mut Command {
    command
        .env("GANTRY_TEST_NODE", setup::node_program(workspace))
        .env("GANTRY_TEST_NODE_MODULES", workspace.node_modules())
        .env("GANTRY_TEST_PYTHON", workspace.python_program("python"))
}
