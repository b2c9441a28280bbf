//! The program between the gateway and one child: starts it, waits for it, and ends all it leaves behind.
//!
//! It is the gateway's own executable, started again, and does as little as it can: one thread, no runtime, no
//! configuration. It ends when nothing of its child is left; it begins to end things when the child has ended, when
//! the gateway closes the control socket (on purpose, or because it is no more), or when it gets a signal itself.

#[cfg(target_os = "linux")]
mod end;
#[cfg(target_os = "linux")]
mod kernel;
#[cfg(target_os = "linux")]
mod order;
#[cfg(target_os = "linux")]
mod program;
#[cfg(target_os = "linux")]
mod tree;

use std::{ffi::OsString, process::ExitCode};

/// The first argument by which an executable knows that it is to be a shim.
pub const SHIM_ARGUMENT: &str = "__shim";

/// Acts as a shim if `args` (those of the process, its name included) say so, and returns its exit code; returns
/// `None` at once if they do not.
///
/// Call it first thing in `main`, before any thread is started: signals are blocked for the calling thread alone, and
/// the shim must be single-threaded for its child to be ended with it.
pub fn shim_main(args: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    if args.into_iter().nth(1)? != SHIM_ARGUMENT {
        return None;
    }
    Some(run())
}

#[cfg(target_os = "linux")]
fn run() -> ExitCode {
    use crate::wire::{Report, Step};

    let control = rustix::stdio::stdin();
    let (order, pipes) = match order::receive(control) {
        Ok(received) => received,
        Err(error) => {
            order::complain(&error);
            return ExitCode::from(2);
        }
    };
    if order::is_withdrawn(control) {
        return ExitCode::SUCCESS;
    }
    let started = kernel::prepare()
        .map_err(|error| program::Failure::new(Step::Setup, &error))
        .and_then(|signals| Ok((signals, program::start(&order, pipes)?)));
    match started {
        Ok((signals, pid)) => {
            release_what_is_the_childs();
            order::report(control, &Report::Started { pid: pid.as_raw_nonzero().get() });
            end::Watch::new(control, signals, pid, order.grace).run();
        }
        Err(program::Failure { step, errno, path }) => {
            order::report(control, &Report::Failed { step, errno, path });
        }
    }
    ExitCode::SUCCESS
}

/// Lets go of the child's stderr and folder: the end of the one must be seen, and the other may be unmounted.
#[cfg(target_os = "linux")]
fn release_what_is_the_childs() {
    // Stdout is the null device. A failure would leave stderr open until the shim ends, shortly after its child.
    let _ = rustix::stdio::dup2_stderr(rustix::stdio::stdout());
    let _ = std::env::set_current_dir("/");
}

#[cfg(not(target_os = "linux"))]
fn run() -> ExitCode {
    ExitCode::from(2)
}
