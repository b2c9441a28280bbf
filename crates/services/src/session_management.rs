//! `session_management`: the life of a session as explicit handles.

use crate::service::Service;

/// The service.
pub static SERVICE: Service = Service {
    name: "session_management",
    port: 8106,
    title: "Session management",
    description: "Keeps sessions of clients from their beginning to their end.",
    tools: &[],
    extras: &[],
    resources: &[],
    prompts: &[],
};
