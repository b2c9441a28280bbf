//! The towns of American addresses: what a city can be called, by the first digits of a ZIP code.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use crate::data_standardization::table::{POST_TOWNS, rows};
use crate::folding::{fold, words};

/// How many digits of a ZIP code say where it is.
const PREFIX: usize = 3;

static TOWNS: LazyLock<HashMap<&'static str, HashSet<String>>> = LazyLock::new(|| {
    rows(POST_TOWNS)
        .map(|row| (row.cell(0), row.alternatives(1).map(|town| spelt_out(&fold(town))).collect()))
        .collect()
});

/// Tells whether mail with a ZIP code may go to a town of that name.
pub(in crate::data_standardization) fn is_post_town(name: &str, zip: &str) -> bool {
    let towns = zip.get(..PREFIX).and_then(|prefix| TOWNS.get(prefix));
    towns.is_some_and(|towns| towns.contains(&spelt_out(&fold(name))))
}

/// Writes what is often abbreviated in names of towns.
fn spelt_out(folded: &str) -> String {
    let words = words(folded).into_iter().map(|word| match word {
        "st" => "saint",
        "ste" => "sainte",
        "mt" => "mount",
        "ft" => "fort",
        "pt" => "point",
        "spgs" => "springs",
        "hts" => "heights",
        "jct" => "junction",
        "n" => "north",
        "s" => "south",
        "e" => "east",
        "w" => "west",
        other => other,
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::is_post_town;

    #[test]
    fn towns_are_known_where_they_are_and_nowhere_else() {
        assert!(is_post_town("ST. LOUIS", "63179"));
        assert!(is_post_town("west salem", "54669-1234"));
        assert!(!is_post_town("West Salem", "10001"));
        assert!(!is_post_town("West Salem", "5"));
        assert!(!is_post_town("", "54669"));
    }
}
