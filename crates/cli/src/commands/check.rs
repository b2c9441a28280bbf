//! `gantry check`: tells what is wrong with the configuration file.

use gantry_server::config::{Config, ConfigErrors, Env};
use serde_json::{Value, json};

use crate::cli::Format;
use crate::failure::Failure;
use crate::output;
use crate::place::Place;

pub(crate) fn run(place: &Place, format: Format) -> Result<(), Failure> {
    let outcome = Config::read(&place.source, &Env::of_process());
    if format.is_json() {
        output::json(&report(place, &outcome))?;
        return outcome.map(drop).map_err(|_| Failure::said());
    }
    let config = outcome.map_err(|errors| place.refusal(&errors))?;
    let file = place.file().display();
    if !place.file().exists() {
        return output::line(&format!("There is no `{file}`; the defaults are good."));
    }
    output::line(&format!(
        "`{file}` is good: {}, {}, {}.",
        counted(config.gateway.servers.len(), "server"),
        counted(config.gateway.views.len(), "view"),
        counted(config.auth.tokens.len(), "token"),
    ))
}

fn counted(count: usize, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}

fn report(place: &Place, outcome: &Result<Config, ConfigErrors>) -> Value {
    let problems = outcome.as_ref().err().map(ConfigErrors::problems).unwrap_or_default();
    let problems: Vec<_> = problems
        .iter()
        .map(|problem| {
            json!({
                "code": problem.code.code(),
                "path": problem.path.to_string(),
                "line": problem.location.map(|location| location.line),
                "column": problem.location.map(|location| location.column),
                "message": problem.message,
                "hint": problem.hint,
            })
        })
        .collect();
    json!({ "file": place.file(), "ok": problems.is_empty(), "problems": problems })
}
