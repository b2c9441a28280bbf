//! What is decided about a request between the routing and its provider: each layer in a module of its
//! own, called from the call stack alone.

pub mod access;

mod approval;
