//! What the command line says.

use std::{borrow::Cow, net::SocketAddr};

use clap::{Args, Parser, ValueEnum};
use rmcp::model::ProtocolVersion;

/// An MCP server that offers everything the conformance suite asks for.
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    #[command(flatten)]
    transport: Transport,
    /// The revisions that are spoken.
    #[arg(long, value_enum, default_value_t = Era::Dual)]
    pub(crate) era: Era,
    /// With --http: ends when stdin does, so that no server outlives the test that started it.
    #[arg(long)]
    pub(crate) exit_with_stdin: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Transport {
    /// Serves Streamable HTTP on this address at /mcp; port 0 takes any free one.
    #[arg(long, value_name = "ADDR:PORT")]
    http: Option<SocketAddr>,
    /// Serves its stdin and stdout.
    #[arg(long)]
    stdio: bool,
}

impl Arguments {
    /// The address to listen on; none means stdio.
    pub(crate) fn http(&self) -> Option<SocketAddr> {
        self.transport.http
    }
}

/// Which revisions the server speaks.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Era {
    /// 2026-07-28 alone.
    Modern,
    /// All revisions with an `initialize`.
    Legacy,
    /// All.
    Dual,
}

impl Era {
    /// The revisions, oldest first.
    pub(crate) fn revisions(self) -> Cow<'static, [ProtocolVersion]> {
        let all = ProtocolVersion::KNOWN_VERSIONS;
        Cow::Borrowed(match self {
            Self::Modern => &[ProtocolVersion::V_2026_07_28],
            Self::Legacy => ProtocolVersion::known_up_to(&ProtocolVersion::V_2025_11_25),
            Self::Dual => all,
        })
    }
}
