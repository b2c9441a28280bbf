//! Public names: the only place that builds them. Nothing splits them; they are resolved through
//! the snapshot's maps.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Stands between the server and its own name; server names do not contain it.
const SEPARATOR: &str = "__";
/// Hexadecimal digits of the hash that a changed name is given.
const HASH: usize = 8;

/// Gives each of a server's names its public one.
///
/// Names that fit stay as they are; others are cut, cleaned and given a hash of the whole, so that
/// a name depends on its server and itself alone. Should two still meet, the one that sorts first
/// by its own name keeps it.
pub fn public_names<'a>(
    server: &str,
    names: impl Iterator<Item = &'a str>,
    max: usize,
) -> HashMap<&'a str, String> {
    let mut sorted: Vec<&str> = names.collect();
    sorted.sort_unstable();
    sorted.dedup();
    let mut taken: HashSet<String> = HashSet::with_capacity(sorted.len());
    let mut public = HashMap::with_capacity(sorted.len());
    for name in sorted {
        let mut candidate = public_name(server, name, max, 0);
        let mut salt = 1;
        while taken.contains(&candidate) {
            candidate = public_name(server, name, max, salt);
            salt += 1;
        }
        taken.insert(candidate.clone());
        public.insert(name, candidate);
    }
    public
}

/// Returns what every public name of a server begins with.
pub fn prefix(server: &str, max: usize) -> String {
    let mut prefix = format!("{server}{SEPARATOR}");
    // All characters of a server's name are ASCII, and stay.
    prefix.truncate(max.saturating_sub(HASH + 1));
    prefix
}

fn public_name(server: &str, name: &str, max: usize, salt: u32) -> String {
    let whole = format!("{server}{SEPARATOR}{name}");
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if salt == 0 && whole.len() <= max && whole.chars().all(allowed) {
        return whole;
    }
    let digest = Sha256::digest(format!("{server}\0{name}\0{salt}"));
    let hash = digest.iter().take(HASH / 2).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let keep = max.saturating_sub(HASH + 1);
    let cleaned = whole.chars().map(|c| if allowed(c) { c } else { '_' });
    let mut public: String = cleaned.take(keep).collect();
    public.push('_');
    public.push_str(&hash);
    public
}

#[cfg(test)]
mod tests {
    use super::{prefix, public_names};

    #[track_caller]
    fn check(server: &str, name: &str, max: usize, expected: &str) {
        assert_eq!(public_names(server, [name].into_iter(), max)[name], expected);
    }

    #[test]
    fn a_name_that_fits_stays() {
        check("git", "log", 64, "git__log");
        check("git", &"x".repeat(59), 64, &format!("git__{}", "x".repeat(59)));
    }

    #[test]
    fn a_name_that_does_not_fit_is_cut_and_hashed() {
        let long = "x".repeat(100);
        let public = &public_names("git", [long.as_str()].into_iter(), 64)[long.as_str()];
        assert_eq!(public.len(), 64);
        assert!(public.starts_with("git__xxx"));
        check("a", "b.c/d", 64, "a__b_c_d_1f424b4b");
    }

    #[test]
    fn every_name_begins_with_the_prefix() {
        for (server, name, max) in [("git", "log", 64), ("git", "a b", 10), ("a-long-one", "x", 16)]
        {
            let public = &public_names(server, [name].into_iter(), max)[name];
            assert!(public.starts_with(&prefix(server, max)), "{public}");
        }
    }

    #[test]
    fn a_name_does_not_depend_on_its_neighbours() {
        let long = "y".repeat(80);
        let alone = public_names("s", [long.as_str()].into_iter(), 64);
        let together = public_names("s", ["a", long.as_str(), "z"].into_iter(), 64);
        assert_eq!(alone[long.as_str()], together[long.as_str()]);
    }

    #[test]
    fn two_names_never_share_a_public_one() {
        let names = ["a b", "a.b", "a/b", "a_b"];
        let public = public_names("s", names.into_iter(), 16);
        let mut values: Vec<_> = public.values().collect();
        values.sort_unstable();
        values.dedup();
        assert_eq!(values.len(), names.len());
    }
}
