//! The binary `gantry`: reads the command line, runs one command, says what went wrong.
//!
//! [`cli`] is what can be asked for, [`commands`] has one file for each command, [`failure`] is how
//! errors look, and [`remote`] is where commands meet the gateway. What the gateway does is in
//! `gantry-server`; nothing here knows about it.

mod allocator;
mod cli;
mod commands;
mod failure;
mod line;
mod output;
mod place;
mod reference;
mod remote;

use std::process::ExitCode;

use clap::Parser as _;

use crate::failure::Failure;

/// See `docs/decisions/0003-allocator.md`.
#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator;

fn main() -> ExitCode {
    // First of all, the shim included: what a panic says of itself may hold a secret.
    gantry_server::log::tell_of_panics();
    // A child's shim is this same executable, and must be single-threaded: no thread may come before.
    if let Some(code) = gantry_process::shim_main(std::env::args_os()) {
        return code;
    }
    gantry_server::dump::tell_of_allocator(|| {
        mimalloc::MiMalloc::stats_json().ok()?.to_str().ok().map(str::to_owned)
    });
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help whose reader went away is no failure.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(failure::USAGE));
        }
    };
    let outcome = std::panic::catch_unwind(|| commands::run(cli)).unwrap_or_else(|_| {
        // Where it was is on standard error already.
        Err(Failure::bug("the command ended in a panic"))
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
