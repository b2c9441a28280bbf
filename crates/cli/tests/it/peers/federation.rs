//! A gateway in front of three servers: `everything` and `files` from npm, `up` of ours.

use std::path::PathBuf;

use serde_json::json;

use crate::support::{gantry::Gantry, node, upstream::HttpUpstream};

/// The gateway with its servers.
#[derive(Debug)]
pub(super) struct Federation {
    gantry: Gantry,
    _upstream: HttpUpstream,
    /// What the server `files` may touch.
    files: tempfile::TempDir,
}

impl Federation {
    pub(super) async fn start() -> Self {
        let upstream = HttpUpstream::start("dual").await;
        let files = tempfile::tempdir().expect("a temporary folder can be made");
        let server = |name: &str| {
            node::package(&format!("@modelcontextprotocol/server-{name}"), "dist/index.js")
        };
        let config = json!({
            // Servers from npm take their time on a busy machine, and the first list is to have
            // them all.
            "startup": { "first_offer_wait": "30s" },
            "servers": {
                "everything": { "command": node::node(), "args": [server("everything")] },
                "files": { "command": node::node(), "args": [server("filesystem"), files.path()] },
                "up": { "url": upstream.url() },
            },
        });
        let gantry = Gantry::start(&config.to_string()).await;
        Self { gantry, _upstream: upstream, files }
    }

    /// The endpoint of everything.
    pub(super) fn url(&self) -> String {
        self.gantry.url("/mcp")
    }

    /// The same by the transport of 2024-11-05.
    pub(super) fn old_url(&self) -> String {
        self.gantry.url("/sse")
    }

    /// A file that the server `files` may read.
    pub(super) fn file_with(&self, text: &str) -> PathBuf {
        let file = self.files.path().join("file.txt");
        std::fs::write(&file, text).expect("a file can be written in one's own folder");
        file
    }
}
