//! The database, where it is not in the data folder.

use gantry_server::database;

use super::{Finding, Subject};

/// It is there, takes the gateway, and has a schema that it can use.
pub(super) fn is_reached(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(seen) = subject.config().and_then(database::look) else { return Vec::new() };
    match seen {
        Ok(place) => Finding::good(format!("{place}, answers")),
        Err(error) => {
            vec![Finding::bad(gantry_core::chain(&error)).with_code(Some(error.code()))]
        }
    }
}
