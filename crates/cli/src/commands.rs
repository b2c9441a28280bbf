//! One file for each command; this one only chooses.

mod add;
mod check;
mod completions;
mod config;
mod explain;
mod import;
mod remove;
mod servers;
mod tools;

use crate::cli::{Cli, Command};
use crate::failure::Failure;
use crate::place::Place;
use crate::{output, reference, remote};

/// Runs the command that was asked for.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    let place = Place::new(&cli.global)?;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => remote::serve(&place),
        Command::Stdio => remote::stdio(&place),
        Command::Add(arguments) => add::run(&place, arguments),
        Command::Remove { name } => remove::run(&place, &name),
        Command::Check { format } => check::run(&place, format),
        Command::Import { file, output } => import::run(&file, output.as_deref()),
        Command::Config { command } => config::run(&place, &command),
        Command::Servers { command } => servers::run(&place, &command),
        Command::Tools { command } => tools::run(&place, command),
        Command::Explain { code } => explain::run(code.as_deref()),
        Command::Completions { shell } => completions::run(shell),
        Command::Reference { page } => output::text(&reference::page(page)),
    }
}
