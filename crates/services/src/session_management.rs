//! `session_management`: the life of a session as explicit handles.
//!
//! A session here is a record that its client names in every call, so it works the same in both
//! eras of the protocol, over any transport, and after a restart if records outlive one.
//! [`session`] is its life, [`token`] the proof that a client is the one that opened it, and
//! [`requests`] what can be asked within one.

mod handle;
mod requests;
mod session;
mod status;
mod token;
mod validate;

use crate::service::Service;

/// The service.
pub static SERVICE: Service = Service {
    name: "session_management",
    port: 8106,
    title: "Session management",
    description: "Keeps sessions of clients from their beginning to their end.",
    tools: &[handle::TOOL, validate::TOOL, status::TOOL],
    extras: &[],
    resources: &[],
    prompts: &[],
};
