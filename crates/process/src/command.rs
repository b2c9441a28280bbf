//! What to start, and within which limits: plain data.

use std::{ffi::OsString, fmt, path::PathBuf, time::Duration};

/// A command, as an upstream's configuration names it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CommandSpec {
    /// The program. Without a slash it is looked up on the child's own `PATH`; a relative path with a slash is
    /// relative to [`cwd`](Self::cwd).
    pub program: OsString,
    /// Its arguments, without the program's name.
    pub args: Vec<OsString>,
    /// Variables added to the inherited ones, or put in their place. Of two with the same name the later one counts.
    pub env: Vec<(OsString, OsString)>,
    /// The folder it runs in; the gateway's own if there is none.
    pub cwd: Option<PathBuf>,
}

/// The bounds on one child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes one line on stdout may have, without its line end.
    pub max_line: usize,
    /// How long the child may take to end by itself: once after its stdin was closed, and once more after SIGTERM.
    pub stop_grace: Duration,
    /// How long the shim may take to report that the program runs. Only an overloaded machine or a hung network
    /// folder comes near it: it has nothing to do with how long the program takes to answer.
    pub start_timeout: Duration,
    /// How many lines of stderr are handed on per second (and in one burst). The others are counted and dropped.
    pub stderr_lines_per_second: u32,
    /// The most bytes kept of one line of stderr; the rest of it is dropped.
    pub stderr_line_max: usize,
    /// How many of the last lines of stderr are kept for error reports.
    pub stderr_tail_lines: usize,
}

// === impl CommandSpec ===

impl fmt::Debug for CommandSpec {
    /// Arguments and values of variables are left out: both carry tokens in practice.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.env.iter().map(|(name, _)| name).collect();
        formatter
            .debug_struct("CommandSpec")
            .field("program", &self.program)
            .field("n_args", &self.args.len())
            .field("env", &names)
            .field("cwd", &self.cwd)
            .finish()
    }
}

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_line: 16 * 1024 * 1024,
            stop_grace: Duration::from_secs(3),
            start_timeout: Duration::from_secs(10),
            stderr_lines_per_second: 50,
            stderr_line_max: 4 * 1024,
            stderr_tail_lines: 64,
        }
    }
}
