//! Each rule on a small file that keeps it and one that does not.

use super::{Finding, Rule, SourceFile, imports, rules};

fn findings(rule: Rule, path: &str, text: &str) -> Vec<(usize, bool)> {
    let mut findings = Vec::new();
    rule(SourceFile { path, text }, &mut findings);
    findings.iter().map(|Finding { line, is_error, .. }| (*line, *is_error)).collect()
}

#[track_caller]
fn keeps(rule: Rule, path: &str, text: &str) {
    assert_eq!(findings(rule, path, text), [], "{text}");
}

#[track_caller]
fn breaks(rule: Rule, path: &str, text: &str, line: usize) {
    assert_eq!(findings(rule, path, text), [(line, true)], "{text}");
}

#[test]
fn a_rust_file_starts_with_its_doc() {
    keeps(rules::starts_with_a_module_doc, "a.rs", "//! What it is for.\nuse std::fmt;\n");
    keeps(rules::starts_with_a_module_doc, "a.md", "# Title\n");
    breaks(rules::starts_with_a_module_doc, "a.rs", "use std::fmt;\n", 1);
    breaks(rules::starts_with_a_module_doc, "a.rs", "", 1);
}

#[test]
fn a_long_file_is_a_warning_and_a_very_long_one_an_error() {
    assert_eq!(findings(rules::is_not_too_long, "a.rs", &"x\n".repeat(600)), []);
    assert_eq!(findings(rules::is_not_too_long, "a.rs", &"x\n".repeat(601)), [(0, false)]);
    assert_eq!(findings(rules::is_not_too_long, "a.rs", &"x\n".repeat(1001)), [(0, true)]);
}

#[test]
fn tests_and_generated_files_may_be_long() {
    for path in ["crates/a/src/foo/tests.rs", "crates/a/tests/it/calls.rs", "crates/a/benches/b.rs"]
    {
        keeps(rules::is_not_too_long, path, &"x\n".repeat(2000));
    }
    let generated = format!("//! {}\n{}", concat!("@gene", "rated"), "x\n".repeat(2000));
    keeps(rules::is_not_too_long, "a.rs", &generated);
}

#[test]
fn a_module_is_named_by_its_file() {
    keeps(rules::is_no_mod_file, "src/foo.rs", "");
    breaks(rules::is_no_mod_file, "src/foo/mod.rs", "", 0);
}

#[test]
fn an_open_task_names_its_issue() {
    let task = concat!("TO", "DO");
    keeps(rules::has_an_issue_for_every_todo, "a.rs", &format!("// {task}(#12): shorten.\n"));
    keeps(rules::has_an_issue_for_every_todo, "a.rs", &format!("let {task}S = 1; MY_{task}\n"));
    keeps(rules::has_an_issue_for_every_todo, "README.md", &format!("{task}\n"));
    breaks(rules::has_an_issue_for_every_todo, "a.rs", &format!("\n// {task}: shorten.\n"), 2);
    breaks(rules::has_an_issue_for_every_todo, "a.yaml", &format!("# {task}(soon)\n"), 1);
    breaks(
        rules::has_an_issue_for_every_todo,
        "a.rs",
        &format!("// {}(#)\n", concat!("FIX", "ME")),
        1,
    );
}

#[test]
fn no_file_names_a_machine() {
    let home = concat!("/ro", "ot/");
    keeps(rules::names_no_machine, "a.md", "see /usr/share/doc and docs/work/today");
    keeps(rules::names_no_machine, "a.md", &format!("https://example.com{home}x, ./tree{home}x"));
    breaks(rules::names_no_machine, "a.md", &format!("in `{home}project`"), 1);
    breaks(
        rules::names_no_machine,
        "a.json",
        &format!("\n\"resolved\": \"https://{}/x\"", concat!("registry.", "npmjs.org")),
        2,
    );
}

#[test]
fn error_codes_are_found_once_each() {
    let table = "E0101 => Config,\n// E0101 again, and E01, XE0102, E01023\n    (E0104, \"E0105\"),\n#[cfg(test)]\nE9999";
    let codes: Vec<_> = rules::error_codes(table);
    assert_eq!(codes, [(1, "E0101".to_owned()), (3, "E0104".to_owned()), (3, "E0105".to_owned())]);
}

#[test]
fn imports_come_in_three_groups() {
    let tidy = "//! Doc.\n\nuse std::fmt;\nuse std::io;\n\nuse anyhow::{\n    Context as _,\n};\n\nuse crate::a;\nuse super::b;\n\nfn f() {}\n";
    keeps(imports::are_in_three_groups, "a.rs", tidy);
    keeps(
        imports::are_in_three_groups,
        "a.rs",
        "//! Doc.\nmod part;\nuse serde::A;\n\nuse part::B;\n",
    );
    keeps(imports::are_in_three_groups, "a.rs", "use serde::A;\n\nfn f() {\n}\n\nuse std::fmt;\n");
}

#[test]
fn a_module_of_the_file_may_stand_among_the_crates_or_after_them() {
    for imports in [
        "use part::B;\nuse serde::A;\n",
        "use serde::A;\n\nuse part::B;\nuse crate::c;\n",
        "use part::B;\n\nuse crate::c;\n",
    ] {
        keeps(
            imports::are_in_three_groups,
            "a.rs",
            &format!("//! Doc.\npub(crate) mod part;\n{imports}"),
        );
    }
}

#[test]
fn mixed_imports_are_found() {
    breaks(imports::are_in_three_groups, "a.rs", "use serde::A;\nuse std::fmt;\n", 2);
    breaks(imports::are_in_three_groups, "a.rs", "use std::fmt;\nuse serde::A;\n", 2);
    breaks(imports::are_in_three_groups, "a.rs", "use std::fmt;\n\nuse std::io;\n", 3);
    breaks(imports::are_in_three_groups, "a.rs", "use std::{\n    fmt,\n};\nuse crate::a;\n", 4);
}

#[test]
fn lines_of_the_log_name_their_function() {
    let rule = rules::names_the_function_in_the_log;
    keeps(rule, "crates/a/src/a.rs", "gantry_core::log::warn!(\"It broke.\");\n");
    keeps(rule, "crates/a/src/a.rs", "tracing::warn!(function = \"a\", \"It broke.\");\n");
    keeps(
        rule,
        "crates/a/src/a.rs",
        "tracing::warn!(\n    function = \"a\",\n    \"It broke.\"\n);\n",
    );
    keeps(rule, "crates/a/tests/a.rs", "tracing::warn!(\"It broke.\");\n");
    breaks(rule, "crates/a/src/a.rs", "fn a() {\n    tracing::warn!(\"It broke.\");\n}\n", 2);
}
