//! Tests of the server through its public face.

#[cfg(test)]
mod config;
