//! `gantry add`: writes an upstream server into the configuration file.

use gantry_core::ErrorCode;
use gantry_server::config::edit::{self, EditError, FileError, NewServer};
use gantry_server::config::{Config, ConfigErrors, Env, Source};

use crate::cli::Add;
use crate::failure::Failure;
use crate::output;
use crate::place::Place;

pub(crate) fn run(place: &Place, arguments: Add) -> Result<(), Failure> {
    let name = arguments.name;
    let server = if let Some(url) = arguments.url {
        NewServer::Http { url, headers: arguments.header }
    } else {
        let mut words = arguments.command.into_iter();
        let command = words.next().unwrap_or_default();
        NewServer::Stdio { command, args: words.collect(), env: arguments.env }
    };
    let file = place.file();
    edit::edit_file(file, |text| {
        let edited = edit::add_server(text, &name, &server)?;
        check(&edited, &name, place)?;
        Ok(edited)
    })
    .map_err(|error| failure(&name, &error))?;
    output::line(&format!("Added `{name}` to `{}`.", file.display()))?;
    warn_of_secrets(&server);
    warn_of_entry(&name, place);
    Ok(())
}

/// Refuses an entry that could not be used; what is wrong elsewhere is not this command's matter.
fn check(text: &str, name: &str, place: &Place) -> Result<(), EditError> {
    let source = Source { listen: None, ..place.source.clone() };
    let Err(errors) = Config::parse(text, &source, &Env::of_process()) else { return Ok(()) };
    let entry = edit::path_of(name);
    // The variable may be set where the gateway runs.
    let concerns = |code: ErrorCode| code != ErrorCode::ConfigMissingVariable;
    let own = errors.only(|problem| entry.contains(&problem.path) && concerns(problem.code));
    own.map_or(Ok(()), |source: ConfigErrors| Err(EditError::Unusable { source }))
}

/// Whoever reads the file reads what stands in it.
fn warn_of_secrets(server: &NewServer) {
    let NewServer::Http { headers, .. } = server else { return };
    for (name, value) in headers {
        if name.eq_ignore_ascii_case("authorization") && !value.contains("${") {
            output::hint(&format!(
                "the file now holds the value of `{name}`; `${{VAR}}` keeps it in the environment"
            ));
        }
    }
}

/// Says what `gantry check` would say of the new entry, such as a program that is not there.
fn warn_of_entry(name: &str, place: &Place) {
    // What is wrong elsewhere is told by the command that needs it right.
    let Ok(checked) = Config::check(&place.source, &Env::of_process()) else { return };
    let entry = edit::path_of(name);
    for warning in checked.warnings.iter().filter(|warning| entry.contains(&warning.path)) {
        output::hint(&warning.render(Some(place.file())));
    }
}

fn failure(name: &str, error: &FileError) -> Failure {
    super::remove::edit_failure(&format!("cannot add `{name}`"), error)
}
