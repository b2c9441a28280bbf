//! The tools of `resource_streaming`.

pub(super) mod process;
pub(super) mod server;
pub(super) mod stats;
