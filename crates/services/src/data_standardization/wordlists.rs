//! Lists of small words, by their kind: legal forms, kinds of streets, titles, abbreviations.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::table::{WORDS, rows};
use crate::folding::fold;

/// What a word may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Legal,
    Prefix,
    Suffix,
    Particle,
    Street,
    Direction,
    Unit,
    Box,
    Modifier,
    Pack,
    Abbreviation,
    Filler,
    Currency,
    Clock,
}

static LISTS: LazyLock<HashMap<Kind, HashMap<String, &'static str>>> = LazyLock::new(|| {
    let mut lists: HashMap<Kind, HashMap<String, &'static str>> = HashMap::new();
    for row in rows(WORDS) {
        let Some(kind) = kind(row.cell(0)) else { continue };
        let list = lists.entry(kind).or_default();
        for form in row.alternatives(2) {
            // What comes first in the table has the word.
            list.entry(key(kind, form)).or_insert(row.cell(1));
        }
    }
    lists
});

/// Returns the standard form of a word of a kind.
pub(super) fn standard(kind: Kind, word: &str) -> Option<&'static str> {
    LISTS.get(&kind)?.get(&key(kind, word)).copied()
}

/// Returns the words of a kind with their standard forms.
pub(super) fn all(kind: Kind) -> impl Iterator<Item = (&'static str, &'static str)> {
    LISTS.get(&kind).into_iter().flatten().map(|(form, standard)| (form.as_str(), *standard))
}

/// Signs of currencies are more than letters; all else is compared folded, and abbreviations
/// without the spaces that their dots leave.
fn key(kind: Kind, word: &str) -> String {
    match kind {
        Kind::Currency => word.to_lowercase(),
        Kind::Unit if word == "#" => word.to_owned(),
        Kind::Abbreviation | Kind::Filler | Kind::Modifier | Kind::Pack => fold(word),
        _ => fold(word).replace(' ', ""),
    }
}

fn kind(name: &str) -> Option<Kind> {
    Some(match name {
        "legal" => Kind::Legal,
        "prefix" => Kind::Prefix,
        "suffix" => Kind::Suffix,
        "particle" => Kind::Particle,
        "street" => Kind::Street,
        "direction" => Kind::Direction,
        "unit" => Kind::Unit,
        "box" => Kind::Box,
        "modifier" => Kind::Modifier,
        "pack" => Kind::Pack,
        "abbreviation" => Kind::Abbreviation,
        "filler" => Kind::Filler,
        "currency" => Kind::Currency,
        "clock" => Kind::Clock,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Kind, kind, standard};
    use crate::data_standardization::table::{WORDS, rows};

    #[test]
    fn every_row_is_of_a_known_kind() {
        for row in rows(WORDS) {
            assert!(kind(row.cell(0)).is_some(), "{}", row.cell(0));
        }
    }

    #[test]
    fn words_are_found_however_they_are_written() {
        assert_eq!(standard(Kind::Legal, "L.L.C."), Some("LLC"));
        assert_eq!(standard(Kind::Legal, "GmbH & Co. KG"), Some("GmbH & Co. KG"));
        assert_eq!(standard(Kind::Street, "Ave."), Some("Avenue"));
        assert_eq!(standard(Kind::Unit, "#"), Some("#"));
        assert_eq!(standard(Kind::Currency, "US$"), Some("USD"));
        assert_eq!(standard(Kind::Street, "banana"), None);
    }
}
