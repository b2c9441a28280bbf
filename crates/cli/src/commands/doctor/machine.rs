//! What the machine gives: files, ports, a way out.

use std::io;
use std::net::{SocketAddr, TcpListener};

use gantry_core::ErrorCode;

use super::gateway::Reached;
use super::{Finding, Subject};

/// Each client, each server and each of its pipes is an open file.
#[cfg(unix)]
const FEW_FILES: u64 = 1024;

/// As many files may be open as connections want.
#[cfg(unix)]
pub(super) fn may_open_files(_: &Subject<'_>) -> Vec<Finding> {
    let limits = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    match limits.current {
        Some(limit) if limit < FEW_FILES => vec![
            Finding::warning(format!("only {limit} files may be open at once"))
                .with_hint("raise it: `ulimit -n 65536`, or `LimitNOFILE=` of systemd"),
        ],
        // The number differs from machine to machine.
        _ => Finding::good("enough files may be open at once"),
    }
}

#[cfg(not(unix))]
pub(super) fn may_open_files(_: &Subject<'_>) -> Vec<Finding> {
    Vec::new()
}

/// What the variables say about a proxy is what is done.
pub(super) fn proxy_is_understood(subject: &Subject<'_>) -> Vec<Finding> {
    let is_set = |name: &str| subject.env.get(name).is_some_and(|value| !value.is_empty());
    let used: Vec<_> = ["HTTPS_PROXY", "https_proxy", "http_proxy"]
        .into_iter()
        .filter(|name| is_set(name))
        .collect();
    let mut found = Vec::new();
    if is_set("HTTP_PROXY") && !is_set("http_proxy") {
        found.push(
            Finding::warning("`HTTP_PROXY` is set, but only `http_proxy` is used for `http`")
                .with_hint("write `http_proxy`: the other one can be set by a request in CGI"),
        );
    }
    if !used.is_empty() {
        let except =
            if is_set("NO_PROXY") || is_set("no_proxy") { "" } else { ", without exception" };
        found.push(Finding::note(format!(
            "servers are called through the proxy of `{}`{except}",
            used.join("`, `")
        )));
    }
    if found.is_empty() { Finding::good("servers are called directly") } else { found }
}

/// The ports are free, or they are the gateway's own.
pub(super) fn addresses_are_free(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(config) = subject.config() else { return Vec::new() };
    if matches!(subject.gateway, Reached::Running { .. }) {
        return Vec::new();
    }
    let listeners = [
        ("server.listen", Some(config.server.listen)),
        ("server.https.listen", config.server.https.as_ref().map(|https| https.listen)),
        ("server.management.listen", config.server.management),
        ("metrics.listen", config.metrics.listen),
    ];
    let listeners = listeners.into_iter().filter_map(|(key, address)| Some((key, address?)));
    listeners.map(|(key, address)| free(key, address)).collect()
}

fn free(key: &str, address: SocketAddr) -> Finding {
    let Err(error) = TcpListener::bind(address) else {
        return Finding::good_one(format!("`{address}` is free"));
    };
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse if key == "server.listen" => {
            "another program has the port; `server.listen` names another, or `--listen`".to_owned()
        }
        io::ErrorKind::AddrInUse => {
            format!("another program has the port; `{key}` names another")
        }
        io::ErrorKind::PermissionDenied => "ports below 1024 need a right of their own".to_owned(),
        _ => format!("`{key}` must be an address of this machine"),
    };
    Finding::bad(format!("cannot listen on `{address}`: {error}"))
        .with_hint(hint)
        .with_code(Some(ErrorCode::BindFailed))
}
