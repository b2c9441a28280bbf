//! The shim as a program of its own, for this crate's tests; the gateway is its own shim.
//!
//! `gantry-shim hold COMMAND...` plays the gateway that dies: it starts one command, prints `started`, and waits to be
//! killed.

use std::{ffi::OsString, process::ExitCode, time::Duration};

use gantry_process::{CommandSpec, Launcher, Limits, shim_main};

fn main() -> ExitCode {
    if let Some(code) = shim_main(std::env::args_os()) {
        return code;
    }
    let mut command = std::env::args_os().skip(2);
    match command.next() {
        Some(program) => hold(program, command.collect()),
        None => ExitCode::from(2),
    }
}

#[expect(clippy::print_stdout, reason = "its output is what the test waits for")]
fn hold(program: OsString, args: Vec<OsString>) -> ExitCode {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    runtime.block_on(async {
        let limits = Limits { stop_grace: Duration::from_millis(300), ..Limits::default() };
        let spec = CommandSpec { program, args, ..CommandSpec::default() };
        match Launcher::new(std::env::vars_os()).start(&spec, &limits).await {
            Ok(child) => {
                println!("started");
                child.process.wait().await;
                ExitCode::SUCCESS
            }
            Err(_) => ExitCode::FAILURE,
        }
    })
}
