//! A running child: its pipes, how it ended, and how to end it.

use std::{fmt, time::Duration};

use tokio::{sync::watch, task::JoinSet, time::timeout};

use crate::{
    LineReader, LineWriter, Stderr,
    line_writer::Closer,
    platform::{ChildStdin, ChildStdout, LifeLine},
};

/// How much longer than its two grace periods a stop may take: the shim gives up on what SIGKILL does not end after
/// ten seconds.
const STOP_MARGIN: Duration = Duration::from_secs(12);

/// A started command. Take it apart to give its pipes to different tasks; whoever holds [`process`](Self::process)
/// owns the life of all.
#[derive(Debug)]
pub struct Child {
    /// Writes lines to the child's stdin. Dropping it closes the pipe, by which most servers know that they are done.
    pub stdin: LineWriter<ChildStdin>,
    /// Reads the lines of the child's stdout.
    pub stdout: LineReader<ChildStdout>,
    /// What the child writes to stderr. It is drained whether or not this is read.
    pub stderr: Stderr,
    /// The process itself. Dropping it ends the child and all its descendants.
    pub process: Process,
}

/// The life of a child. Dropping it tells the shim to end everything, by SIGTERM, and by SIGKILL after the grace
/// period; nothing waits for that. [`stop`](Self::stop) does.
#[derive(Debug)]
pub struct Process {
    // Declared first, so that the shim is told before the tasks below are aborted.
    life: Option<LifeLine>,
    stdin: Closer<ChildStdin>,
    stop_grace: Duration,
    watch: ExitWatch,
    /// Reads the shim's reports and drains stderr. Aborted with the process.
    _tasks: JoinSet<()>,
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// Nobody knows: its [`Process`] was dropped before it ended, or its shim was killed (and the child with it).
    Lost,
}

/// Tells how a child ended, to any number of listeners.
#[derive(Debug, Clone)]
pub struct ExitWatch {
    pid: u32,
    state: watch::Receiver<State>,
}

/// What is known of the end so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct State {
    /// Set once the child itself has ended.
    pub(crate) exit: Option<Exit>,
    /// Set once all its descendants and its shim have.
    pub(crate) all_ended: bool,
}

/// What a [`Process`] is made of.
pub(crate) struct Parts {
    pub(crate) pid: u32,
    pub(crate) life: LifeLine,
    pub(crate) stdin: Closer<ChildStdin>,
    pub(crate) stop_grace: Duration,
    pub(crate) state: watch::Receiver<State>,
    pub(crate) tasks: JoinSet<()>,
}

// === impl Child ===

impl Child {
    /// Returns the id of the child (not of its shim).
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Waits until the child has ended: see [`Process::wait`].
    pub async fn wait(&mut self) -> Exit {
        self.process.wait().await
    }

    /// Ends the child and all its descendants: see [`Process::stop`].
    pub async fn stop(&mut self) -> Exit {
        self.process.stop().await
    }
}

// === impl Process ===

impl Process {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { pid, life, stdin, stop_grace, state, tasks } = parts;
        Self { life: Some(life), stdin, stop_grace, watch: ExitWatch { pid, state }, _tasks: tasks }
    }

    /// Returns the id of the child (not of its shim).
    pub fn pid(&self) -> u32 {
        self.watch.pid
    }

    /// Returns a handle that others may wait on.
    pub fn watch(&self) -> ExitWatch {
        self.watch.clone()
    }

    /// Waits until the child has ended, and says how. What it left behind is being ended then, and its pipes may
    /// still hold what it wrote. Cancel safety: safe; may be called any number of times.
    pub async fn wait(&self) -> Exit {
        self.watch.wait().await
    }

    /// Ends the child and all its descendants, and waits until they are gone: closes stdin, waits for one grace
    /// period, then lets the shim send SIGTERM and after another one SIGKILL. Takes at most both periods and twelve
    /// seconds. Lines that were not written yet are lost.
    ///
    /// Cancel safety: what was begun goes on, and the next call waits for it; dropping the process ends it all.
    pub async fn stop(&mut self) -> Exit {
        self.stdin.close();
        if timeout(self.stop_grace, self.watch.wait()).await.is_err() {
            tracing::debug!(
                function = "stop",
                pid = self.pid(),
                "The child did not end when its stdin was closed."
            );
        }
        self.end().await
    }

    /// Ends everything as [`stop`](Self::stop) does, but sends SIGTERM at once.
    pub async fn end(&mut self) -> Exit {
        self.stdin.close();
        self.life = None;
        if timeout(self.stop_grace + STOP_MARGIN, self.watch.all_ended()).await.is_err() {
            tracing::warn!(
                function = "end",
                pid = self.pid(),
                "The shim of a child has not ended in time."
            );
            return self.watch.now().unwrap_or(Exit::Lost);
        }
        self.watch.wait().await
    }
}

// === impl ExitWatch ===

impl ExitWatch {
    /// Returns the id of the child.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Says how the child ended, if it has.
    pub fn now(&self) -> Option<Exit> {
        self.state.borrow().exit
    }

    /// Waits until the child has ended, and says how. Cancel safety: safe.
    pub async fn wait(&self) -> Exit {
        let mut state = self.state.clone();
        match state.wait_for(|state| state.exit.is_some()).await {
            Ok(state) => state.exit.unwrap_or(Exit::Lost),
            Err(_) => Exit::Lost,
        }
    }

    /// Waits until the child, all its descendants and its shim have ended. Cancel safety: safe.
    pub async fn all_ended(&self) {
        let mut state = self.state.clone();
        // An error means that the process was dropped: nothing more will be known.
        let _ = state.wait_for(|state| state.all_ended).await;
    }
}

// === impl Exit ===

impl Exit {
    /// Says whether the child ended by itself with code 0.
    pub fn is_success(self) -> bool {
        self == Self::Code(0)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(formatter, "exited with code {code}"),
            Self::Signal(signal) => match signal_name(*signal) {
                Some(name) => write!(formatter, "was ended by {name}"),
                None => write!(formatter, "was ended by signal {signal}"),
            },
            Self::Lost => formatter.write_str("ended in an unknown way"),
        }
    }
}

fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        _ => return None,
    })
}
