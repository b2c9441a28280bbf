//! What a leg's server spends its time on, as `perf` sees it under load.

use std::time::Duration;

use anyhow::Context as _;

use super::legs::RunningLeg;
use super::{Case, load};
use crate::server_process::ServerProcess;
use crate::shell;
use crate::workspace::Workspace;

/// How long the load lasts.
const LOAD_SECONDS: u32 = 6;

/// How long perf looks, within the load.
const RECORD_SECONDS: u32 = 4;

/// How long perf may take to write down what it saw.
const RECORD_LIMIT: Duration = Duration::from_secs(30);

/// Functions that take less than this share of the time are left out.
const LEAST_PERCENT: &str = "0.7";

/// Loads `leg` with `case` and returns its server's functions, those that take most of the time first.
///
/// Needs `perf`, and the rights to look at other processes.
pub(super) fn functions(
    workspace: &Workspace,
    leg: &RunningLeg,
    case: Case,
    upstream: std::net::SocketAddr,
) -> anyhow::Result<String> {
    let processes = leg.processes()?.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    let data = workspace.target("bench/perf.data");
    let mut command = shell::command(workspace, "perf");
    command
        .args(["record", "--quiet", "--freq", "1999", "--pid", &processes, "--output"])
        .arg(&data);
    command.args(["--", "sleep", &RECORD_SECONDS.to_string()]);
    let mut recorder = ServerProcess::start(workspace, "perf", &mut command)
        .context("profiles need `perf`; on Debian it is in the package `linux-perf`")?;
    load::apply(workspace, leg, case, upstream, LOAD_SECONDS)?;
    let status = recorder.wait(RECORD_LIMIT)?;
    anyhow::ensure!(status.success(), "perf ended with {status}; may you look at other processes?");
    let mut command = shell::command(workspace, "perf");
    command.args([
        "report",
        "--stdio",
        "--no-children",
        "--sort",
        "symbol",
        "--percent-limit",
        LEAST_PERCENT,
        "--input",
    ]);
    let report = shell::capture(command.arg(&data))?;
    let lines = report.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    Ok(lines.collect::<Vec<_>>().join("\n"))
}
