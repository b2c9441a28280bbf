//! One file for each command; this one only chooses.

mod add;
mod audit;
mod backup;
mod check;
mod completions;
mod config;
mod connect;
mod doctor;
mod explain;
mod import;
mod keys;
mod man;
mod passphrase;
mod policy;
mod prompts;
mod remove;
mod resources;
mod servers;
mod services;
mod shell;
mod tap;
mod token;
mod tools;

use crate::cli::{Cli, Command};
use crate::failure::Failure;
use crate::place::Place;
use crate::{output, reference, remote};

/// Runs the command that was asked for.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    run_at(&Place::new(&cli.global)?, cli.command.unwrap_or(Command::Serve))
}

/// Runs a command where it is known already what it is about.
fn run_at(place: &Place, command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve => remote::serve(place),
        Command::Stdio => remote::stdio(place),
        Command::Add(arguments) => add::run(place, arguments),
        Command::Remove { name } => remove::run(place, &name),
        Command::Audit { command } => audit::run(place, command),
        Command::Check { format } => check::run(place, format),
        Command::Import { file, output } => import::run(&file, output.as_deref()),
        Command::Config { command } => config::run(place, &command),
        Command::Servers { command } => servers::run(place, command),
        Command::Services { command } => services::run(place, command),
        Command::Tools { command } => tools::run(place, command),
        Command::Resources { command } => resources::run(place, command),
        Command::Prompts { command } => prompts::run(place, command),
        Command::Policy { command } => policy::run(place, &command),
        Command::Keys { command } => keys::run(place, command),
        Command::Token(arguments) => token::run(place, arguments),
        Command::Connect(arguments) => connect::run(place, &arguments),
        Command::Tap(arguments) => tap::run(place, &arguments),
        Command::Doctor { format } => doctor::run(place, format),
        Command::Backup(arguments) => backup::run(place, &arguments),
        Command::Restore(arguments) => backup::restore(place, &arguments),
        Command::Shell => shell::run(place),
        Command::Explain { code, format } => explain::run(code.as_deref(), format),
        Command::Man { folder } => man::run(folder.as_deref()),
        Command::Completions { shell } => completions::run(shell),
        Command::Reference { page, service } => {
            output::text(&reference::page(page, service.as_deref()))
        }
    }
}
