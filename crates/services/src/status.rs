//! What every service tells of itself.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::context::Context;
use crate::usage::{RecentCall, ToolUsage};

/// The most calls that are shown.
const MAX_SHOWN: usize = 20;

/// A service at this moment.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Status {
    /// The service.
    service: &'static str,
    /// The calls of each tool since the start, whoever made them.
    tools: BTreeMap<&'static str, ToolUsage>,
    /// The caller's own last calls, the latest first.
    last_calls: Vec<RecentCall>,
}

impl Status {
    /// Looks at the service that is called.
    pub(crate) fn of(context: &Context<'_>) -> Self {
        Self {
            service: context.service.name,
            tools: context.usage().tools(context),
            last_calls: context.usage().last_calls(context, MAX_SHOWN),
        }
    }
}
