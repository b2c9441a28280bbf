//! `views`, and the other places that name servers, checked against the servers that exist.

use gantry_core::ErrorCode;
use gantry_gateway::spec::ViewSpec;
use indexmap::IndexMap;

use super::check::Checker;
use super::names;
use super::path::Path;
use super::problem::{Problem, did_you_mean};
use super::raw;
use super::upstream;

/// Checks `views`.
pub(crate) fn check(
    views: &IndexMap<String, Vec<raw::PatternText>>,
    servers: &IndexMap<String, raw::Upstream>,
    checker: &mut Checker<'_>,
) -> Vec<ViewSpec> {
    let root = Path::root().key("views");
    let mut checked = Vec::new();
    for (name, written) in views {
        let path = root.key(name);
        if let Some(problem) = names::check_public(name, &path) {
            checker.push(problem);
        } else if servers.contains_key(name) {
            let message = format!("the name `{name}` is a server's and a view's");
            checker.push(
                Problem::new(ErrorCode::ConfigNameTaken, &path, message)
                    .with_hint(Some("both are served at `/mcp/NAME`; rename one")),
            );
        }
        if written.is_empty() {
            let message = format!("`{path}` is empty, so it would never show a tool");
            checker.conflict(&path, message, Some("give it a pattern such as `git__*`"));
        }
        let patterns = upstream::patterns(written, &path, checker);
        checked.push(ViewSpec { name: name.clone(), patterns });
    }
    checked
}

/// Checks that `ready.require` names servers.
pub(crate) fn check_required(
    ready: &raw::Ready,
    servers: &IndexMap<String, raw::Upstream>,
    checker: &mut Checker<'_>,
) {
    let path = Path::root().key("ready").key("require");
    for (index, name) in ready.require.iter().enumerate() {
        if !servers.contains_key(&name.0) {
            let hint = did_you_mean(&name.0, servers.keys().map(String::as_str));
            checker.invalid_with_hint(
                &path.index(index),
                &name.0,
                "the name of one of `servers`",
                hint,
            );
        }
    }
}
