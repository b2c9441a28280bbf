//! What is decided, limited and recorded of a request between the routing and its provider: one
//! module a layer, called from the call stack alone.

pub mod access;
pub(crate) mod audit;

mod approval;
