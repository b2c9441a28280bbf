//! Installs what tests and benchmark need, after saying what that is.
//!
//! Everything but Debian packages goes under `target`, so that removing that folder removes it all. Each part has its
//! own check, which is cheap, so that a second run does nothing. Nothing of the product needs any of it.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, bail};

use crate::workspace::Workspace;

mod debian;
mod node;
mod python;
mod stamp;
mod tools;

pub(crate) use node::node_program;
pub(crate) use tools::install_cargo_deny;

/// How much is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// What the tests need.
    Tests,
    /// What the benchmark needs.
    Benchmark,
    /// What building a release needs, which is put under the benchmark's load.
    Dist,
    /// All of that but what only a release needs.
    Everything,
}

/// One thing to install.
struct Step {
    /// What it is and where it goes, in one line.
    what: String,
    /// What to look at when it fails.
    hint: &'static str,
    install: fn(&Workspace) -> anyhow::Result<()>,
}

/// Installs what `scope` needs and is missing; asks first unless `yes` is given or nobody is there to ask.
pub(crate) fn run(workspace: &Workspace, scope: Scope, yes: bool) -> anyhow::Result<()> {
    let steps = missing(workspace, scope)?;
    if steps.is_empty() {
        return Ok(());
    }
    println!("to install:");
    for step in &steps {
        println!("  {}", step.what);
    }
    if !yes && !workspace.is_ci && !confirmed()? {
        bail!("nothing was installed");
    }
    for step in &steps {
        println!("installing {}", step.what);
        (step.install)(workspace)
            .with_context(|| format!("failed to install {}; {}", step.what, step.hint))?;
    }
    Ok(())
}

/// What is missing, in the order in which it has to be installed.
fn missing(workspace: &Workspace, scope: Scope) -> anyhow::Result<Vec<Step>> {
    let mut steps = Vec::new();
    let packages = debian::missing_packages(workspace, scope);
    if !packages.is_empty() {
        steps.push(Step {
            what: format!("Debian packages, for the whole machine: {}", packages.join(" ")),
            hint: "elsewhere than on Debian install them by the system's own means; otherwise see apt's message above",
            install: match scope {
                Scope::Tests => |workspace| debian::install(workspace, Scope::Tests),
                Scope::Benchmark => |workspace| debian::install(workspace, Scope::Benchmark),
                Scope::Dist => |workspace| debian::install(workspace, Scope::Dist),
                Scope::Everything => |workspace| debian::install(workspace, Scope::Everything),
            },
        });
    }
    if matches!(scope, Scope::Benchmark | Scope::Dist) {
        return Ok(steps);
    }
    if !node::is_installed(workspace)? {
        steps.push(Step {
            what: "npm packages of tests/peers/package.json, in target/peers/node".to_owned(),
            hint: "is npm's registry reachable? `npm ping` says so",
            install: node::install,
        });
    }
    if !python::is_installed(workspace)? {
        steps.push(Step {
            what: "Python packages of tests/peers/requirements.txt, in target/peers/python"
                .to_owned(),
            hint: "is the package index reachable? `python3 -m pip download --no-deps mcp` says so",
            install: python::install,
        });
    }
    if !tools::has_nextest(workspace) {
        steps.push(Step {
            what: "cargo-nextest, built from source in target/tools".to_owned(),
            hint: "installing it by other means works as well: it only has to be on the PATH",
            install: tools::install_nextest,
        });
    }
    Ok(steps)
}

/// Asks at the terminal; without one, that is an error which says what to do.
fn confirmed() -> anyhow::Result<bool> {
    let input = io::stdin();
    if !input.is_terminal() {
        bail!(
            "nobody to ask: standard input is no terminal; give `--yes`, or set CI=true, to install without asking"
        );
    }
    print!("install? [y/N] ");
    io::stdout().flush()?;
    let mut answer = String::new();
    input.lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
