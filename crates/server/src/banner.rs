//! What a gateway says on standard output when it is up: where it is, and one line to try.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use crate::config::Env;
use crate::shared::Shared;

/// Writes the banner. That nobody reads it is no reason to end.
pub(crate) fn print(shared: &Shared, env: &Env) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text(shared, &program(env)).as_bytes());
    let _ = out.flush();
}

fn text(shared: &Shared, program: &str) -> String {
    let live = shared.live.load();
    let config = &live.config;
    let bound = &shared.bound;
    let plain = format!("http://{}", reachable(bound.main));
    let secure = bound.https.map(|https| format!("https://{}", reachable(https)));
    // Who is sent on anyway had better begin there.
    let base = secure.as_ref().filter(|_| live.redirect_to.is_some()).unwrap_or(&plain);
    let mut text = format!("Gantry {} is up.\n\n", env!("CARGO_PKG_VERSION"));
    // Writing to a string cannot fail.
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<16}{value}");
    };
    row("everything", &format!("{base}/mcp"));
    row("one server", &format!("{base}/mcp/NAME"));
    if let Some(secure) = secure.as_ref().filter(|secure| *secure != base) {
        row("with TLS", &format!("{secure}/mcp"));
    }
    row("state", &format!("{base}/ready"));
    if config.metrics_enabled {
        let own = bound.metrics.map(|metrics| format!("http://{}", reachable(metrics)));
        row("metrics", &format!("{}/metrics", own.as_ref().unwrap_or(base)));
    }
    if let Some(management) = bound.management {
        row("management", &format!("http://{}", reachable(management)));
    }
    if let Some(socket) = &config.server.socket {
        row("socket", &socket.display().to_string());
    }
    if shared.address.ip().is_unspecified() {
        row("listening on", &shared.address.to_string());
    }
    if shared.must_authenticate() {
        row("clients", "need a token or key");
    }
    let file = config.file.as_deref();
    row("configuration", &file.map_or_else(|| "defaults".to_owned(), described));
    row("data", &shared.data.display().to_string());
    let try_this = if config.gateway.servers.is_empty() {
        format!("{program} add everything -- npx -y @modelcontextprotocol/server-everything")
    } else {
        format!("{program} tools list")
    };
    let _ = write!(text, "\nTry, in another terminal:  {try_this}\n");
    text
}

fn described(file: &Path) -> String {
    let shown = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let absent = if file.exists() { "" } else { " (not there yet; watched for)" };
    format!("{}{absent}", shown.display())
}

/// Returns an address that this machine can connect to.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Returns how this program can be started again from the current folder.
fn program(env: &Env) -> String {
    let Ok(path) = std::env::current_exe() else { return "gantry".to_owned() };
    let folder = path.parent();
    let is_on_path = std::env::split_paths(env.get("PATH").unwrap_or_default())
        .any(|entry| Some(entry.as_path()) == folder);
    if is_on_path {
        return "gantry".to_owned();
    }
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(&path).display().to_string()
}
