//! `gantry remove`: takes an upstream server out of the configuration file.

use gantry_core::ErrorCode;
use gantry_server::config::edit::{self, EditError, FileError};

use crate::failure::Failure;
use crate::output;
use crate::place::Place;

pub(crate) fn run(place: &Place, name: &str) -> Result<(), Failure> {
    let file = place.file();
    edit::edit_file(file, |text| edit::remove_server(text, name))
        .map_err(|error| edit_failure(&format!("cannot remove `{name}`"), &error))?;
    output::line(&format!("Removed `{name}` from `{}`.", file.display()))
}

/// Says why a configuration file was not changed.
pub(crate) fn edit_failure(message: &str, error: &FileError) -> Failure {
    let failure = Failure::new(message).because(error);
    match error {
        FileError::Refused { source, .. } => {
            let failure = match source.as_ref() {
                EditError::UnknownName { hint: Some(hint), .. } => failure.with_hint(hint),
                EditError::NameTaken { name, .. } => {
                    failure.with_hint(format!("`gantry remove {name}` makes room for another"))
                }
                _ => failure,
            };
            failure.with_code(source.code())
        }
        FileError::Changed { .. } => failure.with_hint("try again"),
        FileError::Unreadable { .. } | FileError::Unwritable { .. } => {
            failure.with_code(ErrorCode::ConfigUnreadable)
        }
    }
}
