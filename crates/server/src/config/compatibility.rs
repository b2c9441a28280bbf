//! What other systems promise and what becomes of it here, for the reference page and for tests.
//!
//! The promises are in `docs/compatibility.yaml`, which the program carries along as it does the
//! pages of its errors. The states of variables come from
//! [`environment::table`](super::environment::table); nothing here is looked at while the gateway
//! serves.

use std::fmt::Write as _;

use super::environment::table::ROWS;
use super::problem::Report;
use super::shape;
use super::tree::{self, Data, Node};

const TEXT: &str = include_str!("../../../../docs/compatibility.yaml");
const PREFACE: &str = "\
# What of other systems works here

Gantry takes the place of five systems. This page has every promise that their guides make, and what becomes of it:

| word | meaning |
|---|---|
| works | it does what the guide says |
| alias | it does it under a name of Gantry's own |
| defect | the guide is mistaken, and the mistake is not repeated |
| later | it is still to come |
| document | it is a matter of the deployment, or of a document |
";
/// The systems by the first letter of a promise's number.
const SYSTEMS: [(char, &str); 5] = [
    ('A', "A2A MCP servers"),
    ('C', "MCP Configurable Framework"),
    ('E', "EAT Framework"),
    ('G', "Global MCP Client"),
    ('O', "MCP Optimizer Framework"),
];
/// The words that a state may be.
pub const STATES: [&str; 5] = ["works", "alias", "defect", "later", "document"];

/// One promise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Promise {
    /// Its number.
    pub id: String,
    /// What is promised.
    pub title: String,
    /// One of [`STATES`]; empty for a variable, whose state the table of variables has.
    pub state: String,
    /// How, or why not.
    pub how: String,
    /// Methods and paths that it names.
    pub endpoints: Vec<String>,
    /// Metrics that it names.
    pub metrics: Vec<String>,
    /// Variables that it names.
    pub variables: Vec<String>,
}

/// Returns every promise, in the order of the file; those that cannot be read are left out, and a
/// test sees to it that there are none.
pub fn promises() -> Vec<Promise> {
    let mut report = Report::default();
    let root = tree::parse(TEXT, &mut report).ok().flatten();
    let Some(Node { data: Data::Sequence { entries }, .. }) = root else { return Vec::new() };
    entries.iter().map(promise).collect()
}

fn promise(node: &Node) -> Promise {
    let text = |key: &str| {
        let value = node.entry(key).and_then(|entry| entry.value.as_text());
        value.unwrap_or_default().to_owned()
    };
    let list = |key: &str| match node.entry(key).map(|entry| &entry.value.data) {
        Some(Data::Sequence { entries }) => {
            entries.iter().filter_map(Node::as_text).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    };
    Promise {
        id: text("id"),
        title: text("title"),
        state: text("state"),
        how: text("how"),
        endpoints: list("endpoints"),
        metrics: list("metrics"),
        variables: list("variables"),
    }
}

/// Returns the page as Markdown.
pub fn markdown() -> String {
    let promises = promises();
    let mut page = PREFACE.to_owned();
    for (letter, system) in SYSTEMS {
        let _ = write!(page, "\n## {system}\n\n| promise | state | how |\n|---|---|---|\n");
        let own = promises.iter().filter(|promise| promise.id.starts_with(letter));
        for Promise { title, state, how, .. } in own.filter(|promise| !promise.state.is_empty()) {
            // Writing to a string cannot fail.
            let _ = writeln!(page, "| {title} | {state} | {how} |");
        }
    }
    page.push_str("\n## Endpoints\n\n| endpoint | state |\n|---|---|\n");
    table(&mut page, &promises, |promise| &promise.endpoints);
    page.push_str("\n## Metrics\n\n| metric | state |\n|---|---|\n");
    table(&mut page, &promises, |promise| &promise.metrics);
    variables(&mut page);
    page
}

/// Writes each name once; one that works for one promise works.
fn table(page: &mut String, promises: &[Promise], names: impl Fn(&Promise) -> &Vec<String>) {
    let mut seen: Vec<(&String, &str)> = Vec::new();
    for promise in promises {
        for name in names(promise) {
            match seen.iter_mut().find(|(known, _)| *known == name) {
                Some((_, state)) if promise.state == "works" => *state = "works",
                Some(_) => {}
                None => seen.push((name, &promise.state)),
            }
        }
    }
    seen.sort_unstable();
    for (name, state) in seen {
        // Writing to a string cannot fail.
        let _ = writeln!(page, "| `{name}` | {state} |");
    }
}

fn variables(page: &mut String) {
    page.push_str(
        "\n## Variables\n\n[The environment](env.md) says what each of them means.\n\n\
         | variable | state |\n|---|---|\n",
    );
    let schema = shape::inlined_schema();
    let mut rows: Vec<_> = ROWS.iter().map(|row| (row.name, row.state(&schema).0.word())).collect();
    rows.sort_unstable();
    for (name, state) in rows {
        // Writing to a string cannot fail.
        let _ = writeln!(page, "| `{name}` | {state} |");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many promises the checklist has.
    const N_PROMISES: usize = 324;

    #[test]
    fn every_promise_is_there_once_and_whole() {
        let mut report = Report::default();
        tree::parse(TEXT, &mut report).unwrap();
        assert!(report.is_empty(), "{:?}", report.into_problems());
        let promises = promises();
        let mut ids: Vec<_> = promises.iter().map(|promise| promise.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((ids.len(), promises.len()), (N_PROMISES, N_PROMISES));
        for promise in &promises {
            let is_variable = promise.state.is_empty() && !promise.variables.is_empty();
            let is_told = STATES.contains(&promise.state.as_str()) && !promise.how.is_empty();
            assert!(is_variable || is_told, "{promise:?}");
            let letter = promise.id.chars().next().unwrap();
            assert!(SYSTEMS.iter().any(|(known, _)| *known == letter), "{promise:?}");
            assert!(!promise.title.is_empty() && !promise.title.contains('|'), "{promise:?}");
        }
    }

    #[test]
    fn every_variable_of_a_promise_has_a_row_and_every_row_a_promise() {
        let promises = promises();
        for row in ROWS {
            let is_promised =
                |promise: &Promise| promise.variables.iter().any(|name| name == row.name);
            assert!(promises.iter().any(is_promised), "{} is promised nowhere", row.name);
        }
        for name in promises.iter().flat_map(|promise| &promise.variables) {
            assert!(ROWS.iter().any(|row| row.name == name), "{name} has no row");
        }
    }

    #[test]
    fn the_page_shows_no_numbers_of_the_checklist() {
        let page = markdown();
        for promise in promises() {
            assert!(!page.contains(&promise.id), "{}", promise.id);
        }
    }
}
