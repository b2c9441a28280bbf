//! What the machine gives: files, ports, a way out.

use std::io;
use std::net::TcpListener;

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

/// The port is free, or it is the gateway's own.
pub(super) fn address_is_free(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(config) = subject.config() else { return Vec::new() };
    let address = config.server.listen;
    if matches!(subject.gateway, Reached::Running { .. }) {
        return Vec::new();
    }
    match TcpListener::bind(address) {
        Ok(_) => Finding::good(format!("`{address}` is free")),
        Err(error) => {
            let hint = match error.kind() {
                io::ErrorKind::AddrInUse => {
                    "another program has the port; `server.listen` names another, or `--listen`"
                }
                io::ErrorKind::PermissionDenied => "ports below 1024 need a right of their own",
                _ => "`server.listen` must be an address of this machine",
            };
            vec![
                Finding::bad(format!("cannot listen on `{address}`: {error}"))
                    .with_hint(hint)
                    .with_code(Some(ErrorCode::BindFailed)),
            ]
        }
    }
}
