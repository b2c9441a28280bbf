//! `gantry doctor`: looks for what keeps the gateway, its servers or its clients from working.
//!
//! [`CHECKS`] is all that is looked at, in the order in which it is told. A check looks and says what
//! it found; it changes nothing and waits for nobody long. To add one, write a function and a row.

mod clocks;
mod configuration;
mod database;
mod folder;
mod gateway;
mod issuers;
mod machine;
mod programs;

use gantry_core::ErrorCode;
use gantry_server::config::{Checked, Config, ConfigErrors, Env};
use serde_json::{Value, json};

use crate::cli::Format;
use crate::failure::Failure;
use crate::output;
use crate::place::Place;
use gateway::Reached;

/// One thing that is looked at.
struct Check {
    /// In one or two words.
    about: &'static str,
    look: fn(&Subject<'_>) -> Vec<Finding>,
}

/// Everything that is looked at.
const CHECKS: &[Check] = &[
    Check { about: "configuration", look: configuration::is_usable },
    Check { about: "access", look: configuration::asks_who_calls },
    Check { about: "tokens", look: configuration::tokens_are_strong },
    Check { about: "secrets", look: configuration::secrets_are_kept },
    Check { about: "data folder", look: folder::is_usable },
    Check { about: "disk", look: folder::has_room },
    Check { about: "clock", look: folder::clock_agrees },
    Check { about: "database", look: database::is_reached },
    Check { about: "open files", look: machine::may_open_files },
    Check { about: "proxy", look: machine::proxy_is_understood },
    Check { about: "address", look: machine::addresses_are_free },
    Check { about: "gateway", look: gateway::is_reached },
    Check { about: "servers", look: gateway::servers_are_ready },
    Check { about: "issuers", look: issuers::publish_keys },
    Check { about: "clocks", look: clocks::agree },
    Check { about: "programs", look: programs::are_there },
];

/// What is looked at.
struct Subject<'a> {
    place: &'a Place,
    env: Env,
    config: Result<Checked, ConfigErrors>,
    gateway: Reached,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    verdict: Verdict,
    text: String,
    hint: Option<String>,
    code: Option<ErrorCode>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    /// Cannot be told, or is worth knowing.
    Note,
    /// May be wrong.
    Warning,
    /// Does not work.
    Bad,
}

pub(crate) fn run(place: &Place, format: Format) -> Result<(), Failure> {
    let env = Env::of_process();
    let config = Config::check(&place.source, &env);
    let subject = Subject { place, config, gateway: gateway::reach(place)?, env };
    let found: Vec<(&str, Finding)> = CHECKS
        .iter()
        .flat_map(|check| (check.look)(&subject).into_iter().map(|finding| (check.about, finding)))
        .collect();
    let count = |verdict| found.iter().filter(|(_, finding)| finding.verdict == verdict).count();
    let (n_bad, n_warnings) = (count(Verdict::Bad), count(Verdict::Warning));
    let data = json!({
        "ok": n_bad == 0,
        "bad": n_bad,
        "warnings": n_warnings,
        "findings": found.iter().map(|(about, finding)| finding.data(about)).collect::<Vec<_>>(),
    });
    if !output::data(format, &data)? {
        let rows: Vec<_> = found.iter().map(|(about, finding)| finding.row(about)).collect();
        output::table(&["", "about", "found"], &rows)?;
        output::line(&match (n_bad, n_warnings) {
            (0, 0) => "\nNothing is wrong.".to_owned(),
            (0, n) => format!("\nEverything works; {}.", counted(n, "warning")),
            (bad, n) => {
                format!("\n{} not work; {}.", counted_things(bad), counted(n, "warning"))
            }
        })?;
        for (_, finding) in &found {
            finding.advise();
        }
    }
    if n_bad == 0 { Ok(()) } else { Err(Failure::said()) }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn counted_things(count: usize) -> String {
    if count == 1 { "1 thing does".to_owned() } else { format!("{count} things do") }
}

// === impl Subject ===

impl Subject<'_> {
    /// Returns the configuration if it can be used.
    fn config(&self) -> Option<&Config> {
        self.config.as_ref().ok().map(|checked| &checked.config)
    }
}

// === impl Finding ===

impl Finding {
    fn new(verdict: Verdict, text: impl Into<String>) -> Self {
        Self { verdict, text: text.into(), hint: None, code: None }
    }

    /// All is well, and there is nothing else to say.
    fn good(text: impl Into<String>) -> Vec<Self> {
        vec![Self::good_one(text)]
    }

    fn good_one(text: impl Into<String>) -> Self {
        Self::new(Verdict::Good, text)
    }

    fn note(text: impl Into<String>) -> Self {
        Self::new(Verdict::Note, text)
    }

    fn warning(text: impl Into<String>) -> Self {
        Self::new(Verdict::Warning, text)
    }

    fn bad(text: impl Into<String>) -> Self {
        Self::new(Verdict::Bad, text)
    }

    #[must_use]
    fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    #[must_use]
    fn with_code(self, code: Option<ErrorCode>) -> Self {
        Self { code, ..self }
    }

    fn row(&self, about: &str) -> Vec<String> {
        let word = match self.verdict {
            Verdict::Good => "ok",
            Verdict::Note => "note",
            Verdict::Warning => "warning",
            Verdict::Bad => "BAD",
        };
        vec![word.to_owned(), about.to_owned(), self.text.clone()]
    }

    fn data(&self, about: &str) -> Value {
        let word = match self.verdict {
            Verdict::Good => "ok",
            Verdict::Note => "note",
            Verdict::Warning => "warning",
            Verdict::Bad => "bad",
        };
        json!({
            "about": about,
            "verdict": word,
            "found": self.text,
            "hint": self.hint,
            "code": self.code.map(ErrorCode::code),
        })
    }

    fn advise(&self) {
        if let Some(hint) = &self.hint {
            output::hint(hint);
        }
        if let Some(code) = self.code {
            output::hint(&format!("this is {code} — run `gantry explain {code}`"));
        }
    }
}
