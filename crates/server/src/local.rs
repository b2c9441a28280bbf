//! The unix socket of the data folder, by which this user's own commands reach a running gateway.
//!
//! It speaks MCP as stdio does, a message a line, for the principal `local`. Whoever connects may
//! say first which endpoint is meant, by its path on a line of its own (`/mcp/NAME`); without that
//! line it is `/mcp`. Whoever begins with the line of an HTTP request gets every route instead, as over
//! the network: the admin token is asked for here too. Only processes of the same user are let in: the file has mode 0600, and the
//! kernel is asked who is at the other end.

#[cfg(not(unix))]
mod elsewhere;
#[cfg(unix)]
mod unix;

use tokio::io::{AsyncRead, AsyncWrite};

#[cfg(not(unix))]
pub(crate) use elsewhere::{connect, connect_http, remove_socket, start};
#[cfg(unix)]
pub(crate) use unix::{connect, connect_http, is_same_user, make, remove_socket, start};

/// Both ends of a conversation in lines.
pub(crate) struct Ends {
    pub(crate) reader: Box<dyn AsyncRead + Send + Unpin>,
    pub(crate) writer: Box<dyn AsyncWrite + Send + Unpin>,
}
