//! What is decided, limited and recorded of a request between the routing and its provider: one
//! module a layer; the order of it all is in `dispatch::call_stack`.

pub mod access;
pub(crate) mod audit;
pub(crate) mod hooks;
pub mod traffic;
pub(crate) mod validation;

mod approval;
