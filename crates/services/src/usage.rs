//! What was called: figures for everybody, and to each principal its own last calls.

use std::collections::{BTreeMap, VecDeque};

use gantry_core::Principal;
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::Serialize;

use crate::catalogue::catalogue;
use crate::context::Context;
use crate::service::Service;

/// The last calls of a service that are remembered, whoever made them.
const MAX_CALLS: usize = 256;

/// The calls of all services since the start.
#[derive(Debug)]
pub(crate) struct Usage {
    // Each mutex protects the figures of one service, and is held for a few additions.
    services: BTreeMap<&'static str, Mutex<ServiceUsage>>,
}

#[derive(Debug, Default)]
struct ServiceUsage {
    tools: BTreeMap<&'static str, ToolUsage>,
    last: VecDeque<(Principal, RecentCall)>,
}

/// What became of the calls of a tool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct ToolUsage {
    /// The calls since the start.
    pub(crate) calls: u64,
    /// Those that ended with an error.
    pub(crate) errors: u64,
    /// Microseconds that all of them took together.
    pub(crate) total_microseconds: u64,
    /// Microseconds that the longest took.
    pub(crate) longest_microseconds: u64,
}

/// A call that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct RecentCall {
    /// The tool.
    pub(crate) tool: &'static str,
    /// Unix seconds at which it began.
    pub(crate) at: u64,
    /// Microseconds that it took.
    pub(crate) microseconds: u64,
    /// What the caller was told if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

impl Usage {
    pub(crate) fn new() -> Self {
        let services = catalogue().iter().map(|service| (service.name, Mutex::default()));
        Self { services: services.collect() }
    }

    /// Counts a call.
    pub(crate) fn record(&self, context: &Context<'_>, call: RecentCall) {
        let Some(service) = self.services.get(context.service.name) else { return };
        let mut service = service.lock();
        let figures = service.tools.entry(call.tool).or_default();
        figures.calls += 1;
        figures.errors += u64::from(call.error.is_some());
        figures.total_microseconds = figures.total_microseconds.saturating_add(call.microseconds);
        figures.longest_microseconds = figures.longest_microseconds.max(call.microseconds);
        if service.last.len() == MAX_CALLS {
            service.last.pop_front();
        }
        service.last.push_back((context.principal.clone(), call));
    }

    /// Returns the figures of the service that is called; a tool that was not called has none.
    pub(crate) fn tools(&self, context: &Context<'_>) -> BTreeMap<&'static str, ToolUsage> {
        self.of(context.service)
    }

    /// Returns the figures of a service.
    pub(crate) fn of(&self, service: &Service) -> BTreeMap<&'static str, ToolUsage> {
        let service = self.services.get(service.name);
        service.map(|service| service.lock().tools.clone()).unwrap_or_default()
    }

    /// Returns the last calls that the caller made of this service, the latest first.
    pub(crate) fn last_calls(&self, context: &Context<'_>, most: usize) -> Vec<RecentCall> {
        let Some(service) = self.services.get(context.service.name) else { return Vec::new() };
        let service = service.lock();
        let own = service.last.iter().rev().filter(|(caller, _)| caller == context.principal);
        own.take(most).map(|(_, call)| call.clone()).collect()
    }
}
