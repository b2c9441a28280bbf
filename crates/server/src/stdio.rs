//! `gantry stdio`: MCP on standard input and output, for clients that start their servers.
//!
//! Beside a running gateway it is a line to that one, so that every client shares its upstreams.
//! Without one it is a gateway of its own, which listens nowhere and keeps nothing.

use std::sync::Arc;
use std::time::Duration;

use gantry_core::{Principal, Tasks};
use tokio::io::{AsyncWriteExt as _, BufReader};

use crate::accept;
use crate::announce;
use crate::compose::{self, Options};
use crate::local::{self, Ends};
use crate::signals::Signals;
use crate::start_error::StartError;

/// Read at once from standard input.
const BUFFER: usize = 64 * 1024;
/// How long to wait for upstreams to end. Clients kill a server that takes more than about 2 s.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves one client on standard input and output until it goes, or a signal says to end.
pub fn stdio(options: &Options) -> Result<(), StartError> {
    let runtime = accept::runtime().map_err(|source| StartError::Runtime { source })?;
    let outcome = runtime.block_on(Box::pin(run(options)));
    // A thread may still wait for input that never comes.
    runtime.shutdown_background();
    outcome
}

async fn run(options: &Options) -> Result<(), StartError> {
    let mut signals = Signals::new().map_err(|source| StartError::Signals { source })?;
    let attached = match local::connect(&options.data, "").await {
        Ok(attached) => attached,
        Err(error) => {
            options.start_command_log();
            gantry_core::log::warn!(%error, "The running gateway cannot be reached; this is another one.");
            None
        }
    };
    tokio::select! {
        outcome = async {
            match attached {
                Some(ends) => {
                    attach(ends).await;
                    Ok(())
                }
                None => own(options).await,
            }
        } => outcome,
        () = signals.end() => Ok(()),
    }
}

/// Copies both ways until both have ended.
async fn attach(ends: Ends) {
    let Ends { mut reader, mut writer } = ends;
    let inward = async {
        let mut input = tokio::io::stdin();
        let copied = tokio::io::copy(&mut input, &mut writer).await;
        // The gateway answers what it was asked, and closes its side then.
        let _ = writer.shutdown().await;
        if copied.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let outward = async {
        let mut output = tokio::io::stdout();
        let _ = tokio::io::copy(&mut reader, &mut output).await;
        let _ = output.flush().await;
    };
    let mut inward = std::pin::pin!(inward);
    let mut outward = std::pin::pin!(outward);
    tokio::select! {
        // The gateway has ended, or the client reads no more: input is of no use to anybody.
        () = &mut outward => {}
        () = &mut inward => outward.await,
    }
}

/// Runs a gateway for this one client.
async fn own(options: &Options) -> Result<(), StartError> {
    let config = options.config()?;
    options.start_log(&config, false)?;
    announce::settings_of_others(&config, None);
    let tasks = Tasks::new();
    let gateway = compose::in_memory(&config, &options.env, &tasks).await?;
    let input = BufReader::with_capacity(BUFFER, tokio::io::stdin());
    let principal = Arc::new(Principal::local());
    Box::pin(gateway.serve_stream(input, tokio::io::stdout(), principal, "".into())).await;
    // The client may be waiting for this process to end; what takes longer is ended by its shim.
    gateway.shut_down(FAREWELL.min(config.server.limits.shutdown)).await;
    Ok(())
}
