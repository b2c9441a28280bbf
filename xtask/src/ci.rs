//! `cargo xtask ci`: everything that has to hold before a change goes in, in one list.
//!
//! Quick steps come first; steps that share build artefacts stand together. A step that fails does not keep the others
//! from running, so that one run tells everything; it does make the run fail.

use std::time::{Duration, Instant};

use anyhow::bail;

use crate::generate::{self, Binary};
use crate::setup::{self, Scope};
use crate::shell;
use crate::workspace::Workspace;
use crate::{check_deps, deny, run_tests, smoke, spelling, tidy};

/// One step.
struct Step {
    name: &'static str,
    run: fn(&Workspace) -> anyhow::Result<()>,
}

/// All of them, in order.
const STEPS: &[Step] = &[
    Step { name: "lockfile", run: lockfile },
    Step { name: "formatting", run: formatting },
    Step { name: "check-deps", run: check_deps::run },
    Step { name: "tidy", run: tidy::run },
    Step { name: "setup", run: |workspace| setup::run(workspace, Scope::Tests, false) },
    Step { name: "spelling", run: spelling::run },
    Step { name: "clippy", run: clippy },
    Step { name: "documentation", run: documentation },
    Step {
        name: "tests",
        run: |workspace| run_tests::nextest(workspace, &CI_TESTS.map(str::to_owned)),
    },
    // Ordering: after the tests, which have just built the binary that this step runs.
    Step { name: "generated files", run: generated },
    Step { name: "documentation tests", run: run_tests::documentation_tests },
    Step { name: "deny", run: deny::run },
    Step { name: "smoke", run: smoke::run },
];

/// The profile says what differs from a run by hand (`.config/nextest.toml`).
const CI_TESTS: [&str; 3] = ["--profile", "ci", "--no-fail-fast"];

/// Runs all steps and prints what became of each.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let mut results: Vec<(&str, Duration, anyhow::Result<()>)> = Vec::new();
    for step in STEPS {
        println!("\n== {}", step.name);
        let begin = Instant::now();
        let result = (step.run)(workspace);
        if let Err(error) = &result {
            println!("FAILED {}: {error:#}", step.name);
        }
        results.push((step.name, begin.elapsed(), result));
    }
    println!("\n{:<20} {:>8}  result", "step", "seconds");
    for (name, took, result) in &results {
        let outcome =
            result.as_ref().map_or_else(|error| format!("FAILED: {error:#}"), |()| "ok".to_owned());
        println!("{name:<20} {:>8.1}  {outcome}", took.as_secs_f64());
    }
    let total: Duration = results.iter().map(|(_, took, _)| *took).sum();
    println!("{:<20} {:>8.1}", "total", total.as_secs_f64());
    let failed: Vec<_> =
        results.iter().filter(|(_, _, result)| result.is_err()).map(|(name, ..)| *name).collect();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

/// `Cargo.lock` belongs to the manifests.
fn lockfile(workspace: &Workspace) -> anyhow::Result<()> {
    shell::run(shell::cargo(workspace).args(["fetch", "--quiet", "--locked"]))
}

fn formatting(workspace: &Workspace) -> anyhow::Result<()> {
    shell::run(shell::cargo(workspace).args(["fmt", "--all", "--check"]))
}

fn clippy(workspace: &Workspace) -> anyhow::Result<()> {
    let arguments = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
    shell::run(shell::cargo(workspace).args(arguments))
}

fn documentation(workspace: &Workspace) -> anyhow::Result<()> {
    let mut command = shell::cargo(workspace);
    command.args(["doc", "--quiet", "--workspace", "--no-deps"]);
    shell::run(command.env("RUSTDOCFLAGS", "-D warnings"))
}

fn generated(workspace: &Workspace) -> anyhow::Result<()> {
    let built = workspace.target("debug/gantry");
    let binary = if built.is_file() { Binary::At(built) } else { Binary::Build };
    generate::run(workspace, true, binary)
}
