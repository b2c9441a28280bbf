//! An MCP server on the official Rust SDK which offers everything that the official conformance
//! suite asks for. It is the upstream of Gantry's end-to-end tests, and shares no code with Gantry,
//! so that a mistake of ours cannot cancel itself out.
//!
//! What needs the caller's help (sampling, elicitation, roots) is written once and works in both
//! eras: towards a legacy caller as a request, towards a modern one as `input_required`.
//!
//! ```text
//! rmcp_upstream --http 127.0.0.1:0 [--era modern|legacy|dual]     says where it listens, path /mcp
//! rmcp_upstream --stdio            [--era modern|legacy|dual]
//! ```

mod arguments;
mod asking;
mod catalogue;
mod http;
mod prompts;
mod resources;
mod tools;
mod upstream;
mod watchers;

use std::error::Error;

use clap::Parser as _;
use rmcp::{ServiceExt as _, transport::stdio};

use crate::{
    arguments::Arguments,
    upstream::{Shared, Upstream},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let shared = Shared::new(arguments.era);
    let Some(address) = arguments.http() else {
        Upstream::new(shared).serve(stdio()).await?.waiting().await?;
        return Ok(());
    };
    http::serve(address, shared, arguments.exit_with_stdin).await
}
