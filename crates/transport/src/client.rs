//! The side of the wire towards upstreams: messages out, answers and events in.

pub mod http;
pub mod stdio;

// Whoever has upstreams makes one client for all of them, and needs no other part of `net`.
pub use gantry_net::{Client, ClientConfig, ProxyConfig, ProxyError, Target, UrlError};
