//! Arguments of prompts, which are all text.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use crate::error::ToolError;

/// Returns an argument that must be there.
pub(crate) fn text<'a>(
    arguments: &'a BTreeMap<String, String>,
    name: &str,
) -> Result<&'a str, ToolError> {
    let missing = || ToolError::argument(name, "is required and was not given");
    arguments.get(name).map(String::as_str).ok_or_else(missing)
}

/// Reads an argument that is JSON.
pub(crate) fn json<T: DeserializeOwned>(
    arguments: &BTreeMap<String, String>,
    name: &str,
) -> Result<T, ToolError> {
    serde_json::from_str(text(arguments, name)?).map_err(|error| {
        ToolError::argument(name, format!("is not the JSON that it has to be: {error}"))
    })
}

/// Returns the argument that says what to look at, which is one of `known`; all of them if it is not
/// given.
pub(crate) fn focus<'a>(
    arguments: &'a BTreeMap<String, String>,
    name: &str,
    known: &[&str],
) -> Result<Option<&'a str>, ToolError> {
    match arguments.get(name).map(String::as_str) {
        None | Some("" | "comprehensive") => Ok(None),
        Some(focus) if known.contains(&focus) => Ok(Some(focus)),
        Some(_) => {
            let problem = format!("is none of those known; use one of {}", known.join(", "));
            Err(ToolError::argument(name, problem))
        }
    }
}
