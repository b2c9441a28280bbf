//! The types of a child's pipes, by platform. Only Unix has them so far; elsewhere they are empty stand-ins, and no
//! child is ever started.

/// The end of the child's stdin that we write to.
#[cfg(unix)]
pub type ChildStdin = tokio::net::unix::pipe::Sender;
/// The end of the child's stdout that we read from.
#[cfg(unix)]
pub type ChildStdout = tokio::net::unix::pipe::Receiver;
/// Our half of the control socket for writing: the shim ends everything when it closes.
#[cfg(unix)]
pub(crate) type LifeLine = tokio::net::unix::OwnedWriteHalf;

/// The end of the child's stdin that we write to.
#[cfg(not(unix))]
pub type ChildStdin = tokio::io::Sink;
/// The end of the child's stdout that we read from.
#[cfg(not(unix))]
pub type ChildStdout = tokio::io::Empty;
/// Our half of the control socket for writing.
#[cfg(not(unix))]
pub(crate) type LifeLine = std::convert::Infallible;
