//! What the configuration says, and who could read it.

use std::collections::HashSet;

use super::gateway::Reached;
use super::{Finding, Subject, counted};

/// Below this, a token can be guessed or was typed.
const SHORTEST_TOKEN: usize = 24;
const FEWEST_CHARACTERS: usize = 10;
/// What people type when they have to type something.
const TYPED: [&str; 8] =
    ["password", "secret", "changeme", "token", "123456", "abcdef", "your-", "salt-here"];

/// The file can be read and says what can be done.
pub(super) fn is_usable(subject: &Subject<'_>) -> Vec<Finding> {
    let file = subject.place.file();
    match &subject.config {
        Err(errors) => errors
            .problems()
            .iter()
            .map(|problem| {
                Finding::bad(problem.render(errors.file())).with_code(Some(problem.code))
            })
            .collect(),
        Ok(_) if !file.exists() => {
            Finding::good(format!("there is no `{}`; the defaults hold", file.display()))
        }
        Ok(checked) if checked.warnings.is_empty() => {
            let n_servers = checked.config.gateway.servers.len();
            Finding::good(format!("`{}` is good: {}", file.display(), counted(n_servers, "server")))
        }
        Ok(checked) => checked
            .warnings
            .iter()
            .map(|warning| Finding::warning(warning.render(Some(file))))
            .collect(),
    }
}

/// Somebody has to say who they are, or nobody else is on the machine.
pub(super) fn asks_who_calls(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(config) = subject.config() else { return Vec::new() };
    let (n_tokens, n_keys) = (config.auth.tokens.len(), config.auth.api_keys.len());
    match &subject.gateway {
        _ if n_keys > 0 => Finding::good(format!(
            "{} and {} of clients",
            counted(n_tokens, "token"),
            counted(n_keys, "key")
        )),
        _ if n_tokens > 0 => Finding::good(format!("{} of clients", counted(n_tokens, "token"))),
        _ if config.auth.takes_tokens() => {
            Finding::good("clients need a token that somebody signs, or a key")
        }
        Reached::Running { asks_who_calls: true, .. } => Finding::good("clients need a key"),
        _ if config.auth.required => Finding::good("clients need a key"),
        Reached::Running { .. } => vec![Finding::note(
            "nobody has to say who they are: every program on this machine can call every tool",
        )],
        Reached::No | Reached::Broken { .. } => vec![Finding::note(
            "the configuration names no client: unless `gantry keys list` shows a key, every program \
             on this machine can call every tool",
        )],
    }
}

/// No token looks as if it had been made up.
pub(super) fn tokens_are_strong(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(config) = subject.config() else { return Vec::new() };
    let tokens = config.auth.tokens.iter();
    let tokens =
        tokens.map(|token| (format!("the token of `{}`", token.name), token.token.expose()));
    let keys = config.auth.api_keys.iter();
    let keys = keys.map(|key| (format!("the key of `{}`", key.name), key.key.expose()));
    let salt = subject.env.get("API_KEY_SALT").filter(|salt| !salt.is_empty());
    let salt = salt.map(|salt| ("API_KEY_SALT".to_owned(), salt));
    let jwt = config.auth.jwt_secret();
    let jwt = jwt.map(|secret| ("the secret of signed tokens".to_owned(), secret.expose()));
    let secrets: Vec<_> = tokens.chain(keys).chain(salt).chain(jwt).collect();
    let weak = secrets.iter().filter(|(_, secret)| is_weak(secret));
    let found: Vec<_> = weak
        .map(|(what, _)| {
            Finding::warning(format!("{what} looks made up, not drawn"))
                .with_hint("`openssl rand -base64 32` draws one")
        })
        .collect();
    match (found.is_empty(), secrets.is_empty()) {
        (false, _) => found,
        (true, true) => Vec::new(),
        (true, false) => Finding::good("every token and key looks drawn"),
    }
}

fn is_weak(token: &str) -> bool {
    let n_distinct = token.chars().collect::<HashSet<_>>().len();
    let lower = token.to_ascii_lowercase();
    token.len() < SHORTEST_TOKEN
        || n_distinct < FEWEST_CHARACTERS
        || TYPED.iter().any(|word| lower.contains(word))
}

/// What stands in the file itself is for the gateway's user alone.
pub(super) fn secrets_are_kept(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(config) = subject.config() else { return Vec::new() };
    let literal = config.literal_secrets();
    let file = subject.place.file();
    let Some(first) = literal.first() else {
        return Finding::good("no secret stands in the configuration itself");
    };
    match readers(file) {
        Some(mode) => vec![
            Finding::warning(format!(
                "others can read `{}` (mode {mode:04o}), which holds a secret at `{first}`",
                file.display()
            ))
            .with_hint(format!("`chmod 600 {}`, or write `${{VAR}}` instead", file.display())),
        ],
        None => Finding::good(format!(
            "{} in the configuration, which others cannot read",
            counted(literal.len(), "secret")
        )),
    }
}

/// Returns the mode of a file that others than its owner can read.
#[cfg(unix)]
fn readers(file: &std::path::Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = std::fs::metadata(file).ok()?.permissions().mode() & 0o7777;
    (mode & 0o044 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn readers(_: &std::path::Path) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::is_weak;

    #[test]
    fn a_token_that_was_typed_is_told_from_one_that_was_drawn() {
        for weak in [
            "0123456789abcdef",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "my-secret-for-the-gateway-2026",
        ] {
            assert!(is_weak(weak), "{weak}");
        }
        for strong in ["q7Hn2vTzKx9LmPwB4sYdE8fRgJ1uAc5o", "9f86d081884c7d659a2feaa0c55ad015"] {
            assert!(!is_weak(strong), "{strong}");
        }
    }
}
