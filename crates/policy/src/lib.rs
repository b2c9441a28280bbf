//! What a caller may do: who they are, where they come from, and where the gateway may listen.
//!
//! Pure decisions over bytes and addresses: no socket, no file, no clock. The server reads the
//! headers, asks here and turns a refusal into a status. What is offered to whom is the gateway's.
#![warn(missing_docs)]

pub mod access;
pub mod audit;
pub mod exposure;
pub mod origin;
pub mod pattern;
pub mod redact;
pub mod tokens;

pub use exposure::{Exposed, may_listen};
pub use origin::{BadPattern, HostPolicy, OriginRefusal};
pub use tokens::{AdminToken, Denied, TokenEntry, TokenError, Tokens};
