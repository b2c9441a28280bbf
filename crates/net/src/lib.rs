//! The outbound HTTP client: HTTP/1.1 over TCP or TLS, with limits on size and time, a proxy, an
//! address guard, and a stack of idle connections for each authority.
//!
//! It is on the path of every call to an HTTP upstream, so it does little: a [`Target`] resolves
//! scheme, authority and route once, and a request on a warm connection takes one lock to pop the
//! connection and one to push it back. No task is spawned: whoever awaits the answer drives the
//! connection, so dropping the future or the body closes the connection at once, and nothing
//! outlives its request. An idle connection is looked at when it is taken, before anything is
//! written to it.
//!
//! What it does not do: redirects, cookies, decompression, retries of what may have been received.
//! A request is sent a second time only if no byte of it was written; see [`Error::is_unsent`].
//!
//! ```text
//! Client ── target(url) ──> Target ── send(..) ──> Origin: pop idle ─┬─> Connection ─> ResponseBody
//!                                                         └ connect ─┘        ^             │ read to its end
//!                                                                             └── push idle ┘
//! ```
#![warn(missing_docs)]

pub mod address;
pub mod body;
pub mod client;
pub mod config;
pub mod error;
pub mod proxy;
pub mod target;

mod connect;
mod connection;
mod origin;
mod stream;
mod tls;
mod tunnel;

pub use address::AddressGuard;
pub use body::ResponseBody;
pub use client::Client;
pub use config::{ClientConfig, Limits};
pub use error::{BodyError, Error, Phase, UrlError};
pub use proxy::{ProxyConfig, ProxyError};
pub use target::Target;
