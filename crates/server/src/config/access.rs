//! `auth`: who may use the gateway, checked.

use std::collections::HashMap;

use gantry_core::ErrorCode;

use super::check::Checker;
use super::path::Path;
use super::problem::Problem;
use super::raw;
use super::secret::Secret;

/// Shorter ones can be guessed.
const SHORTEST_TOKEN: usize = 16;
/// Longer ones do not fit into a header with everything else.
const LONGEST_TOKEN: usize = 4096;
const LONGEST_NAME: usize = 128;
/// Principals that are not told by a token, and why nobody else may be called so.
const TAKEN_NAMES: [(&str, &str); 2] = [
    ("local", "a name other than `local`, which is the unix socket's"),
    ("anonymous", "a name other than `anonymous`, which is everybody's without a token"),
];

/// Who may use the gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Auth {
    /// Bearer tokens; empty means that nobody has to say who they are.
    pub tokens: Vec<Token>,
}

/// A bearer token and whom it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The principal.
    pub name: String,
    /// The token.
    pub token: Secret,
}

/// Checks `auth`.
pub(crate) fn check(raw: &raw::Auth, checker: &mut Checker<'_>) -> Auth {
    let path = Path::root().key("auth").key("tokens");
    let mut tokens: Vec<Token> = Vec::new();
    let mut owners: HashMap<&str, usize> = HashMap::new();
    for (index, entry) in raw.tokens.iter().enumerate() {
        let at = path.index(index);
        let (Some(name), Some(token)) = (&entry.name, &entry.token) else {
            let missing = if entry.name.is_none() { "name" } else { "token" };
            checker.conflict(&at, format!("`{at}` has no `{missing}`"), None);
            continue;
        };
        check_name(name, &at.key("name"), checker);
        check_token(token, &at.key("token"), checker);
        if let Some(first) = owners.insert(token, index) {
            let message = format!("`{at}` has the same token as `{}`", path.index(first));
            checker.push(
                Problem::new(ErrorCode::ConfigConflict, &at.key("token"), message)
                    .with_hint(Some("a token stands for one principal; make a new one")),
            );
        }
        tokens.push(Token { name: name.clone(), token: Secret::new(token) });
    }
    Auth { tokens }
}

fn check_name(name: &str, path: &Path, checker: &mut Checker<'_>) {
    let is_printable = name.chars().all(|character| character.is_ascii_graphic());
    if name.is_empty() || name.len() > LONGEST_NAME || !is_printable {
        checker.invalid(path, name, "1 to 128 visible ASCII characters without spaces");
    } else if let Some((_, expected)) = TAKEN_NAMES.iter().find(|(taken, _)| name == *taken) {
        checker.invalid(path, name, expected);
    }
}

/// Never shows the token, however it was written.
fn check_token(token: &str, path: &Path, checker: &mut Checker<'_>) {
    let message = if token.len() < SHORTEST_TOKEN {
        format!("`{path}` must have at least {SHORTEST_TOKEN} characters")
    } else if token.len() > LONGEST_TOKEN {
        format!("`{path}` must have at most {LONGEST_TOKEN} characters")
    } else if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        format!("`{path}` must have visible ASCII characters without spaces only")
    } else {
        return;
    };
    let hint = "`openssl rand -base64 32` makes a good one";
    checker.push(Problem::new(ErrorCode::ConfigInvalidValue, path, message).with_hint(Some(hint)));
}
