//! The side of the wire towards upstreams: messages out, answers and events in.

pub mod http;
