//! The side of the wire towards upstreams: messages out, answers and events in.

mod conversation;
pub mod http;
pub mod sse;
pub mod stdio;

pub use self::conversation::{Answer, AnswerTooLarge, Inbound, number};

// Whoever has upstreams makes one client for all of them, and needs no other part of `net`.
pub use gantry_net::{Client, ClientConfig, Limits, ProxyConfig, ProxyError, Target, UrlError};
