//! `services`, checked.

use std::net::IpAddr;

use gantry_core::ErrorCode;
use gantry_policy::may_listen;
use gantry_services::{Service, catalogue};

use super::access::Auth;
use super::check::Checker;
use super::doors::NAME_SOMEBODY;
use super::path::Path;
use super::problem::Problem;
use super::raw;

/// Stands for every service.
const ALL: &str = "all";
/// So many ports lie between the listeners of one gateway and those of the next on a machine.
const STRIDE: u16 = 100;
/// Whose ports are the last below 65536.
pub const MOST_INSTANCES: u16 = 500;

/// Which services are offered on `/mcp`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServicesOnMcp {
    /// All of them as long as nothing else is configured.
    Auto,
    /// These.
    Chosen(Vec<&'static str>),
}

/// The listeners that services have of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceDoors {
    /// Where they are; `None` for the host of the main listener.
    pub host: Option<IpAddr>,
    /// Which of them are opened at the start.
    pub names: Vec<&'static str>,
    /// Which of several gateways on one machine this is.
    pub instance: u16,
    /// Whether the gateway serves only as long as clients have to say who they are.
    pub for_production: bool,
}

/// What the command line says of the listeners; it wins over the file.
#[derive(Debug, Clone, Default)]
pub struct ServicesFrom {
    /// The services whose listeners are opened; none for all of them.
    pub names: Vec<String>,
    /// Where, if it says so.
    pub host: Option<IpAddr>,
    /// Which of several gateways on one machine this is, if it says so.
    pub instance: Option<u16>,
    /// Whether the gateway serves only as long as clients have to say who they are.
    pub for_production: bool,
}

// === impl ServicesOnMcp ===

impl ServicesOnMcp {
    /// Returns those that were chosen by name.
    pub(crate) fn chosen(&self) -> Option<&[&'static str]> {
        match self {
            Self::Auto => None,
            Self::Chosen(names) => Some(names),
        }
    }

    /// Tells whether a service is offered on `/mcp`; `is_alone` says that nothing else is.
    pub fn lists(&self, service: &str, is_alone: bool) -> bool {
        match self {
            Self::Auto => is_alone,
            Self::Chosen(names) => names.contains(&service),
        }
    }
}

// === impl ServiceDoors ===

impl ServiceDoors {
    /// Returns the port of a service's listener.
    pub fn port(service: &Service, instance: u16) -> u16 {
        service.port + STRIDE * instance.min(MOST_INSTANCES)
    }

    /// Writes down what was understood; nothing if nothing was said.
    pub(crate) fn shown(&self) -> Option<serde_json::Value> {
        let is_quiet = self.host.is_none() && self.names.is_empty() && self.instance == 0;
        (!is_quiet).then(|| {
            serde_json::json!({
                "listen": self.host,
                "names": self.names,
                "instance": self.instance,
            })
        })
    }
}

/// Checks which are offered on `/mcp`.
pub(crate) fn check(raw: &raw::Services, checker: &mut Checker<'_>) -> ServicesOnMcp {
    let Some(names) = &raw.on_mcp else { return ServicesOnMcp::Auto };
    let path = Path::root().key("services").key("on_mcp");
    let names: Vec<&str> = names.iter().map(|name| name.0.as_str()).collect();
    ServicesOnMcp::Chosen(chosen(&names, &path, checker))
}

/// Checks which have listeners of their own.
pub(crate) fn check_doors(
    raw: &raw::Services,
    from: Option<&ServicesFrom>,
    checker: &mut Checker<'_>,
) -> ServiceDoors {
    let root = Path::root().key("services");
    let mut host = None;
    if let Some(text) = &raw.listen {
        host = text.parse().ok();
        if host.is_none() {
            let expected = "an address without a port, such as `127.0.0.1` or `::1`";
            checker.invalid(&root.key("listen"), text, expected);
        }
    }
    let names: Option<Vec<&str>> =
        raw.names.as_ref().map(|names| names.iter().map(|name| name.0.as_str()).collect());
    let mut names = chosen(&names.unwrap_or_else(|| vec![ALL]), &root.key("names"), checker);
    if raw.listen.is_none() {
        if raw.names.is_some() {
            let message = "`services.names` needs `services.listen`, which is not set".to_owned();
            checker.conflict(&root.key("names"), message, None);
        }
        names.clear();
    }
    let mut doors = ServiceDoors { host, names, instance: raw.instance, for_production: false };
    if raw.instance > MOST_INSTANCES {
        let expected = format!("0 to {MOST_INSTANCES}");
        checker.invalid(&root.key("instance"), &raw.instance.to_string(), &expected);
    }
    if let Some(from) = from {
        let names: Vec<&str> = from.names.iter().map(String::as_str).collect();
        let names = if names.is_empty() { vec![ALL] } else { names };
        doors.names = chosen(&names, &root.key("names"), checker);
        doors.host = from.host.or(doors.host);
        doors.instance = from.instance.unwrap_or(doors.instance);
        doors.for_production = from.for_production;
    }
    doors
}

/// Refuses an open door, whoever says where it is.
pub(crate) fn check_exposure(doors: &ServiceDoors, auth: &Auth, checker: &mut Checker<'_>) {
    // Those at the host of the main listener are refused with that.
    let Some(host) = doors.host.filter(|_| !doors.names.is_empty()) else { return };
    if may_listen((host, 0).into(), auth.is_required()).is_ok() {
        return;
    }
    let path = Path::root().key("services").key("listen");
    let message = format!("`{path}` is `{host}`, beyond the loopback, but `auth` names nobody");
    checker.push(
        Problem::new(ErrorCode::ListenWithoutAuthentication, &path, message)
            .with_hint(Some(NAME_SOMEBODY)),
    );
}

/// Finds services by their names, each once.
fn chosen(names: &[&str], path: &Path, checker: &mut Checker<'_>) -> Vec<&'static str> {
    let all = || catalogue::offered().map(|service| service.name);
    let mut chosen = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        match all().find(|known| known == name) {
            _ if *name == ALL => chosen.extend(all()),
            Some(known) => chosen.push(known),
            None => {
                let known: Vec<&str> = all().collect();
                let expected = format!("`{ALL}` or a built-in service: {}", known.join(", "));
                checker.invalid(&path.index(index), name, &expected);
            }
        }
    }
    let mut seen = Vec::with_capacity(chosen.len());
    for name in chosen {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}
