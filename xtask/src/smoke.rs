//! `cargo xtask smoke`: the README's first command, as a newcomer would use it.
//!
//! Builds the release binary, runs it in an empty folder, takes the address from what it prints, asks it for its health
//! and for a list of tools, and interrupts it: that must end it in time and without an error.

use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::http;
use crate::server_process::ServerProcess;
use crate::shell;
use crate::workspace::Workspace;

/// How long the gateway may take to say where it listens; cargo looks at all sources before it starts it.
const BANNER_LIMIT: Duration = Duration::from_mins(1);

/// How long it may take to answer after that.
const HEALTH_LIMIT: Duration = Duration::from_secs(90);

/// How long it may take to end after an interrupt.
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// A list of tools, as a client of 2026-07-28 asks for it.
const LIST_TOOLS: &str = concat!(
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"#,
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#
);

/// Builds, starts, asks and stops the gateway.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    shell::run(shell::cargo(workspace).args(["build", "--release"]))?;
    let folder = workspace.target("smoke");
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("failed to empty `{}`", folder.display()))?;
    }
    fs::create_dir_all(&folder)
        .with_context(|| format!("failed to create `{}`", folder.display()))?;

    let mut command = readme_command(workspace);
    command.current_dir(&folder).stdout(Stdio::piped()).stderr(Stdio::piped());
    println!("$ {}", shell::show(&command));
    let mut gateway = ServerProcess::start(workspace, "the gateway", &mut command)?;
    let lines = lines_of(&mut gateway)?;
    let address = announced_address(&lines)?;
    gateway.wait_until(HEALTH_LIMIT, || expect_ok(&http::get(address, "/health")?, "/health"))?;
    let headers = [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/list")];
    let listed = http::post(address, "/mcp", &headers, LIST_TOOLS)?;
    expect_ok(&listed, "/mcp")?;
    if !listed.body.contains(r#""tools""#) {
        bail!("`tools/list` was answered without tools: {}", listed.body);
    }

    gateway.signal("INT")?;
    let status = gateway.wait(STOP_LIMIT)?;
    if !status.success() {
        bail!("the gateway ended with {status} after an interrupt; it should end without an error");
    }
    println!("the gateway came up at http://{address}, answered, and went away when asked to");
    Ok(())
}

/// `cargo run --release`, on a free port and away from the developer's own configuration.
///
/// Cargo replaces itself by the program, so that signals reach the gateway.
fn readme_command(workspace: &Workspace) -> Command {
    let mut command = shell::cargo(workspace);
    command
        .args(["run", "--release", "--quiet", "--manifest-path"])
        .arg(workspace.path("Cargo.toml"));
    command.args(["--", "--listen", "127.0.0.1:0"]);
    for variable in ["GANTRY_CONFIG", "GANTRY_DATA_DIR", "GANTRY_LISTEN"] {
        command.env_remove(variable);
    }
    command
}

/// Shows what the gateway prints and passes it on, line by line.
fn lines_of(gateway: &mut ServerProcess) -> anyhow::Result<mpsc::Receiver<String>> {
    // More lines than a start prints; a reader that nobody listens to any more only shows them.
    let (sender, receiver) = mpsc::sync_channel(1000);
    let child = gateway.child();
    let output: Box<dyn Read + Send> =
        Box::new(child.stdout.take().context("standard output is a pipe")?);
    let errors: Box<dyn Read + Send> =
        Box::new(child.stderr.take().context("standard error is a pipe")?);
    for pipe in [output, errors] {
        let sender = sender.clone();
        thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                println!("  | {line}");
                let _ = sender.try_send(line);
            }
        });
    }
    Ok(receiver)
}

/// Waits for a line that names an address with a real port.
fn announced_address(lines: &mpsc::Receiver<String>) -> anyhow::Result<SocketAddr> {
    let begin = Instant::now();
    loop {
        let left = BANNER_LIMIT.saturating_sub(begin.elapsed());
        let line = lines
            .recv_timeout(left)
            .context("the gateway ended, or did not say where it listens")?;
        if let Some(address) = address_in(&line) {
            return Ok(address);
        }
    }
}

/// The first loopback address with a port in the line.
fn address_in(line: &str) -> Option<SocketAddr> {
    let is_part =
        |character: char| character.is_ascii_digit() || character == '.' || character == ':';
    let words =
        line.split(|character: char| !is_part(character)).map(|word| word.trim_matches([':', '.']));
    let addresses = words.filter_map(|word| word.parse::<SocketAddr>().ok());
    addresses.into_iter().find(|address| address.ip().is_loopback() && address.port() != 0)
}

fn expect_ok(answer: &http::Answer, path: &str) -> anyhow::Result<()> {
    if answer.status != 200 {
        bail!("`{path}` answered {}: {}", answer.status, answer.body);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::address_in;

    #[test]
    fn the_address_is_found_wherever_it_stands() {
        let expected = Some("127.0.0.1:8123".parse().unwrap());
        assert_eq!(address_in("  MCP      http://127.0.0.1:8123/mcp"), expected);
        assert_eq!(address_in(r#"{"address":"127.0.0.1:8123","took":0.5}"#), expected);
        assert_eq!(address_in("Listening on 127.0.0.1:8123."), expected);
    }

    #[test]
    fn what_is_no_address_of_ours_is_passed_over() {
        assert_eq!(address_in("asked for 127.0.0.1:0 at 12:30:01"), None);
        assert_eq!(address_in("not on 192.0.2.1:80"), None);
    }
}
