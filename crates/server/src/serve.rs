//! `gantry serve`: the process from its start to its end.

use std::time::Duration;

use gantry_core::Tasks;

use crate::compose::Options;
use crate::config::Config;
use crate::inherited::Inherited;
use crate::log::LogControl;
use crate::running::Running;
use crate::signals::{Asked, Signals};
use crate::start_error::StartError;
use crate::systemd::Manager;
use crate::{accept, announce};

/// How long the last lines may take on their way to a file.
const FLUSH: Duration = Duration::from_secs(2);

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
    // Before the runtime opens anything: what was passed on is known by its number alone.
    let inherited =
        Inherited::of_process(&options.env).map_err(|source| StartError::Inheritance { source })?;
    let runtime = accept::runtime().map_err(|source| StartError::Runtime { source })?;
    let ending = runtime.block_on(Box::pin(run(options, inherited)));
    // Whatever was cut off is not waited for a second time.
    runtime.shutdown_background();
    ending
}

async fn run(options: Options, inherited: Inherited) -> Result<Ending, StartError> {
    let mut signals = Signals::new().map_err(|source| StartError::Signals { source })?;
    let config = options.config()?;
    let log = options.start_log(&config, true)?;
    if let Some(limit) = gantry_process::raise_open_files() {
        gantry_core::log::debug!(limit, "More files may be open at once than by default.");
    }
    announce::settings_of_others(&config, None);
    let serving = serve_until_told(options, config, inherited, log.clone(), &mut signals);
    let ending = Box::pin(serving).await;
    log.flush(FLUSH);
    ending
}

async fn serve_until_told(
    options: Options,
    config: Config,
    inherited: Inherited,
    log: LogControl,
    signals: &mut Signals,
) -> Result<Ending, StartError> {
    let env = options.env.clone();
    let manager = Manager::of(&env);
    let watchdog = Tasks::new();
    let running = Running::start_with(options, config, log.clone(), inherited).await?;
    running.print_banner(&env);
    manager.keep_alive(running.workers(), &watchdog);
    manager.ready("Serving");
    loop {
        match signals.next().await {
            Asked::End => break,
            Asked::Reload => {
                manager.reloading();
                log.reopen();
                running.reopen_audit();
                let status = if running.reload().await {
                    "Serving"
                } else {
                    "Serving with the configuration before; the changed one is refused"
                };
                manager.ready(status);
            }
            Asked::Dump => running.dump(),
        }
    }
    manager.stopping();
    tokio::select! {
        is_clean = running.shut_down() => Ok(if is_clean { Ending::Graceful } else { Ending::Late }),
        () = signals.end() => {
            gantry_core::log::warn!("A second signal: the gateway ends at once.");
            Ok(Ending::Hurried)
        }
    }
}
