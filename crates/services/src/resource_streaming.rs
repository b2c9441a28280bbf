//! `resource_streaming`: resources that change, and who hears of it.
//!
//! [`Streaming`] is what is shared: [`subscription`] knows who is subscribed to what and tells them,
//! [`journal`] keeps for each principal what happens while its questions are answered. [`address`]
//! is how a subscription says which changes it is about. The process feeds it: it says who comes and
//! goes, and looks at the operator's sources, which are no business of this crate.

mod address;
mod follow;
mod journal;
mod streaming;
mod subscription;
mod tools;

use crate::service::{Resource, Service};

pub use address::Address;
pub use streaming::Streaming;
pub use subscription::{Change, ChangeType};

/// What happens while the caller's questions are answered.
pub const LOG: &str = "reasoning://process-log";
/// Figures of the service.
pub const METRICS: &str = "reasoning://metrics";
/// The steps of reasoning on the caller's questions.
pub const THOUGHTS: &str = "reasoning://thoughts";
/// What the address of an operator's source begins with; its name follows.
pub const SOURCES: &str = "stream://";
/// How many seconds apart the figures are looked at while somebody is subscribed.
pub const METRICS_SECONDS: u64 = 2;

/// The service.
pub static SERVICE: Service = Service {
    name: "resource_streaming",
    port: 8107,
    title: "Resource streaming",
    description: "Real-time resource streaming and subscriptions: answers questions while whoever is \
                  subscribed follows the steps, and tells subscribers how resources change.",
    tools: &[tools::process::TOOL, tools::server::TOOL],
    extras: &[&[tools::stats::TOOL]],
    resources: &[
        Resource {
            uri: LOG,
            title: "Process log",
            description: "What happened while the caller's last questions were answered, the latest \
                          last. Can be subscribed to.",
            read: |context| Ok(context.services.streaming().log(context.principal, &[])),
        },
        Resource {
            uri: METRICS,
            title: "Metrics",
            description: "How many questions were answered, by whomever, and how the tools were \
                          called. Can be subscribed to; looked at every two seconds.",
            read: |context| Ok(context.services.streaming().metrics(context.usage())),
        },
        Resource {
            uri: THOUGHTS,
            title: "Thoughts",
            description: "The steps of reasoning on the caller's last questions, the latest last. \
                          Can be subscribed to.",
            read: |context| Ok(context.services.streaming().thoughts(context.principal, &[])),
        },
    ],
    prompts: &[],
};
