//! `gantry import`: makes a configuration file from another system's.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use gantry_core::ErrorCode;
use gantry_server::config::{self, Env, Imported, Note};

use crate::failure::Failure;
use crate::output;

/// More secrets are not listed.
const MOST_SECRETS: usize = 5;

pub(crate) fn run(file: &Path, output: Option<&Path>) -> Result<(), Failure> {
    let imported = config::import(file, output, &Env::of_process())
        .map_err(|errors| Failure::config(&errors))?;
    match output {
        None => output::text(&imported.text)?,
        Some(target) => {
            write(target, &imported.text)?;
            let servers = imported.n_servers;
            let ending = if servers == 1 { "" } else { "s" };
            output::line(&format!("Wrote `{}`: {servers} server{ending}.", target.display()))?;
        }
    }
    tell(file, &imported);
    Ok(())
}

/// Says what the reader has to know besides.
fn tell(file: &Path, imported: &Imported) {
    if !imported.notes.is_empty() {
        let rows: Vec<_> = imported.notes.iter().map(|note| row(file, note)).collect();
        output::side_table(&["setting", "where", "what becomes of it"], &rows);
    }
    for line in imported.problems.iter().flat_map(config::ConfigErrors::lines) {
        output::hint(&format!("to be put right before it can be used: {line}"));
    }
    if let Some(secrets) = secrets(&imported.secrets) {
        output::hint(&format!(
            "the file holds secrets ({secrets}); `${{VAR}}` keeps them elsewhere"
        ));
    }
}

fn row(file: &Path, note: &Note) -> Vec<String> {
    let file = note.file.as_deref().unwrap_or(file);
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let place = note.location.map_or_else(String::new, |at| format!("{name}:{}", at.line));
    vec![note.path.clone(), place, note.reason.clone()]
}

fn secrets(keys: &[String]) -> Option<String> {
    let shown: Vec<_> = keys.iter().take(MOST_SECRETS).map(|key| format!("`{key}`")).collect();
    let more = if keys.len() > MOST_SECRETS { " and more" } else { "" };
    (!shown.is_empty()).then(|| shown.join(", ") + more)
}

/// Writes a new file that nobody else can read: it may hold secrets.
fn write(target: &Path, text: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let written = options.open(target).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| {
        let failure = Failure::new(format!("cannot write `{}`", target.display())).because(&error);
        match error.kind() {
            std::io::ErrorKind::AlreadyExists => failure
                .with_hint("move it away, or name another file with `-o`")
                .with_code(ErrorCode::ImportTarget),
            _ => failure.with_code(ErrorCode::ConfigUnreadable),
        }
    })
}
