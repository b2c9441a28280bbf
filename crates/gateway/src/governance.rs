//! What is decided, limited and recorded of a call on its way to a provider: one module a layer of
//! the call stack, each with its own order of things.

pub(crate) mod audit;
