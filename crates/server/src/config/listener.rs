//! `server`: the gateway's own door, checked.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use gantry_core::ErrorCode;
use gantry_policy::access::Network;
use url::Url;

use super::access::Auth;
use super::browsers::{self, Cors, SecurityHeaders};
use super::check::Checker;
use super::connections::{self, Compression, Connections};
use super::doors::{self, Https};
use super::path::Path;
use super::problem::Problem;
use super::raw;
use super::rules::networks;

/// The gateway's own door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The listener that speaks TLS.
    pub https: Option<Https>,
    /// Where the routes of whoever runs the gateway are shown without the others.
    pub management: Option<SocketAddr>,
    /// The unix socket that speaks HTTP, absolute.
    pub socket: Option<PathBuf>,
    /// More values of `Host` that are answered, in lower case, each with or without a port.
    pub allowed_hosts: Vec<String>,
    /// Values of `Origin` that are answered, in the form that browsers send.
    pub allowed_origins: Vec<String>,
    /// Proxies that are believed whom they speak for.
    pub trusted_proxies: Vec<Network>,
    /// From where the gateway may be used; empty: from everywhere.
    pub allow: Vec<Network>,
    /// From where it may not be used.
    pub deny: Vec<Network>,
    /// What pages of other origins may do.
    pub cors: Cors,
    /// Headers that tell browsers to be strict.
    pub security_headers: SecurityHeaders,
    /// Answers that are made smaller.
    pub compression: Compression,
    /// How many connections there may be, and how long each is kept.
    pub connections: Connections,
    /// What one client may ask.
    pub limits: Limits,
}

/// What one client may ask of the door; what a message may be is the gateway's own matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of line and headers.
    pub header: usize,
    /// The longest time to send a whole request.
    pub request_timeout: Duration,
    /// The longest wait for open requests at the end.
    pub shutdown: Duration,
    /// How long load balancers are given to leave before that.
    pub drain: Duration,
}

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);

/// Used where the written address was refused.
const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Checks `server`; `listen` is from the command line or the environment, and wins.
pub(crate) fn check(raw: &raw::Server, listen: Option<&str>, checker: &mut Checker<'_>) -> Server {
    let path = Path::root().key("server");
    let listen = match listen {
        Some(text) => parse_listen(text).unwrap_or_else(|| {
            let message = format!("`--listen` or GANTRY_LISTEN must be {ADDRESS}, but is `{text}`");
            let at = path.key("listen");
            checker.push(Problem::new(ErrorCode::ConfigInvalidValue, &at, message));
            NOWHERE
        }),
        None => address(&raw.listen, &path.key("listen"), checker),
    };
    Server {
        listen,
        https: doors::https(raw, checker),
        management: doors::management(raw, checker),
        socket: doors::socket(raw, checker),
        allowed_hosts: hosts(&raw.allowed_hosts, &path.key("allowed_hosts"), checker),
        allowed_origins: origins(&raw.allowed_origins, &path.key("allowed_origins"), checker),
        trusted_proxies: networks(&raw.trusted_proxies, &path.key("trusted_proxies"), checker),
        allow: networks(&raw.allow, &path.key("allow"), checker),
        deny: networks(&raw.deny, &path.key("deny"), checker),
        cors: browsers::cors(&raw.cors, checker),
        security_headers: browsers::security_headers(&raw.security_headers, checker),
        compression: connections::compression(&raw.compression, checker),
        connections: connections::connections(&raw.connections, checker),
        limits: limits(&raw.limits, &path.key("limits"), checker),
    }
}

/// Refuses an open door: whoever reaches the port could command every upstream.
pub(crate) fn check_exposure(
    server: &Server,
    auth: &Auth,
    listen: Option<&str>,
    checker: &mut Checker<'_>,
) {
    if server.listen.ip().is_loopback() || auth.is_required() {
        return;
    }
    let origin = if listen.is_some() { ", set by `--listen` or GANTRY_LISTEN," } else { "" };
    let message = format!(
        "`server.listen`{origin} is `{}`, beyond the loopback, but `auth` names nobody",
        server.listen
    );
    let hint = doors::NAME_SOMEBODY;
    let path = Path::root().key("server").key("listen");
    checker.push(
        Problem::new(ErrorCode::ListenWithoutAuthentication, &path, message).with_hint(Some(hint)),
    );
}

const ADDRESS: &str = "an address and a port such as `127.0.0.1:8080`";

/// Reads an address and a port to listen on.
pub(super) fn address(text: &str, path: &Path, checker: &mut Checker<'_>) -> SocketAddr {
    parse_listen(text).unwrap_or_else(|| {
        let hint = text.strip_prefix(':').map(|port| format!("write `127.0.0.1:{port}`"));
        checker.invalid_with_hint(path, text, ADDRESS, hint);
        NOWHERE
    })
}

fn parse_listen(text: &str) -> Option<SocketAddr> {
    if let Some(port) = text.strip_prefix("localhost:") {
        return Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().ok()?)));
    }
    text.parse().ok()
}

fn hosts(written: &[String], path: &Path, checker: &mut Checker<'_>) -> Vec<String> {
    let mut hosts = Vec::new();
    for (index, text) in written.iter().enumerate() {
        let is_authority = !text.contains(['/', '@', '*', ' '])
            && Url::parse(&format!("http://{text}/"))
                .is_ok_and(|url| url.has_host() && url.path() == "/" && url.query().is_none());
        if is_authority {
            hosts.push(text.to_ascii_lowercase());
        } else {
            checker.invalid(&path.index(index), text, "a host such as `gantry.example.com`");
        }
    }
    hosts
}

pub(super) fn origins(written: &[String], path: &Path, checker: &mut Checker<'_>) -> Vec<String> {
    let mut origins = Vec::new();
    for (index, text) in written.iter().enumerate() {
        let origin = Url::parse(text).ok().filter(|url| {
            url.has_host() && url.path() == "/" && url.query().is_none() && !text.ends_with('/')
        });
        match origin.map(|url| url.origin()) {
            Some(origin) if origin.is_tuple() => origins.push(origin.ascii_serialization()),
            _ => {
                let expected = "an origin such as `https://app.example.com`, without a path";
                checker.invalid(&path.index(index), text, expected);
            }
        }
    }
    origins
}

fn limits(raw: &raw::Limits, path: &Path, checker: &mut Checker<'_>) -> Limits {
    Limits {
        header: checker.size(&path.key("header"), &raw.header, (1 << 12, 1 << 20)),
        request_timeout: checker.duration(
            &path.key("request_timeout"),
            &raw.request_timeout,
            (SECOND, HOUR),
        ),
        shutdown: checker.duration(&path.key("shutdown"), &raw.shutdown, (Duration::ZERO, HOUR)),
        drain: checker.duration(&path.key("drain"), &raw.drain, (Duration::ZERO, HOUR)),
    }
}

/// Checks those of `server.limits` that the gateway itself keeps to: the largest message of a
/// client in bytes, and the silence on a stream after which a sign of life is sent.
pub(crate) fn check_messages(raw: &raw::Limits, checker: &mut Checker<'_>) -> (usize, Duration) {
    let path = Path::root().key("server").key("limits");
    let body = checker.size(&path.key("body"), &raw.body, (1 << 10, 1 << 30));
    let keep_alive =
        checker.duration(&path.key("sse_keep_alive"), &raw.sse_keep_alive, (SECOND, HOUR));
    (body, keep_alive)
}
