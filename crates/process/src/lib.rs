//! Starts child processes and owns them until the last of their descendants is gone.
//!
//! A [`Launcher`] starts a [`CommandSpec`] and gives back a [`Child`]: its three pipes, framed as lines, and the
//! [`Process`] that ends everything when it is dropped. What travels on the lines is not known here; neither is when
//! to start a child again.
//!
//! ```text
//! gateway ──── stdin, stdout, stderr: pipes, straight through ────> the child ──> its descendants, at any depth
//!    └──────── control socket ────> shim (subreaper, the child's parent) ─ ends them all when the socket closes
//! ```
//!
//! Every child has a shim of its own: this same executable, started again (see [`shim_main`]). The shim outlives a
//! gateway that is killed with SIGKILL, and as a subreaper it inherits whatever its child leaves behind, processes that
//! called `setsid` or forked twice included, so that nothing escapes it. What it cannot end it reports: processes of
//! another user (a setuid program) and those which the kernel does not let go. What a daemon starts on a child's
//! behalf (a container, a systemd unit) is not a descendant. If the shim itself is killed with SIGKILL, the kernel
//! kills the child, but nobody is left to look for the child's own children.
//!
//! Linux is complete. Elsewhere the crate builds, and [`Launcher::start`] answers [`StartError::Unsupported`].
//!
//! # What a start costs
//!
//! Measured on two cores, release build, by `start_cost` in `tests/it/cost.rs`: 1.2 ms from the call to the report that
//! `/bin/true` was executed, of which 0.1 ms would be spent without a shim. A program that runs on Node or Python needs
//! a hundred times that to answer. While the child runs, its shim sleeps.

#![cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "children are started on Linux only")
)]

mod child;
mod command;
mod environment;
mod identity;
mod launcher;
mod line_reader;
mod line_writer;
mod open_files;
mod platform;
mod shim;
mod start_error;
mod stderr;
#[cfg(target_os = "linux")]
mod wire;

pub use child::{Child, Exit, ExitWatch, Process};
pub use command::{CommandSpec, Limits};
pub use environment::is_inherited;
pub use launcher::Launcher;
pub use line_reader::{LineError, LineReader};
pub use line_writer::{LineWriter, WriteError};
pub use open_files::raise_open_files;
pub use platform::{ChildStdin, ChildStdout};
pub use shim::{SHIM_ARGUMENT, shim_main};
pub use start_error::StartError;
pub use stderr::{Stderr, StderrLine, StderrTail};
