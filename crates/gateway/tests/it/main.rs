//! The gateway as its clients see it, over real sockets and pipes, in front of a scripted upstream.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod legacy;
mod listen;
mod modern;
mod sessions;
mod stdio;
mod support;
