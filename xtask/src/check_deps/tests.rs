//! The dependency table, on made-up workspaces.

use super::{Dependency, Metadata, Package, RULES, offences};

fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
    let dependencies = dependencies
        .iter()
        .map(|(name, kind)| Dependency {
            name: (*name).to_owned(),
            kind: kind.map(str::to_owned),
            path: name.starts_with("gantry-").then(|| format!("crates/{name}")),
        })
        .collect();
    Package { name: name.to_owned(), dependencies }
}

#[track_caller]
fn check(name: &str, dependency: &str, kind: Option<&str>, expected: &[&str]) {
    assert_eq!(offences(&[package(name, &[(dependency, kind)])]), expected);
}

#[test]
fn an_edge_of_the_table_is_allowed() {
    check("gantry-core", "gantry-protocol", None, &[]);
    check("gantry-gateway", "gantry-policy", None, &[]);
    check("gantry-cli", "gantry-server", None, &[]);
}

#[test]
fn a_spoke_does_not_see_another() {
    let expected = "`storage` depends on `policy`: `storage` may use core, protocol, net, process, and its tests testkit";
    check("gantry-storage", "gantry-policy", None, &[expected]);
}

#[test]
fn the_protocol_depends_on_nothing_of_ours_not_even_in_tests() {
    check(
        "gantry-protocol",
        "gantry-core",
        None,
        &["`protocol` depends on `core`: `protocol` may use no crate of ours"],
    );
    let expected = "`protocol` dev-depends on `testkit`: `protocol` may use no crate of ours";
    check("gantry-protocol", "gantry-testkit", Some("dev"), &[expected]);
}

#[test]
fn testkit_is_for_tests_only() {
    check("gantry-gateway", "gantry-testkit", Some("dev"), &[]);
    let expected = "`gateway` depends on `testkit`: `gateway` may use core, protocol, transport, policy, and its tests testkit";
    check("gantry-gateway", "gantry-testkit", None, &[expected]);
}

#[test]
fn a_crate_may_switch_on_its_own_features_for_its_tests() {
    check("gantry-core", "gantry-core", Some("dev"), &[]);
}

#[test]
fn a_build_dependency_counts_like_an_ordinary_one() {
    check(
        "gantry-core",
        "gantry-net",
        Some("build"),
        &["`core` depends on `net`: `core` may use protocol"],
    );
}

#[test]
fn third_party_crates_are_not_its_business() {
    check("gantry-core", "serde", None, &[]);
}

#[test]
fn an_unknown_crate_needs_a_row() {
    check(
        "gantry-utils",
        "serde",
        None,
        &["`gantry-utils` has no row in the dependency table: add one"],
    );
}

#[test]
fn the_table_has_no_cycle() {
    for (index, rule) in RULES.iter().enumerate() {
        for allowed in rule.allowed {
            let position = RULES.iter().position(|other| other.name == *allowed).unwrap();
            let is_lower = position < index;
            assert!(is_lower, "`{}` stands before `{allowed}`, which it may use", rule.name);
        }
    }
}

#[test]
fn what_cargo_prints_is_understood() {
    let printed = r#"{"packages":[{"name":"gantry-net","version":"0.1.0","dependencies":[
        {"name":"gantry-core","source":null,"kind":null,"path":"/somewhere/crates/core"},
        {"name":"hyper","source":"registry","kind":"dev"}]}],"workspace_root":"/somewhere"}"#;
    let metadata: Metadata = serde_json::from_str(printed).unwrap();
    assert_eq!(offences(&metadata.packages), Vec::<String>::new());
    assert_eq!(metadata.packages[0].dependencies[1].kind.as_deref(), Some("dev"));
}
