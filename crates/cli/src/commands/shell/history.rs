//! What the shell remembers: lines, but none that holds a secret.

use std::path::{Path, PathBuf};

use gantry_server::is_secret_name;
use serde_json::Value;

const FILE: &str = "shell_history";

/// Returns where lines are kept; `None` while there is no data folder, which is the gateway's to make.
pub(super) fn file(data_folder: &Path) -> Option<PathBuf> {
    data_folder.is_dir().then(|| data_folder.join(FILE))
}

/// Tells whether a line may be kept: no argument in it looks like a secret.
pub(super) fn may_remember(line: &str) -> bool {
    // A line that cannot be read cannot be judged either.
    shlex::split(line).is_some_and(|words| !words.iter().any(|word| holds_secret(word)))
}

fn holds_secret(word: &str) -> bool {
    // `--param=NAME=VALUE` has two names and a value.
    let mut rest = word;
    loop {
        if serde_json::from_str(rest).is_ok_and(|value| holds_secret_member(&value)) {
            return true;
        }
        match rest.split_once('=') {
            Some((name, _)) if is_secret_name(name) => return true,
            Some((_, value)) => rest = value,
            None => return false,
        }
    }
}

fn holds_secret_member(value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            members.iter().any(|(name, member)| is_secret_name(name) || holds_secret_member(member))
        }
        Value::Array(entries) => entries.iter().any(holds_secret_member),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::may_remember;

    #[test]
    fn a_line_with_a_secret_is_forgotten() {
        for kept in
            ["tools list", "tools call git__log -p n=3 -p 'text=a=b'", "servers list # token"]
        {
            assert!(may_remember(kept), "{kept}");
        }
        for forgotten in [
            "tools call x -p password=hunter2",
            "tools call x --param=api_key=1",
            "tools call x -p 'user={\"name\":\"a\",\"password\":\"b\"}'",
            "tools call x --arguments '{\"a\":[{\"token\":1}]}'",
            "add docs http://a/ --header 'Authorization=Bearer x'",
            "tools call x -p 'open",
        ] {
            assert!(!may_remember(forgotten), "{forgotten}");
        }
    }
}
