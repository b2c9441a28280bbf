//! What a caller may do: who they are, where they come from, and where the gateway may listen.
//!
//! Pure decisions over bytes and addresses: no socket, no file, no clock. The server reads the
//! headers, asks here and turns a refusal into a status. What is offered to whom is the gateway's.
#![warn(missing_docs)]

pub mod admin;
pub mod credential;
pub mod exposure;
pub mod keys;
pub mod origin;
pub mod scopes;

pub use admin::{AdminToken, TokenError};
pub use credential::Denied;
pub use exposure::{Exposed, may_listen};
pub use keys::{KeyEntry, KeyTable, Pepper};
pub use origin::{BadPattern, HostPolicy, OriginRefusal};
