//! What the suite writes: for each scenario a folder `server-SCENARIO-TIME` with `checks.json`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::Path,
};

use serde::Deserialize;
use serde_json::Value;

/// The checks of every scenario that was run.
#[derive(Debug)]
pub(super) struct Report {
    scenarios: BTreeMap<String, Vec<Check>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Check {
    id: String,
    status: String,
    #[serde(default)]
    error_message: Option<String>,
    #[serde(default)]
    details: Value,
}

/// A check that did not succeed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) scenario: String,
    check: String,
    reason: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} | {}: {}", self.scenario, self.check, self.reason)
    }
}

impl Report {
    /// Reads what the suite has written into `folder`, if anything.
    pub(super) fn read(folder: &Path) -> Self {
        let mut scenarios = BTreeMap::new();
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let checks = std::fs::read(entry.path().join("checks.json")).unwrap_or_default();
            if let (Some(name), Ok(checks)) = (scenario(&name), serde_json::from_slice(&checks)) {
                scenarios.insert(name.to_owned(), checks);
            }
        }
        Self { scenarios }
    }

    /// What keeps the scenarios `wanted` from passing.
    pub(super) fn failures(&self, wanted: &BTreeSet<String>) -> Vec<Failure> {
        wanted.iter().flat_map(|scenario| self.failures_of(scenario)).collect()
    }

    fn failures_of(&self, scenario: &str) -> Vec<Failure> {
        let failure = |check: &str, reason: String| Failure {
            scenario: scenario.to_owned(),
            check: check.to_owned(),
            reason,
        };
        let checks = self.scenarios.get(scenario).map(Vec::as_slice).unwrap_or_default();
        if !checks.iter().any(|check| check.status == "SUCCESS") {
            return vec![failure("scenario", "was not run, or checked nothing".to_owned())];
        }
        let failed = checks.iter().filter_map(|check| {
            let reason = check.problem(scenario)?;
            Some(failure(&check.id, reason))
        });
        failed.collect()
    }
}

impl Check {
    fn problem(&self, scenario: &str) -> Option<String> {
        if self.status != "SUCCESS" && self.status != "INFO" {
            let message = self.error_message.as_deref().unwrap_or("says nothing");
            return Some(format!("{} {message}", self.status));
        }
        // The suite takes any result with content for a success, even one that says it is an error.
        let is_error = self.details["result"]["isError"] == Value::Bool(true);
        (is_error && scenario != "tools-call-error")
            .then(|| format!("the result is an error: {}", self.details["result"]))
    }
}

/// The scenario in the name of a result's folder, `server-SCENARIO-2026-01-31T12-00-00-000Z`.
fn scenario(folder: &str) -> Option<&str> {
    const TIME: usize = "-2026-01-31T12-00-00-000Z".len();
    let name = folder.strip_prefix("server-")?;
    name.get(..name.len().checked_sub(TIME)?)
}
