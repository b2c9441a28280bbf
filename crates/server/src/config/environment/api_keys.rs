//! `API_KEY_1=KEY:CLIENT:PERMISSIONS`: keys of clients, where the file names none.

use gantry_core::ErrorCode;

use super::super::env::Env;
use super::super::path::Path;
use super::super::problem::{Problem, Report};
use super::super::tree::{Data, Entry, Node};
use super::table::API_KEY;
use super::{Filled, insert, is_set};

/// More in an environment are a mistake.
const MOST: usize = 256;

/// Fills `auth.api_keys` from the variables `API_KEY_1` and so on.
pub(super) fn fill(root: &mut Option<Node>, env: &Env, report: &mut Report) -> Vec<Filled> {
    let auth = Path::root().key("auth");
    let path = auth.key("api_keys");
    if [&path, &auth.key("tokens")].into_iter().any(|path| is_set(root.as_ref(), path)) {
        return Vec::new();
    }
    let mut entries = Vec::new();
    let mut filled = Vec::new();
    for variable in API_KEY.matching(env).take(MOST) {
        let text = env.get(variable).unwrap_or_default().trim();
        let Some(entry) = key(text) else {
            report.push(refusal(variable, &path));
            continue;
        };
        filled.push(Filled { variable: variable.to_owned(), path: path.index(entries.len()) });
        entries.push(entry);
    }
    if !entries.is_empty() && !insert(root, &path, Node::nowhere(Data::Sequence { entries })) {
        // `auth` is something else than a mapping, which is refused where it is checked.
        return Vec::new();
    }
    filled
}

/// Reads one variable; `None` if it is none. Without permissions a key is not limited; with the colon
/// for them there must be some, so that one that was left out does not open everything.
fn key(text: &str) -> Option<Node> {
    let mut parts = text.splitn(3, ':');
    let (key, client) = (parts.next()?, parts.next()?);
    let scopes = parts.next().map(|permissions| {
        let words = permissions.split(',').map(str::trim).filter(|word| !word.is_empty());
        words.map(|word| Node::nowhere(Data::text(word))).collect::<Vec<_>>()
    });
    if key.is_empty() || client.is_empty() || scopes.as_ref().is_some_and(Vec::is_empty) {
        return None;
    }
    let entry = |key: &str, text: &str| Entry::new(key, Node::nowhere(Data::text(text)));
    let mut entries = vec![entry("name", client), entry("key", key)];
    let scopes = scopes.map(|entries| Node::nowhere(Data::Sequence { entries }));
    entries.extend(scopes.map(|scopes| Entry::new("scopes", scopes)));
    Some(Node::nowhere(Data::Mapping { entries, is_flow: false }))
}

fn refusal(variable: &str, path: &Path) -> Problem {
    let message = format!(
        "the variable `{variable}` must be a key, a client's name and permissions with colons \
         between, as in `KEY:CLIENT:read,write`, but is not"
    );
    Problem::new(ErrorCode::EnvironmentInvalid, path, message).with_hint(Some(
        "correct it or unset it; `auth.api_keys` and `auth.tokens` in the file win over it",
    ))
}
