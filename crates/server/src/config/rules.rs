//! `access`: who may do what, checked and compiled.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use gantry_core::ErrorCode;
use gantry_policy::access::{
    Access, AccessSpec, Destructive, Effect, Network, Permissions, RuleSpec,
};

use super::check::Checker;
use super::path::Path;
use super::problem::Problem;
use super::raw;
use super::upstream;

const LONGEST_NAME: usize = 64;
/// A rule is looked at for every entry of a list.
const MOST_RULES: usize = 1000;

/// Checks `access`.
pub(crate) fn check(raw: &raw::Access, checker: &mut Checker<'_>) -> Arc<Access> {
    let path = Path::root().key("access");
    let at = path.key("rules");
    if raw.rules.len() > MOST_RULES {
        checker.conflict(&at, format!("`{at}` has more than {MOST_RULES} rules"), None);
    }
    check_names(&raw.rules, &at, checker);
    let mut rules = Vec::new();
    // A rule that is refused is left out, and the places of the others shift.
    let mut places = Vec::new();
    for (index, written) in raw.rules.iter().enumerate() {
        if let Some(rule) = rule(written, &at.index(index), checker) {
            rules.push(rule);
            places.push(index);
        }
    }
    let spec = AccessSpec {
        denies_by_default: raw.default == raw::AccessDefault::Deny,
        roles: roles(raw, &path.key("roles"), checker),
        rules,
        destructive: match raw.approval.destructive {
            raw::DestructiveMode::Allow => Destructive::Allow,
            raw::DestructiveMode::Ask => Destructive::Ask,
            raw::DestructiveMode::Refuse => Destructive::Refuse,
        },
        approval_timeout: checker.duration(
            &path.key("approval").key("timeout"),
            &raw.approval.timeout,
            (Duration::from_secs(1), Duration::from_hours(24)),
        ),
    };
    match Access::compile(spec) {
        Ok(access) => Arc::new(access),
        Err(errors) => {
            for error in errors {
                let place = places.get(error.index).copied().unwrap_or(error.index);
                let path = at.index(place).key("when");
                let message = format!("`{path}` is no condition: {}", error.source);
                checker.push(Problem::new(ErrorCode::ConfigInvalidValue, &path, message));
            }
            Arc::default()
        }
    }
}

fn check_names(rules: &[raw::Rule], path: &Path, checker: &mut Checker<'_>) {
    let mut known: HashMap<&str, usize> = HashMap::new();
    for (index, rule) in rules.iter().enumerate() {
        let Some(name) = rule.name.as_deref() else { continue };
        let at = path.index(index).key("name");
        let is_printable = name.chars().all(|character| !character.is_control());
        if name.trim().is_empty() || name.len() > LONGEST_NAME || !is_printable {
            checker.invalid(&at, name, "1 to 64 characters");
        }
        if let Some(first) = known.insert(name, index) {
            let message = format!("`{at}` is the name of `{}` too", path.index(first));
            checker.push(
                Problem::new(ErrorCode::ConfigConflict, &at, message)
                    .with_hint(Some("explanations call rules by their names; rename one")),
            );
        }
    }
}

fn rule(raw: &raw::Rule, at: &Path, checker: &mut Checker<'_>) -> Option<RuleSpec> {
    let mut list = |key: &str, written: &[raw::PatternText]| {
        upstream::patterns(written, &at.key(key), checker)
    };
    let (tools, prompts) = (list("tools", &raw.tools), list("prompts", &raw.prompts));
    let (resources, servers) = (list("resources", &raw.resources), list("servers", &raw.servers));
    let principals = list("principals", &raw.principals);
    let addresses = networks(&raw.addresses, &at.key("addresses"), checker);
    let (Some(name), Some(effect)) = (&raw.name, raw.effect) else {
        let missing = if raw.name.is_none() { "name" } else { "effect" };
        checker.conflict(at, format!("`{at}` has no `{missing}`"), None);
        return None;
    };
    Some(RuleSpec {
        name: name.clone(),
        effect: match effect {
            raw::RuleEffect::Allow => Effect::Allow,
            raw::RuleEffect::Deny => Effect::Deny,
            raw::RuleEffect::Approve => Effect::Approve,
        },
        tools,
        prompts,
        resources,
        servers,
        views: raw.views.clone(),
        principals,
        roles: raw.roles.clone(),
        tiers: raw.tiers.clone(),
        addresses,
        when: raw.when.clone(),
    })
}

/// Reads a list of addresses and networks.
pub(super) fn networks(written: &[String], path: &Path, checker: &mut Checker<'_>) -> Vec<Network> {
    let mut found = Vec::new();
    for (index, text) in written.iter().enumerate() {
        if let Ok(network) = text.parse() {
            found.push(network);
        } else {
            let expected = "an address or a network such as `10.0.0.0/8`";
            checker.invalid(&path.index(index), text, expected);
        }
    }
    found
}

fn roles(
    raw: &raw::Access,
    path: &Path,
    checker: &mut Checker<'_>,
) -> std::collections::BTreeMap<String, Vec<String>> {
    for (name, scopes) in &raw.roles {
        for (index, scope) in scopes.iter().enumerate() {
            if !Permissions::knows(scope) {
                let expected = "a scope: `mcp:read`, `mcp:write`, `tools:NAME:call` or `*:*`";
                checker.invalid(&path.key(name).index(index), scope, expected);
            }
        }
    }
    raw.roles.iter().map(|(name, scopes)| (name.clone(), scopes.clone())).collect()
}
