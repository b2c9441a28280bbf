//! The upstream on the official SDK, `examples/rmcp_upstream`.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use super::process::{self, Process};

/// How long it may take to listen.
const START: Duration = Duration::from_secs(30);

/// The upstream, serving HTTP; it is killed when this is dropped, and ends with the test in any case.
#[derive(Debug)]
pub(crate) struct HttpUpstream {
    process: Process,
    address: SocketAddr,
}

impl HttpUpstream {
    /// Starts it, speaking `era`: `modern`, `legacy` or `dual`.
    pub(crate) async fn start(era: &str) -> Self {
        let mut command = process::command(program());
        command.args(["--http", "127.0.0.1:0", "--exit-with-stdin", "--era", era]);
        command.stdin(Stdio::piped());
        let mut process = Process::start("rmcp_upstream", command);
        let address = process.find_line(START, |_, line| {
            line.strip_prefix("listening on ").and_then(|address| address.parse().ok())
        });
        let address = address.await.unwrap_or_else(|reason| panic!("{reason}"));
        Self { process, address }
    }

    /// Its endpoint.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// Everything it printed so far.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }
}

/// The upstream's program, for a gateway that starts it by stdio: `PROGRAM --stdio --era ERA`.
#[track_caller]
pub(crate) fn program() -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_gantry")).parent();
    let folder = folder.expect("a program is in a folder");
    let program = folder.join("examples/rmcp_upstream");
    assert!(
        program.is_file(),
        "`{}` has not been built\nhint: `cargo build -p gantry-cli --examples` builds it",
        program.display()
    );
    program
}
