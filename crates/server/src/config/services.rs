//! `services`, checked.

use gantry_services::catalogue;

use super::check::Checker;
use super::path::Path;
use super::raw;

/// Stands for every service.
const ALL: &str = "all";

/// Which services are offered on `/mcp`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServicesOnMcp {
    /// All of them as long as nothing else is configured.
    Auto,
    /// These.
    Chosen(Vec<&'static str>),
}

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

/// Checks what is written.
pub(crate) fn check(raw: &raw::Services, checker: &mut Checker<'_>) -> ServicesOnMcp {
    let Some(names) = &raw.on_mcp else { return ServicesOnMcp::Auto };
    let all = || catalogue::offered().map(|service| service.name);
    let root = Path::root().key("services").key("on_mcp");
    let mut chosen = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        match all().find(|known| *known == name.0) {
            _ if name.0 == ALL => chosen.extend(all()),
            Some(known) => chosen.push(known),
            None => {
                let known: Vec<&str> = all().collect();
                let expected = format!("`{ALL}` or a built-in service: {}", known.join(", "));
                checker.invalid(&root.index(index), &name.0, &expected);
            }
        }
    }
    ServicesOnMcp::Chosen(chosen)
}
