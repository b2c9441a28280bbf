//! `cargo xtask check-deps`: which of our crates may depend on which.
//!
//! The table below is the architecture; `ARCHITECTURE.md` says why it is so. A new crate needs a row here before it
//! can be built upon. Third-party crates are pinned to their rooms by `deny.toml`.

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::shell;
use crate::workspace::Workspace;

/// What one crate may depend on.
struct Rule {
    /// The crate's name without `gantry-`.
    name: &'static str,
    /// Crates of ours that it may use, by the same short names.
    allowed: &'static [&'static str],
    /// Whether its tests may use `testkit`.
    may_test_with_testkit: bool,
}

/// What every spoke may use. Spokes never see each other: what one needs of another it gets as a port of `core`.
const BELOW_SPOKES: &[&str] = &["core", "protocol", "net", "process"];

/// The table, from the bottom up.
const RULES: &[Rule] = &[
    Rule { name: "protocol", allowed: &[], may_test_with_testkit: false },
    Rule { name: "core", allowed: &["protocol"], may_test_with_testkit: false },
    Rule { name: "net", allowed: &["core"], may_test_with_testkit: true },
    Rule { name: "process", allowed: &["core"], may_test_with_testkit: true },
    Rule { name: "transport", allowed: BELOW_SPOKES, may_test_with_testkit: true },
    Rule { name: "tools", allowed: BELOW_SPOKES, may_test_with_testkit: true },
    Rule { name: "services", allowed: BELOW_SPOKES, may_test_with_testkit: true },
    Rule { name: "sandbox", allowed: BELOW_SPOKES, may_test_with_testkit: true },
    Rule { name: "optimizer", allowed: BELOW_SPOKES, may_test_with_testkit: true },
    Rule { name: "catalog", allowed: BELOW_SPOKES, may_test_with_testkit: true },
    Rule { name: "policy", allowed: BELOW_SPOKES, may_test_with_testkit: true },
    Rule { name: "storage", allowed: BELOW_SPOKES, may_test_with_testkit: true },
    Rule {
        name: "gateway",
        allowed: &["core", "protocol", "transport", "policy"],
        may_test_with_testkit: true,
    },
    Rule {
        name: "server",
        allowed: &[
            "core",
            "protocol",
            "net",
            "process",
            "transport",
            "tools",
            "services",
            "sandbox",
            "optimizer",
            "catalog",
            "policy",
            "storage",
            "gateway",
        ],
        may_test_with_testkit: true,
    },
    Rule {
        name: "cli",
        allowed: &["server", "catalog", "process", "core", "protocol"],
        may_test_with_testkit: true,
    },
    Rule {
        name: "testkit",
        allowed: &["core", "protocol", "transport"],
        may_test_with_testkit: false,
    },
    Rule { name: "bench", allowed: &[], may_test_with_testkit: false },
    Rule { name: "xtask", allowed: &[], may_test_with_testkit: false },
];

/// What `cargo metadata` says, as far as it concerns us.
#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    /// `None` for an ordinary one, else `dev` or `build`.
    kind: Option<String>,
    /// Where it is, if it is a crate of this workspace.
    path: Option<String>,
}

/// Checks every member of the workspace against the table.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let mut command = shell::cargo(workspace);
    command.args(["metadata", "--format-version", "1", "--no-deps"]);
    let metadata: Metadata = serde_json::from_str(&shell::capture(&mut command)?)
        .context("failed to read what `cargo metadata` printed")?;
    let offences = offences(&metadata.packages);
    if offences.is_empty() {
        return Ok(());
    }
    for offence in &offences {
        eprintln!("{offence}");
    }
    bail!(
        "{} dependencies are against the architecture; the table is in `xtask/src/check_deps.rs`",
        offences.len()
    );
}

/// One sentence for each edge that the table does not allow, and for each crate that it does not know.
fn offences(packages: &[Package]) -> Vec<String> {
    let mut offences = Vec::new();
    for package in packages {
        let name = short_name(&package.name);
        let Some(rule) = RULES.iter().find(|rule| rule.name == name) else {
            offences
                .push(format!("`{}` has no row in the dependency table: add one", package.name));
            continue;
        };
        let own = package.dependencies.iter().filter(|dependency| dependency.path.is_some());
        offences.extend(own.filter_map(|dependency| offence(rule, dependency)));
    }
    offences
}

/// What is wrong with one edge, if anything is.
fn offence(rule: &Rule, dependency: &Dependency) -> Option<String> {
    let is_for_tests = dependency.kind.as_deref() == Some("dev");
    let to = short_name(&dependency.name);
    // A crate names itself in its dev-dependencies to switch on a feature for its own tests.
    let is_itself = is_for_tests && to == rule.name;
    let is_testkit = is_for_tests && to == "testkit" && rule.may_test_with_testkit;
    if rule.allowed.contains(&to) || is_testkit || is_itself {
        return None;
    }
    let kind = if is_for_tests { "dev-depends" } else { "depends" };
    let may = match rule.allowed {
        [] => "no crate of ours".to_owned(),
        allowed => allowed.join(", "),
    };
    let testkit = if rule.may_test_with_testkit { ", and its tests testkit" } else { "" };
    Some(format!("`{}` {kind} on `{to}`: `{0}` may use {may}{testkit}", rule.name))
}

/// The crate's name without the prefix that all of ours have.
fn short_name(name: &str) -> &str {
    name.strip_prefix("gantry-").unwrap_or(name)
}

#[cfg(test)]
mod tests;
