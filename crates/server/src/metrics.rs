//! Figures about the gateway for those who watch it: which there are, where they come from, and
//! the texts in which they are given.
//!
//! What is counted while requests are served is in `gantry_gateway::metrics` and `http_metrics`.
//! The names that other systems have for the same are made here, at each scrape ([`sources`]), and
//! [`table`] lists all of them. The same figures in Spring Boot's JSON are in `actuator`.

pub(crate) mod process;

mod collect;
mod reference;
mod sources;
mod table;
mod text;

use std::fmt;
use std::sync::Arc;

use gantry_gateway::metrics::Metrics;
use prometheus_client::registry::Registry;

pub use reference::markdown;
pub use table::{Kind, Row, TABLE};

pub(crate) use sources::{Sample, Sources, Value, unlabelled};
pub(crate) use text::Format;

/// Registers what is made at each scrape. The gateway's own figures are registered already.
pub(crate) fn register(registry: &mut Registry, gateway: &Metrics, sources: &Arc<Sources>) {
    // The same histogram under a second name; the library lets nobody read its buckets.
    registry.register(
        "mcp_client_request_duration_seconds",
        "Seconds from a request's arrival to its answer",
        gateway.durations.clone(),
    );
    registry.register_collector(Box::new(Arc::clone(sources)));
}

/// Writes everything that is registered. Takes milliseconds where there are thousands of tools, so
/// it is not for the threads that serve requests.
pub(crate) fn encode(registry: &Registry, format: Format) -> Result<String, fmt::Error> {
    let mut open = String::with_capacity(32 * 1024);
    prometheus_client::encoding::text::encode(&mut open, registry)?;
    Ok(match format {
        Format::OpenMetrics => open,
        Format::Plain => text::to_plain(&open),
    })
}
