//! Searches for configurations that break the body in `bodies/config.rs`, which says what must hold.

#![no_main]

#[path = "../bodies/config.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::config(data));
