//! MCP on the wire: Streamable HTTP in both eras and stdio, on the side of upstreams ([`client`])
//! and on the side of our clients.
//!
//! Framing, headers and streams are known here; what the messages mean, which era a peer is of and
//! where a message goes is decided by the gateway. Bytes pass through as they were sent.
#![warn(missing_docs)]

pub mod client;
pub mod names;
pub mod server;
