//! Starts commands, each behind a shim of its own.

#[cfg(target_os = "linux")]
mod linux;

use std::{ffi::OsString, fmt, path::PathBuf};

use crate::{Child, CommandSpec, Limits, StartError, identity};

/// Starts children. One serves the whole gateway; it holds no process.
///
/// ```no_run
/// use gantry_process::{CommandSpec, Launcher, Limits};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let launcher = Launcher::new(std::env::vars_os());
/// let spec = CommandSpec { program: "npx".into(), args: vec!["-y".into(), "a-server".into()], ..Default::default() };
/// let mut child = launcher.start(&spec, &Limits::default()).await?;
/// child.stdin.send(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#.into()).await?;
/// let answer = child.stdout.next().await?;
/// let exit = child.stop().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Launcher {
    shim: PathBuf,
    environment: Vec<(OsString, OsString)>,
}

impl Launcher {
    /// Makes a launcher whose shim is this very executable, which must call [`shim_main`](crate::shim_main) first
    /// thing in its `main`. `environment` is the gateway's own; children inherit of it what
    /// [`is_inherited`](crate::is_inherited) names.
    pub fn new(environment: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        // Not the path of the executable: after an upgrade in place another program, or none, lies there, while this
        // link still leads to the one that runs.
        Self::with_shim("/proc/self/exe", environment)
    }

    /// As [`new`](Self::new), with another executable as the shim.
    pub fn with_shim(
        shim: impl Into<PathBuf>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        Self { shim: shim.into(), environment: environment.into_iter().collect() }
    }

    /// Starts a command and returns once it runs, which is to say that it was executed; whether it answers is for the
    /// caller to see. Must be called within a tokio runtime, whose tasks then drain the child's stderr.
    ///
    /// Cancel safety: dropping the future ends whatever was started.
    #[cfg(target_os = "linux")]
    pub async fn start(&self, spec: &CommandSpec, limits: &Limits) -> Result<Child, StartError> {
        linux::start(self, spec, limits).await
    }

    /// Returns bytes that differ when another program would be started than before, or another state of it: the
    /// file that the program's name leads to, and the first argument that is a file, which is the script where the
    /// program is an interpreter. Small files are read whole, so this may be some megabytes; it is for a digest.
    ///
    /// Blocks on the file system.
    pub fn identity(&self, spec: &CommandSpec) -> Vec<u8> {
        identity::of_command(&self.environment, spec)
    }

    /// Refuses to start anything on this platform.
    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::unused_async, reason = "it is on Linux")]
    pub async fn start(&self, _spec: &CommandSpec, _limits: &Limits) -> Result<Child, StartError> {
        Err(StartError::Unsupported)
    }
}

impl fmt::Debug for Launcher {
    /// The environment holds the gateway's secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Launcher").field("shim", &self.shim).finish_non_exhaustive()
    }
}
