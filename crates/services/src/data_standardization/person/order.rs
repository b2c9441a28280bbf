//! Whether a name without a comma begins with the family name, as in lists: `Cook Aaron`.
//!
//! How often its words are given names and family names says it, where it says it clearly.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::data_standardization::table::{PEOPLE, rows};
use crate::folding::fold;

/// Who of 100,000 people has a name as a given name, and as a family name.
type Shares = (f64, f64);

/// What is taken for the shares of a name that the table does not have.
const UNKNOWN: Shares = (0.5, 1.0);
/// How many names are written with the given name first, for one that is not.
const AGAINST: f64 = 50.0;
/// The same where an initial stands at the end, which nobody's family name is.
const AGAINST_BEFORE_INITIAL: f64 = 0.5;

static SHARES: LazyLock<HashMap<&'static str, Shares>> = LazyLock::new(|| {
    rows(PEOPLE)
        .map(|row| {
            let share = |n: usize| row.cell(n).parse().unwrap_or(0.0);
            (row.cell(0), (f64::max(share(1), UNKNOWN.0), f64::max(share(2), UNKNOWN.1)))
        })
        .collect()
});

/// Tells whether the first of these words is more surely the family name than the last.
pub(super) fn family_leads(words: &[&str]) -> bool {
    let (first, second, last) = match words {
        [first, second] => (first, second, second),
        [first, second, last] => (first, second, last),
        _ => return false,
    };
    let is_initial = |word: &str| word.trim_end_matches('.').chars().count() == 1;
    if is_initial(first) || is_initial(second) {
        return false;
    }
    let (given_first, family_first) = shares(first);
    let (given_second, family_second) = shares(second);
    if is_initial(last) {
        // `Swanson Peter A` or `Peter Swanson A`.
        let odds = family_first * given_second / (given_first * family_second);
        return odds > AGAINST_BEFORE_INITIAL;
    }
    let (given_last, family_last) = shares(last);
    let odds = family_first * given_last / (given_first * family_last);
    odds > AGAINST
}

fn shares(word: &str) -> Shares {
    SHARES.get(fold(word).replace(' ', "").as_str()).copied().unwrap_or(UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::family_leads;

    #[test]
    fn names_are_turned_only_where_their_words_say_it_clearly() {
        assert!(family_leads(&["Meyer", "Charles", "Lowell"]));
        assert!(family_leads(&["Merkel", "Robert"]));
        assert!(family_leads(&["swanson", "peter", "a."]));
        for words in [
            &["Robert", "Merkel"][..],
            &["Priya", "Thomas"],
            &["J.", "Thomas"],
            &["Peter", "Swanson", "A"],
            &["Xa", "Xb"],
            &["Robert"],
            &[],
        ] {
            assert!(!family_leads(words), "{words:?}");
        }
    }
}
