//! Fixed-answer MCP upstream for the benchmark.
fn main() {}
