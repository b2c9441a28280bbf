//! End-to-end tests: the real binary, real upstreams, real clients, over real sockets and pipes.
//!
//! One target for all of them, so that they link once. `support` starts and stops things; every
//! other module is one subject.

#![expect(clippy::panic, reason = "where a helper of a test fails, the test has failed")]
#![expect(clippy::needless_pass_by_value, reason = "`json!(…)` reads better without a reference")]

mod api;
mod audit;
#[cfg(test)]
mod commands;
mod conformance;
mod declared;
mod differential;
mod docs;
mod edge;
mod eras;
mod governance;
mod https;
mod local;
mod logging;
mod peers;
mod robustness;
mod running;
mod service;
mod services;
mod storage;
mod support;
mod traces;
mod watching;
