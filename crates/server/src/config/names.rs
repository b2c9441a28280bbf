//! Which names a server, a view or a principal may have.

use gantry_core::ErrorCode;
use gantry_tools::Declared;

use super::path::Path;
use super::problem::Problem;

/// Names that Gantry itself uses or will use: its own server, what the file declares, and the
/// built-in services.
pub const RESERVED_NAMES: [&str; 11] = [
    "gantry",
    Declared::NAME,
    "data_standardization",
    "vector_similarity",
    "vector_ranking",
    "transport_layer",
    "reasoning_agent",
    "session_management",
    "resource_streaming",
    "confidence_calculator",
    "semantic_similarity",
];

/// The two underscores join a server's name and a tool's.
const SEPARATOR: &str = "__";
const LONGEST: usize = 32;

/// Says what is wrong with the name of a server or a view, if anything is.
pub(crate) fn check_public(name: &str, path: &Path) -> Option<Problem> {
    let invalid = |message| Some(Problem::new(ErrorCode::ConfigInvalidValue, path, message));
    if RESERVED_NAMES.contains(&name) {
        let message = format!("the name `{name}` in `{path}` is reserved");
        return Some(
            Problem::new(ErrorCode::ConfigNameTaken, path, message)
                .with_hint(Some("Gantry uses it itself; take another")),
        );
    }
    if name.is_empty() || name.len() > LONGEST {
        return invalid(format!("the name in `{path}` must have 1 to {LONGEST} characters"));
    }
    let is_allowed = |character: char| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || "_-".contains(character)
    };
    if let Some(character) = name.chars().find(|character| !is_allowed(*character)) {
        let message = format!(
            "the name `{name}` has the character `{}`, but may have `a-z`, `0-9`, `_` and `-` only",
            character.escape_debug()
        );
        return invalid(message);
    }
    if name.contains(SEPARATOR) {
        return invalid(format!(
            "the name `{name}` has `{SEPARATOR}`, which stands between server and tool"
        ));
    }
    None
}

/// Tells whether `name` may be a server or a view.
///
/// # Errors
///
/// What is wrong with it, as one sentence without a full stop.
pub fn check_name(name: &str) -> Result<(), String> {
    match check_public(name, &Path::root().key("servers").key(name)) {
        Some(problem) => Err(problem.message),
        None => Ok(()),
    }
}
