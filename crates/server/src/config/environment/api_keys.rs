//! `API_KEY_1=KEY:CLIENT:PERMISSIONS`: tokens of clients, where the file names none.

use gantry_core::ErrorCode;

use super::super::env::Env;
use super::super::path::Path;
use super::super::problem::{Problem, Report};
use super::super::tree::{Data, Entry, Node};
use super::table::API_KEY;
use super::{Filled, Unused, insert, is_set};

/// More in an environment are a mistake.
const MOST: usize = 256;

/// Fills `auth.tokens` from the variables `API_KEY_1` and so on.
pub(super) fn fill(root: &mut Option<Node>, env: &Env, report: &mut Report) -> Vec<Filled> {
    let path = Path::root().key("auth").key("tokens");
    if is_set(root.as_ref(), &path) {
        return Vec::new();
    }
    let mut entries = Vec::new();
    let mut filled = Vec::new();
    for variable in API_KEY.matching(env).take(MOST) {
        let text = env.get(variable).unwrap_or_default().trim();
        let mut parts = text.splitn(3, ':');
        let (key, client) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if key.is_empty() || client.is_empty() {
            report.push(refusal(variable, &path));
            continue;
        }
        filled.push(Filled { variable: variable.to_owned(), path: path.index(entries.len()) });
        entries.push(token(client, key));
    }
    if !entries.is_empty() && !insert(root, &path, Node::nowhere(Data::Sequence { entries })) {
        // `auth` is something else than a mapping, which is refused where it is checked.
        return Vec::new();
    }
    filled
}

/// Says of keys with permissions that these are not looked at: a key opens more than it says.
pub(super) fn permissions(env: &Env) -> Vec<Unused> {
    let has_permissions = |variable: &&str| {
        let text = env.get(variable).unwrap_or_default();
        text.splitn(3, ':').nth(2).is_some_and(|permissions| !permissions.trim().is_empty())
    };
    let unused = |variable: &str| Unused {
        variable: variable.to_owned(),
        reason: "permissions of a token; a token may use everything".to_owned(),
        is_doubtful: false,
    };
    API_KEY.matching(env).filter(has_permissions).map(unused).collect()
}

fn token(client: &str, key: &str) -> Node {
    let entry = |key: &str, text: &str| Entry::new(key, Node::nowhere(Data::text(text)));
    let entries = vec![entry("name", client), entry("token", key)];
    Node::nowhere(Data::Mapping { entries, is_flow: false })
}

fn refusal(variable: &str, path: &Path) -> Problem {
    let message = format!(
        "the variable `{variable}` must be a key, a client's name and permissions with colons \
         between, as in `KEY:CLIENT:read,write`, but is not"
    );
    Problem::new(ErrorCode::EnvironmentInvalid, path, message)
        .with_hint(Some("correct it or unset it; `auth.tokens` in the file wins over it"))
}
