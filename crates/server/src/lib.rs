//! The process: configuration, HTTP routes, health, metrics, reload and shutdown.
//!
//! This is where the parts of Gantry are put together; none of them knows another.
#![warn(missing_docs)]

pub mod config;
