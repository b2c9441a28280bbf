//! Makes names that our rules allow from those of other systems.
//!
//! A name that is allowed stays. Of any other, letters become small, every run of other characters
//! becomes one `-` (a run of underscores one `_`), and 32 characters are kept; a name that is then
//! reserved or taken gets `-2`, `-3` and so on.

use std::collections::HashSet;

use super::super::names::check_name;

const LONGEST: usize = 32;
/// What is called so when nothing of its name is left.
const NAMELESS: &str = "server";

/// Returns for each of `names` the name it has here, all of them different.
pub(super) fn map(names: &[&str]) -> Vec<String> {
    // Names that are allowed have the first claim, so that none of them changes for another's sake.
    let mut taken: HashSet<String> =
        names.iter().filter(|name| check_name(name).is_ok()).map(ToString::to_string).collect();
    let mut seen = HashSet::new();
    let mut mapped = Vec::with_capacity(names.len());
    for name in names {
        let is_first = seen.insert(*name);
        let name = if is_first && check_name(name).is_ok() {
            (*name).to_owned()
        } else {
            free(&plain(name), &taken)
        };
        taken.insert(name.clone());
        mapped.push(name);
    }
    mapped
}

fn plain(name: &str) -> String {
    let mut plain = String::new();
    for character in name.chars().flat_map(char::to_lowercase) {
        match character {
            'a'..='z' | '0'..='9' => plain.push(character),
            '_' if !plain.ends_with(['_', '-']) => plain.push('_'),
            _ if plain.ends_with(['_', '-']) => {}
            _ => plain.push('-'),
        }
    }
    let plain: String = plain.trim_matches(['-', '_']).chars().take(LONGEST).collect();
    let plain = plain.trim_end_matches(['-', '_']);
    if plain.is_empty() { NAMELESS.to_owned() } else { plain.to_owned() }
}

fn free(plain: &str, taken: &HashSet<String>) -> String {
    let is_free = |name: &String| !taken.contains(name) && check_name(name).is_ok();
    let numbered = (2_usize..).map(|number| {
        let ending = format!("-{number}");
        let kept: String = plain.chars().take(LONGEST - ending.len()).collect();
        kept + &ending
    });
    // Invariant: only finitely many names are taken.
    std::iter::once(plain.to_owned()).chain(numbered).find(is_free).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(names: &[&str], expected: &[&str]) {
        assert_eq!(map(names), expected);
    }

    #[test]
    fn names_that_are_allowed_stay_and_others_make_room() {
        check(&["git", "brave-search", "my_db"], &["git", "brave-search", "my_db"]);
        check(
            &["GitHub", "Google Drive", "@scope/name", "a__b"],
            &["github", "google-drive", "scope-name", "a_b"],
        );
        check(&["Git", "git", "GIT"], &["git-2", "git", "git-3"]);
        check(&["gantry", "reasoning_agent"], &["gantry-2", "reasoning_agent-2"]);
        check(&["天气", "", "!!"], &["server", "server-2", "server-3"]);
        let long = "a".repeat(40);
        check(&[&long, &long.to_uppercase()], &["a".repeat(32).as_str(), &("a".repeat(30) + "-2")]);
    }

    proptest! {
        #[test]
        fn every_name_becomes_one_that_is_allowed_and_no_two_the_same(
            names in prop::collection::vec("\\PC{0,40}|[a-zA-Z_-]{0,6}", 0..12)
        ) {
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            let mapped = map(&names);
            prop_assert_eq!(mapped.len(), names.len());
            for name in &mapped {
                prop_assert!(check_name(name).is_ok(), "{}", name);
            }
            let different: HashSet<_> = mapped.iter().collect();
            prop_assert_eq!(different.len(), mapped.len());
        }
    }
}
