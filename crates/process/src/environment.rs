//! The environment of a child: a short list of what it inherits, then what the configuration gives it.
//!
//! The gateway's own environment holds its secrets (tokens of other upstreams, database passwords), so a child gets
//! nothing that is not on the list. Reading the environment is the caller's part.

use std::ffi::{OsStr, OsString};

/// What a program needs to find its files, its user and its language.
const INHERITED: [&str; 8] = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "TMPDIR"];

/// What is searched for programs when the child has no `PATH`.
pub(crate) const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Says whether a child inherits the variable `name` from the gateway.
pub fn is_inherited(name: &OsStr) -> bool {
    INHERITED.iter().any(|known| name == *known) || name.as_encoded_bytes().starts_with(b"LC_")
}

/// Returns the inherited variables of `own`, overlaid with `given`. Every name occurs once.
pub(crate) fn of_child(
    own: &[(OsString, OsString)],
    given: &[(OsString, OsString)],
) -> Vec<(OsString, OsString)> {
    let mut environment: Vec<(OsString, OsString)> = Vec::with_capacity(own.len() + given.len());
    let inherited = own.iter().filter(|(name, _)| is_inherited(name));
    for (name, value) in inherited.chain(given) {
        match environment.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => old.clone_from(value),
            None => environment.push((name.clone(), value.clone())),
        }
    }
    environment
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(list: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        list.iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    #[test]
    fn only_listed_variables_are_inherited_and_given_ones_win() {
        let own = variables(&[
            ("PATH", "/bin"),
            ("AWS_SECRET", "x"),
            ("LC_ALL", "C"),
            ("LCX", "y"),
            ("HOME", "/root"),
        ]);
        let given = variables(&[("HOME", "/home/a"), ("TOKEN", "1"), ("TOKEN", "2")]);
        let expected =
            variables(&[("PATH", "/bin"), ("LC_ALL", "C"), ("HOME", "/home/a"), ("TOKEN", "2")]);
        assert_eq!(of_child(&own, &given), expected);
    }
}
