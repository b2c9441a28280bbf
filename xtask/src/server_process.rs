//! A server that we start, watch and stop: the gateway, nginx, the benchmark's upstream.
//!
//! Whatever happens to us, a started server is stopped: by [`ServerProcess::stop`], or when the value is dropped.

use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::shell;
use crate::workspace::Workspace;

/// How often we look whether something has happened.
const POLL: Duration = Duration::from_millis(1);

/// How long a server may take to stop when it is dropped.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// A running server.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    name: &'static str,
    child: Child,
    workspace: Workspace,
    started: Instant,
}

impl ServerProcess {
    /// Starts `command`, without standard input.
    pub(crate) fn start(
        workspace: &Workspace,
        name: &'static str,
        command: &mut Command,
    ) -> anyhow::Result<Self> {
        let started = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("failed to start {name} (`{}`)", shell::show(command)))?;
        Ok(Self { name, child, workspace: workspace.clone(), started })
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The process itself, for its pipes.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits until `is_ready` says so and returns how long after the start that was.
    ///
    /// The last error of `is_ready` is part of ours when it never does, or when the server ends before.
    pub(crate) fn wait_until(
        &mut self,
        limit: Duration,
        mut is_ready: impl FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<Duration> {
        loop {
            let Err(error) = is_ready() else { return Ok(self.started.elapsed()) };
            if let Some(status) = self.child.try_wait()? {
                return Err(
                    error.context(format!("{} ended with {status} before it was ready", self.name))
                );
            }
            if self.started.elapsed() > limit {
                return Err(error.context(format!("{} was not ready within {limit:?}", self.name)));
            }
            thread::sleep(POLL);
        }
    }

    /// Sends a signal by name, such as `INT`.
    pub(crate) fn signal(&self, name: &str) -> anyhow::Result<()> {
        // The shell's own `kill`: a minimal system has no program of that name.
        let mut command = shell::command(&self.workspace, "sh");
        command.args(["-c", "kill -s \"$1\" \"$2\"", "kill", name, &self.child.id().to_string()]);
        shell::capture(&mut command)
            .with_context(|| format!("failed to signal {}", self.name))
            .map(drop)
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(&mut self, limit: Duration) -> anyhow::Result<ExitStatus> {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if begin.elapsed() > limit {
                bail!("{} did not end within {limit:?}", self.name);
            }
            thread::sleep(POLL);
        }
    }

    /// Ends it: asks first, and kills what does not listen.
    pub(crate) fn stop(&mut self) -> anyhow::Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        self.signal("TERM")?;
        if self.wait(STOP_LIMIT).is_err() {
            self.kill()?;
        }
        Ok(())
    }

    fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("warning: failed to stop {}: {error:#}", self.name);
            let _ = self.kill();
        }
    }
}
