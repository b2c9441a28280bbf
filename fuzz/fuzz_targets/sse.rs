//! Searches for inputs that break `gantry_testkit::fuzz::sse`, which says what must hold.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gantry_testkit::fuzz::sse(data));
