//! The listeners beside the main one, checked: `server.https`, `server.management`,
//! `server.socket`, `metrics.listen`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use gantry_core::ErrorCode;
use gantry_policy::may_listen;

use super::access::Auth;
use super::check::Checker;
use super::listener::{self, Server};
use super::path::Path;
use super::problem::Problem;
use super::raw;
use super::secret::Secret;

const DAY: Duration = Duration::from_hours(24);
/// Longer than any browser remembers.
const LONGEST_HSTS: Duration = DAY.saturating_mul(3650);
/// Room for the path of a socket, of which the kernel takes 107 bytes.
const LONGEST_SOCKET: usize = 107;

/// The listener that speaks TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Https {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Who the gateway says it is.
    pub identity: Identity,
    /// The oldest version of TLS that is spoken.
    pub min_version: raw::TlsVersion,
    /// Whether the main listener sends everybody here.
    pub redirect: bool,
    /// How long browsers shall use nothing but TLS.
    pub hsts: Duration,
}

/// Where a certificate and its private key are. Paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// In two files in PEM form.
    Pem {
        /// The certificate and those of its issuers.
        certificate: PathBuf,
        /// The private key.
        key: PathBuf,
    },
    /// In one file in PKCS#12 form.
    Keystore {
        /// The file.
        file: PathBuf,
        /// Opens it; often empty.
        password: Secret,
        /// The entry, where there may be more than one.
        alias: Option<String>,
    },
}

/// The listener for figures alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Where a listener shows figures and nothing else.
    pub listen: Option<SocketAddr>,
    /// Whether that listener shows them to everybody.
    pub anonymous: bool,
}

impl Identity {
    /// Returns the files that it is read from.
    pub fn files(&self) -> Vec<PathBuf> {
        match self {
            Self::Pem { certificate, key } => vec![certificate.clone(), key.clone()],
            Self::Keystore { file, .. } => vec![file.clone()],
        }
    }
}

/// Checks `server.https`.
pub(crate) fn https(raw: &raw::Server, checker: &mut Checker<'_>) -> Option<Https> {
    let raw = raw.https.as_ref()?;
    let path = Path::root().key("server").key("https");
    let listen = listener::address(&raw.listen, &path.key("listen"), checker);
    let hsts = checker.duration(&path.key("hsts"), &raw.hsts, (Duration::ZERO, LONGEST_HSTS));
    let identity = identity(raw, &path, checker)?;
    let (min_version, redirect) = (raw.min_version, raw.redirect);
    Some(Https { listen, identity, min_version, redirect, hsts })
}

fn identity(raw: &raw::Https, path: &Path, checker: &mut Checker<'_>) -> Option<Identity> {
    let has_pem = raw.certificate.is_some() || raw.key.is_some();
    let of_keystore = [
        ("keystore_password", raw.keystore_password.is_some()),
        ("keystore_alias", raw.keystore_alias.is_some()),
    ];
    match (&raw.keystore, &raw.certificate, &raw.key) {
        (Some(_), ..) if has_pem => {
            let message = format!("`{path}` has a `keystore` and PEM files");
            let hint = "keep `certificate` and `key`, or `keystore`";
            checker.conflict(path, message, Some(hint));
            None
        }
        (Some(file), ..) => Some(Identity::Keystore {
            file: checker.absolute(file),
            password: Secret::new(raw.keystore_password.clone().unwrap_or_default()),
            alias: raw.keystore_alias.clone(),
        }),
        (None, Some(certificate), Some(key)) => {
            for (name, _) in of_keystore.into_iter().filter(|(_, is_set)| *is_set) {
                let message = format!("`{}` says nothing without `keystore`", path.key(name));
                checker.conflict(&path.key(name), message, Some("take it away"));
            }
            let (certificate, key) = (checker.absolute(certificate), checker.absolute(key));
            Some(Identity::Pem { certificate, key })
        }
        (None, ..) => {
            let missing = match (&raw.certificate, &raw.key) {
                (Some(_), _) => "has no `key`",
                (None, Some(_)) => "has no `certificate`",
                (None, None) => "has no certificate",
            };
            let message = format!("`{path}` {missing}");
            let hint = "`certificate` and `key` name PEM files, `keystore` a PKCS#12 file";
            checker.conflict(path, message, Some(hint));
            None
        }
    }
}

/// Checks `server.management`.
pub(crate) fn management(raw: &raw::Server, checker: &mut Checker<'_>) -> Option<SocketAddr> {
    let raw = raw.management.as_ref()?;
    let path = Path::root().key("server").key("management").key("listen");
    Some(listener::address(&raw.listen, &path, checker))
}

/// Checks `server.socket`.
pub(crate) fn socket(raw: &raw::Server, checker: &mut Checker<'_>) -> Option<PathBuf> {
    let written = raw.socket.as_ref()?;
    let path = Path::root().key("server").key("socket");
    let absolute = checker.absolute(written);
    let is_usable = !written.is_empty() && !written.contains('\0') && !written.ends_with('/');
    if !is_usable || absolute.as_os_str().len() > LONGEST_SOCKET {
        let expected = format!("the path of a file, at most {LONGEST_SOCKET} bytes when absolute");
        checker.invalid(&path, written, &expected);
    }
    Some(absolute)
}

/// Checks the listener of `metrics`.
pub(crate) fn metrics(raw: &raw::Metrics, checker: &mut Checker<'_>) -> Metrics {
    let path = Path::root().key("metrics");
    let listen =
        raw.listen.as_ref().map(|text| listener::address(text, &path.key("listen"), checker));
    if raw.anonymous && raw.listen.is_none() {
        let message =
            "`metrics.anonymous` opens the listener of `metrics.listen`, which is not set";
        checker.conflict(&path.key("anonymous"), message.to_owned(), Some("set `metrics.listen`"));
    }
    Metrics { listen, anonymous: raw.anonymous }
}

/// What to do about an open door.
pub(super) const NAME_SOMEBODY: &str = "make a key with `gantry keys create` and set `auth.required: true`, or add a token to \
     `auth.tokens`, or listen on `127.0.0.1`";

/// Refuses open doors, as [`listener::check_exposure`] does for the main one, and two listeners on
/// one address. The management and the metrics listener may share the main one's: they are then
/// no listeners of their own.
pub(crate) fn check_together(
    server: &Server,
    metrics: Metrics,
    auth: &Auth,
    checker: &mut Checker<'_>,
) {
    let path = Path::root();
    let server_path = path.key("server");
    let main = server.listen;
    let others = [
        (server_path.key("https").key("listen"), server.https.as_ref().map(|https| https.listen)),
        (server_path.key("management").key("listen"), server.management),
        (path.key("metrics").key("listen"), metrics.listen),
    ];
    let mut taken = Vec::new();
    for (place, (at, address)) in others.into_iter().enumerate() {
        let Some(address) = address else { continue };
        let is_open = place == 2 && metrics.anonymous;
        if may_listen(address, is_open || auth.is_required()).is_err() {
            let message =
                format!("`{at}` is `{address}`, beyond the loopback, but `auth` names nobody");
            let hint = if place == 2 {
                "add a token to `auth.tokens`, or set `metrics.anonymous: true` where everybody \
                 who reaches the port may see the figures"
            } else {
                NAME_SOMEBODY
            };
            let code = ErrorCode::ListenWithoutAuthentication;
            checker.push(Problem::new(code, &at, message).with_hint(Some(hint)));
        }
        let is_mains = place == 0 && address == main;
        if address.port() != 0 && (is_mains || taken.contains(&address)) {
            let message = format!("`{at}` is `{address}`, which another listener has");
            checker.conflict(&at, message, Some("give each listener a port of its own"));
        }
        if address != main {
            taken.push(address);
        }
    }
}
