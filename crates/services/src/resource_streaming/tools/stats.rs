//! `get_subscription_stats`: the caller's own subscriptions.

use schemars::JsonSchema;
use serde::Serialize;

use crate::context::Context;
use crate::resource_streaming::streaming::Told;
use crate::resource_streaming::subscription::Counts;
use crate::schema;
use crate::tool::{self, Annotations, Effort, Example, NoArguments, Tool};

/// The most subscriptions that are shown.
const MAX_SHOWN: usize = 100;

/// The tool.
pub(in crate::resource_streaming) const TOOL: Tool = Tool {
    name: "get_subscription_stats",
    alias: None,
    title: "Statistics of subscriptions",
    description: "Tells what the caller's clients are subscribed to, with which filters, and what \
                  became of the notifications: sent, merged because nobody read, or dropped because \
                  a queue was full.",
    annotations: Annotations::TELLS,
    effort: Effort::Heavy,
    input_schema: schema::input::<NoArguments>,
    output_schema: schema::output::<Answer>,
    examples: &[Example {
        title: "Before anything was subscribed to",
        arguments: "{}",
        answer: r#"{"total_subscriptions": 0, "subscriptions": [],
            "notifications": {"sent": 0, "merged": 0, "dropped": 0}}"#,
    }],
    run: |context, raw| tool::tell(context, raw, stats),
};

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    /// The caller's subscriptions.
    total_subscriptions: usize,
    /// The first hundred of them, the oldest first.
    subscriptions: Vec<Told>,
    /// What became of all notifications since the start, whoever they were for.
    notifications: Counts,
}

fn stats(context: &Context<'_>) -> Answer {
    let streaming = context.services.streaming();
    let mut subscriptions = streaming.own(context.principal);
    let total_subscriptions = subscriptions.len();
    subscriptions.truncate(MAX_SHOWN);
    Answer { total_subscriptions, subscriptions, notifications: streaming.counts() }
}
