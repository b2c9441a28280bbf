//! The upstream of the benchmark: an MCP server with one tool, `echo`, and a fixed answer.
//!
//! It is as cheap as a correct HTTP server can be, so that the figures show what stands in front of it. It is no
//! example of an MCP server: it checks nothing, and it answers by the length of a request, not by its content.
//! `cargo xtask bench` starts it; see `bench/README.md`.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};

use anyhow::Context as _;
use clap::Parser;

mod answer;
mod server;

/// Serves the benchmark's upstream until it is killed.
#[derive(Debug, Parser)]
#[command(name = "gantry-bench")]
struct Arguments {
    /// Where to listen; port 0 takes a free one, and the first line of standard output says which.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Speaks the revisions before 2026-07-28 only.
    #[arg(long)]
    legacy: bool,
    /// Threads that serve connections, each with its own runtime.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=64))]
    threads: u8,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let listener = TcpListener::bind(arguments.listen)
        .with_context(|| format!("failed to bind `{}`, given by `--listen`", arguments.listen))?;
    let address = listener.local_addr().context("failed to read the bound address")?;
    // The one line that whoever started this process waits for.
    writeln!(std::io::stdout(), "listening on http://{address}/mcp")?;
    server::serve(&listener, arguments.threads, answer::Answers::new(arguments.legacy))
}
