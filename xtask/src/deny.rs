//! `cargo xtask deny`: the rules of `deny.toml` for third-party crates.
//!
//! Advisories are apart, because their database is fetched: where it cannot be reached, that is said loudly and does
//! not fail the run, while an advisory that was found does.

use std::process::Stdio;

use anyhow::{Context as _, bail};

use crate::setup;
use crate::shell;
use crate::workspace::Workspace;

/// What cargo-deny says when it has no database to look into.
const DATABASE_UNREACHABLE: &str = "failed to fetch advisory database";

/// Checks bans, licences and sources, then advisories.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    setup::install_cargo_deny(workspace)
        .context("failed to install cargo-deny; is crates.io reachable?")?;
    // A room that does not use its crate yet is no news, and `cargo tree -i` shows who brings a crate in.
    let arguments = ["deny", "check", "--hide-inclusion-graph", "--allow", "unused-wrapper"];
    shell::run(shell::cargo(workspace).args(arguments).args(["bans", "licenses", "sources"]))?;
    advisories(workspace)
}

fn advisories(workspace: &Workspace) -> anyhow::Result<()> {
    let mut command = shell::cargo(workspace);
    // A network that swallows everything must not hold up the run: git gives up when hardly anything comes.
    command.env("GIT_HTTP_LOW_SPEED_LIMIT", "1000").env("GIT_HTTP_LOW_SPEED_TIME", "20");
    command.args(["deny", "check", "advisories"]);
    println!("$ {}", shell::show(&command));
    let output = command
        .stdin(Stdio::null())
        .output()
        .context("failed to start `cargo deny check advisories`")?;
    let text = String::from_utf8_lossy(&output.stderr);
    eprint!("{text}");
    if output.status.success() {
        return Ok(());
    }
    if text.contains(DATABASE_UNREACHABLE) {
        eprintln!(
            "WARNING: security advisories were NOT checked: their database cannot be reached from here"
        );
        return Ok(());
    }
    bail!("security advisories concern this workspace; see above, and update what they name");
}
