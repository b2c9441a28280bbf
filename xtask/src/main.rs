//! The project's own commands: `cargo xtask <command>`.
//!
//! Everything a contributor or CI runs beyond plain cargo is here, as ordinary Rust without a shell script or a task
//! runner. Nothing of the product is: this binary depends on none of its crates. `CONTRIBUTING.md` tells which command
//! is for what; start reading at [`ci`], which runs all the others but `bench` and `dist`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's command talks to its terminal"
)]

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod check_deps;
mod ci;
mod deny;
mod dist;
mod generate;
mod http;
mod run_tests;
mod server_process;
mod setup;
mod shell;
mod smoke;
mod spelling;
mod tidy;
mod workspace;

use workspace::Workspace;

/// Commands for working on Gantry.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

/// One command.
#[derive(Debug, Subcommand)]
enum Task {
    /// Installs what the tests and the benchmark need: peers from npm and `PyPI`, nextest, nginx and wrk.
    Setup {
        /// Installs without asking.
        #[arg(long)]
        yes: bool,
    },
    /// Installs what the tests need, then runs every test of the workspace.
    Test {
        /// Installs without asking.
        #[arg(long)]
        yes: bool,
        /// Arguments for `cargo nextest run`, after `--`.
        #[arg(last = true)]
        nextest: Vec<String>,
    },
    /// Does what CI does: formatting, lints, tests, documentation, generated files, dependencies, the README's command.
    Ci,
    /// Writes the files that are generated from the code.
    Gen {
        /// Writes nothing; fails when a file is stale.
        #[arg(long)]
        check: bool,
    },
    /// Checks that the crates depend on each other as the architecture allows.
    CheckDeps,
    /// Checks the house rules that no lint knows.
    Tidy,
    /// Checks licences, sources and bans of third-party crates, and security advisories where they can be reached.
    Deny,
    /// Checks the spelling.
    Spelling,
    /// Does what the README's first command does: builds the gateway, starts it, asks it, stops it.
    Smoke,
    /// Builds the binary as it is released: with a profile of what it does under load.
    Dist,
    /// Measures the gateway beside nginx and beside no proxy at all.
    Bench(bench::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

/// Runs one command.
fn run(task: Task) -> anyhow::Result<()> {
    let workspace = Workspace::locate()?;
    match task {
        Task::Setup { yes } => setup::run(&workspace, setup::Scope::Everything, yes),
        Task::Test { yes, nextest } => run_tests::run(&workspace, yes, &nextest),
        Task::Ci => ci::run(&workspace),
        Task::Gen { check } => generate::run(&workspace, check, generate::Binary::Build),
        Task::CheckDeps => check_deps::run(&workspace),
        Task::Tidy => tidy::run(&workspace),
        Task::Deny => deny::run(&workspace),
        Task::Spelling => spelling::run(&workspace),
        Task::Smoke => smoke::run(&workspace),
        Task::Dist => dist::run(&workspace).map(drop),
        Task::Bench(arguments) => bench::run(&workspace, &arguments),
    }
}

/// Prints an error with its causes, one a line.
fn report(error: &anyhow::Error) {
    eprintln!("error: {error}");
    let mut cause: Option<&dyn Error> = error.source();
    while let Some(error) = cause {
        eprintln!("  caused by: {error}");
        cause = error.source();
    }
}
