//! Running the suite and judging its outcome.

use std::{collections::BTreeSet, time::Duration};

use super::report::Report;
use crate::support::{node, process};

const PACKAGE: &str = "@modelcontextprotocol/conformance";

/// The suite takes seconds; one that hangs must not hold up everything else.
const LIMIT: Duration = Duration::from_mins(5);

/// How much of a log a failure shows, bytes.
const SHOWN_LOG: usize = 8_000;

/// A revision whose requirements the suite knows.
#[derive(Clone, Copy, Debug)]
pub(super) enum Revision {
    V2025_11_25,
    V2026_07_28,
}

impl Revision {
    fn name(self) -> &'static str {
        match self {
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// How many scenarios the suite scores; if that changes, the suite is another one.
    fn scored(self) -> usize {
        match self {
            Self::V2025_11_25 => 30,
            Self::V2026_07_28 => 37,
        }
    }

    /// The names of the scenarios that are scored: the list `server` of the requirements.
    #[track_caller]
    fn scenarios(self) -> BTreeSet<String> {
        let file = node::package(PACKAGE, &format!("requirements/{}.yaml", self.name()));
        let text = std::fs::read_to_string(file).expect("the requirements can be read");
        let list = text.lines().skip_while(|line| *line != "server:").skip(1);
        let items = list.map_while(|line| line.strip_prefix("  - "));
        let scenarios: BTreeSet<_> = items.map(str::to_owned).collect();
        assert_eq!(scenarios.len(), self.scored(), "the suite scores other scenarios than it did");
        scenarios
    }
}

/// Runs the suite of `revision` against `url`, and panics unless every scored scenario passes.
///
/// A failure shows which checks failed and why, and the end of `log`.
pub(super) async fn assert_passes(revision: Revision, url: &str, log: impl Fn() -> String) {
    let scenarios = revision.scenarios();
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut command = node::script(node::package(PACKAGE, "dist/index.js"));
    command.args(["server", "--url", url, "--requirements", revision.name(), "-o"]);
    command.arg(folder.path());

    let outcome = process::run(command, LIMIT).await;
    let report = Report::read(folder.path());
    let failures = report.failures(&scenarios);
    let failed = match &outcome {
        Ok(finished) => !finished.status.success(),
        Err(_) => true,
    };
    if failures.is_empty() && !failed {
        return;
    }
    let names: BTreeSet<_> = failures.iter().map(|failure| &failure.scenario).collect();
    let passed = scenarios.len() - names.len();
    let reasons: Vec<_> = failures.iter().map(|failure| format!("  {failure}\n")).collect();
    let reasons = reasons.concat();
    let suite = match outcome {
        Ok(finished) if failures.is_empty() => format!("the suite: {finished}\n"),
        Ok(_) => String::new(),
        Err(reason) => format!("{reason}\n"),
    };
    panic!(
        "{passed} of {} scenarios of {} passed against {url}\n{reasons}{suite}--- the end of the log\n{}",
        scenarios.len(),
        revision.name(),
        end(&log())
    );
}

fn end(log: &str) -> &str {
    let start = log.len().saturating_sub(SHOWN_LOG);
    let start = (start..=log.len()).find(|&at| log.is_char_boundary(at)).unwrap_or_default();
    log.get(start..).unwrap_or_default()
}
