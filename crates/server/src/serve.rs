//! `gantry serve`: the process from its start to its end.

use crate::accept;
use crate::compose::Options;
use crate::running::Running;
use crate::signals::{Asked, Signals};
use crate::start_error::StartError;

/// How a gateway ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Everything was finished or told.
    Graceful,
    /// Something took too long and was cut off.
    Late,
    /// A second signal asked not to wait.
    Hurried,
}

/// Serves until a signal says to end. Prints where on standard output; the log is on standard error.
///
/// Starts the process's runtime and log, so it is for programs and not for tests: those use
/// [`Running`].
pub fn serve(options: Options) -> Result<Ending, StartError> {
    let runtime = accept::runtime().map_err(|source| StartError::Runtime { source })?;
    let ending = runtime.block_on(Box::pin(run(options)));
    // Whatever was cut off is not waited for a second time.
    runtime.shutdown_background();
    ending
}

async fn run(options: Options) -> Result<Ending, StartError> {
    let mut signals = Signals::new().map_err(|source| StartError::Signals { source })?;
    let env = options.env.clone();
    let config = options.config()?;
    let log = options.start_log(&config);
    if let Some(limit) = gantry_process::raise_open_files() {
        tracing::debug!(limit, "More files may be open at once than by default.");
    }
    let running = Running::start_with(options, config, log).await?;
    running.print_banner(&env);
    while signals.next().await == Asked::Reload {
        running.reload().await;
    }
    tokio::select! {
        is_clean = running.shut_down() => Ok(if is_clean { Ending::Graceful } else { Ending::Late }),
        () = signals.end() => {
            tracing::warn!("A second signal: the gateway ends at once.");
            Ok(Ending::Hurried)
        }
    }
}
