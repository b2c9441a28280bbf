//! The gateway that runs: whether it answers, how soon, and how its servers are.

use std::time::{Duration, Instant};

use gantry_core::ErrorCode;
use gantry_server::AdminError;
use serde_json::Value;

use super::{Finding, Subject};
use crate::failure::Failure;
use crate::line::{Broken, Line};
use crate::place::Place;
use crate::remote;

/// An answer that takes longer is felt.
const SLOW: Duration = Duration::from_secs(2);

/// What a gateway says that asks nobody who they are.
const OPEN: &str = "none on the loopback";

/// Whether a gateway was reached.
pub(super) enum Reached {
    /// None runs on the data folder.
    No,
    /// One runs, and does not answer as it should.
    Broken { error: AdminError },
    /// One runs.
    Running {
        version: String,
        servers: Vec<Value>,
        /// Whether clients need a credential, keys that the gateway made among them.
        asks_who_calls: bool,
        took: Duration,
    },
}

/// Asks the gateway of the data folder once, for everything.
pub(super) fn reach(place: &Place) -> Result<Reached, Failure> {
    let begun = Instant::now();
    let asked = Line::new().and_then(|line| {
        line.administer(&remote::options(place), async |mut admin| {
            let health = admin.get("/health").await?;
            let took = begun.elapsed();
            let servers = admin.get("/api/servers").await?["servers"].take();
            let says = admin.get("/").await?["authentication"].take();
            Ok((health, servers, says, took))
        })
    });
    Ok(match asked {
        Ok((health, servers, says, took)) => Reached::Running {
            asks_who_calls: says != OPEN,
            version: health["version"].as_str().unwrap_or_default().to_owned(),
            servers: servers.as_array().cloned().unwrap_or_default(),
            took,
        },
        Err(Broken::NotAdministered(AdminError::NoGateway { .. })) => Reached::No,
        Err(Broken::NotAdministered(error)) => Reached::Broken { error },
        Err(broken) => return Err(remote::failure("cannot look", &broken)),
    })
}

/// It answers, soon, and is of our version.
pub(super) fn is_reached(subject: &Subject<'_>) -> Vec<Finding> {
    match &subject.gateway {
        Reached::No => vec![Finding::note("no gateway runs on the data folder")],
        Reached::Broken { error } => vec![
            Finding::bad(format!("the gateway does not answer: {}", gantry_core::chain(error)))
                .with_code(error.code()),
        ],
        Reached::Running { version, took, .. } => {
            let mut found = Vec::new();
            if version != env!("CARGO_PKG_VERSION") {
                found.push(
                    Finding::warning(format!(
                        "the gateway is of version {version}, this command of {}",
                        env!("CARGO_PKG_VERSION")
                    ))
                    .with_hint("start the gateway anew to let it be of this version"),
                );
            }
            if *took > SLOW {
                found.push(Finding::warning(format!(
                    "the gateway took {} ms to answer",
                    took.as_millis()
                )));
            }
            if found.is_empty() {
                return Finding::good(format!("version {version} runs and answers at once"));
            }
            found
        }
    }
}

/// Every server that is switched on answers.
pub(super) fn servers_are_ready(subject: &Subject<'_>) -> Vec<Finding> {
    let Reached::Running { servers, .. } = &subject.gateway else { return Vec::new() };
    if servers.is_empty() {
        return vec![
            Finding::note("there are no servers")
                .with_hint("`gantry add NAME -- COMMAND` adds one"),
        ];
    }
    servers.iter().map(server).collect()
}

fn server(server: &Value) -> Finding {
    let text = |key: &str| server[key].as_str().unwrap_or_default();
    let (name, state) = (text("name"), text("state"));
    let because = match text("detail") {
        "" => String::new(),
        why => format!(": {why}"),
    };
    let told = format!("`{name}` is {state}{because}");
    match state {
        "ready" => Finding::good_one(format!("{told}, {} tools", server["tools"])),
        "disabled" => Finding::note(told),
        "starting" => Finding::warning(told).with_hint("look again in a moment"),
        _ => Finding::bad(told).with_code(ErrorCode::find(text("code"))),
    }
}
