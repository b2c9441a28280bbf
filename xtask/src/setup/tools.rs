//! Cargo's helpers, built from source where the developer has none.

use crate::shell;
use crate::workspace::Workspace;

/// The release of cargo-deny that `deny.toml` is written for.
const CARGO_DENY: &str = "0.20.2";

/// The release of cargo-nextest that is built where there is none.
const CARGO_NEXTEST: &str = "0.9.143";

/// Whether `cargo nextest` works.
pub(super) fn has_nextest(workspace: &Workspace) -> bool {
    shell::find_program(workspace, "cargo-nextest").is_some()
}

/// Builds cargo-nextest.
pub(super) fn install_nextest(workspace: &Workspace) -> anyhow::Result<()> {
    install(workspace, "cargo-nextest", CARGO_NEXTEST, &[])
}

/// Builds cargo-deny unless it is there: only `cargo xtask deny` needs it.
pub(crate) fn install_cargo_deny(workspace: &Workspace) -> anyhow::Result<()> {
    let own = workspace.tools().join("bin/cargo-deny");
    let is_current = own.is_file()
        && shell::capture(shell::command(workspace, &own).arg("--version"))?
            .trim()
            .ends_with(CARGO_DENY);
    if is_current {
        return Ok(());
    }
    install(workspace, "cargo-deny", CARGO_DENY, &["--no-default-features"])
}

/// Installs one program from crates.io into our own tools.
fn install(
    workspace: &Workspace,
    name: &str,
    version: &str,
    features: &[&str],
) -> anyhow::Result<()> {
    // Without optimisation these take about a minute to build instead of several, and they wait more than they work.
    let arguments = ["install", "--locked", "--debug", "--version", version, "--root"];
    shell::run(
        shell::cargo(workspace).args(arguments).arg(workspace.tools()).args(features).arg(name),
    )
}
