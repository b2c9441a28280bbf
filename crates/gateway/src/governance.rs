//! What decides about a request before its provider gets it; the order of it all is in
//! `dispatch::call_stack`.

pub mod traffic;
