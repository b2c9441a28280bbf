//! What a caller may do and how much of it: who they are, where they come from, where the gateway may
//! listen, how much may come in a time and what is asked again.
//!
//! Pure decisions over bytes and addresses: no socket, no file, no clock. The server reads the
//! headers, asks here and turns a refusal into a status. What is offered to whom is the gateway's.
#![warn(missing_docs)]

pub mod access;
pub mod address;
pub mod admin;
pub mod audit;
pub mod breaker;
pub mod cache_key;
pub mod credential;
pub mod exposure;
pub mod hooks;
pub mod jwks;
pub mod jwt;
pub mod keys;
pub mod origin;
pub mod pattern;
pub mod rate;
pub mod redact;
pub mod retry;
pub mod scopes;
mod sha256;
pub mod shown;

pub use address::AddressPolicy;
pub use admin::{AdminToken, TokenError};
pub use credential::{Denied, Invitation};
pub use exposure::{Exposed, may_listen};
pub use keys::{KeyEntry, KeyTable, Pepper};
pub use origin::{BadPattern, HostPolicy, OriginRefusal};
pub use shown::Shown;
