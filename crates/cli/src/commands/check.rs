//! `gantry check`: tells what is wrong with the configuration file, and what may be.

use std::path::Path;

use gantry_server::config::{Checked, Config, ConfigErrors, Env, Problem};
use serde_json::{Value, json};

use crate::cli::Format;
use crate::failure::Failure;
use crate::output;
use crate::place::Place;

pub(crate) fn run(place: &Place, format: Format) -> Result<(), Failure> {
    let outcome = Config::check(&place.source, &Env::of_process());
    if output::data(format, &report(place, &outcome))? {
        return outcome.map(drop).map_err(|_| Failure::said());
    }
    let checked = outcome.map_err(|errors| place.refusal(&errors))?;
    let file = place.file();
    if !file.exists() {
        output::line(&format!("There is no `{}`; the defaults are good.", file.display()))?;
        // What is set beside the file may be hardly meant, too.
        return warn(&checked, file);
    }
    let gateway = &checked.config.gateway;
    output::line(&format!(
        "`{}` is good: {}, {}, {}.",
        file.display(),
        counted(gateway.servers.len(), "server"),
        counted(gateway.views.len(), "view"),
        counted(checked.config.auth.n_credentials(), "token"),
    ))?;
    warn(&checked, file)?;
    output::line(&format!(
        "Checked: all keys and values, {}, {} of views. No server was started or asked.",
        counted(checked.n_programs, "program"),
        counted(checked.n_patterns, "pattern"),
    ))
}

fn warn(checked: &Checked, file: &Path) -> Result<(), Failure> {
    checked
        .warnings
        .iter()
        .try_for_each(|warning| output::line(&format!("warning: {}", warning.render(Some(file)))))
}

fn counted(count: usize, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}

fn report(place: &Place, outcome: &Result<Checked, ConfigErrors>) -> Value {
    let (problems, warnings, checked) = match outcome {
        Ok(checked) => (&[][..], checked.warnings.as_slice(), counts(checked)),
        Err(errors) => (errors.problems(), &[][..], Value::Null),
    };
    json!({
        "file": place.file(),
        "ok": problems.is_empty(),
        "problems": rows(problems),
        "warnings": rows(warnings),
        "checked": checked,
    })
}

/// What was looked at; a file with problems is not looked at as closely.
fn counts(checked: &Checked) -> Value {
    let gateway = &checked.config.gateway;
    json!({
        "servers": gateway.servers.len(),
        "programs": checked.n_programs,
        "views": gateway.views.len(),
        "patterns": checked.n_patterns,
        "tokens": checked.config.auth.tokens.len(),
        "api_keys": checked.config.auth.api_keys.len(),
    })
}

fn rows(problems: &[Problem]) -> Value {
    let row = |problem: &Problem| {
        json!({
            "code": problem.code.code(),
            "path": problem.path.to_string(),
            "line": problem.location.map(|location| location.line),
            "column": problem.location.map(|location| location.column),
            "message": problem.message,
            "hint": problem.hint,
        })
    };
    problems.iter().map(row).collect()
}
