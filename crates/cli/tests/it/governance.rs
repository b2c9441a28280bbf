//! What is decided about requests: who may do what, how much, and who did it.

mod access;
mod hooks;
mod traffic;
