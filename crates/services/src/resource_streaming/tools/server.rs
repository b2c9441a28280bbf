//! `mcp_server`: the service about itself.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::context::Context;
use crate::ports::SourceState;
use crate::resource_streaming::METRICS_SECONDS;
use crate::resource_streaming::subscription::{ChangeType, Counts};
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, NoArguments, Tool};
use crate::usage::ToolUsage;

/// The tool.
pub(in crate::resource_streaming) const TOOL: Tool = Tool {
    name: "mcp_server",
    alias: None,
    title: "State of the streaming service",
    description: "Tells which resources can be subscribed to, how many are subscribed to each, what \
                  became of notifications since the start, and how often the tools were called.",
    annotations: Annotations::TELLS,
    effort: Effort::Heavy,
    input_schema: schema::input::<NoArguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "Before anybody is subscribed",
        arguments: "{}",
        answer: r#"{"service": "resource_streaming", "port": 8107, "subscriptions": {},
            "change_types": ["created", "updated", "deleted", "content_changed"],
            "notifications": {"sent": 0, "merged": 0, "dropped": 0}, "sources": []}"#,
    }],
    run: |context, raw| tool::tell(context, raw, server),
};

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// The service.
    service: &'static str,
    /// Its port where it has a listener of its own.
    port: u16,
    /// The resources that every gateway has.
    resources: Vec<&'static str>,
    /// The resources that the operator named.
    sources: Vec<SourceState>,
    /// How resources change.
    change_types: [&'static str; 4],
    /// Seconds between two looks at the metrics while somebody is subscribed.
    metrics_seconds: u64,
    /// How many are subscribed to each resource, whosever clients they are.
    subscriptions: BTreeMap<String, usize>,
    /// What became of notifications since the start, whoever they were for.
    notifications: Counts,
    /// The calls of each tool since the start, whoever made them.
    tools: BTreeMap<&'static str, ToolUsage>,
}

fn server(context: &Context<'_>) -> Answer {
    let streaming = context.services.streaming();
    let subscribers = context.ports().subscribers.as_ref();
    Answer {
        service: context.service.name,
        port: context.service.port,
        resources: context.service.resources.iter().map(|resource| resource.uri).collect(),
        sources: subscribers.map(|all| all.sources()).unwrap_or_default(),
        change_types: ChangeType::ALL.map(ChangeType::name),
        metrics_seconds: METRICS_SECONDS,
        subscriptions: streaming.by_resource(),
        notifications: streaming.counts(),
        tools: context.usage().tools(context),
    }
}
