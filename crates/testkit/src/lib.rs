//! What several crates' tests share; no part of the product.
//!
//! Functions here fail by panicking, as tests do. What needs the whole server is in the server's
//! own tests.

pub mod contract;
pub mod fuzz;
#[cfg(unix)]
pub mod postgres;
