//! Numbers in English words.

use super::Found;
use crate::folding::{fold, words};

/// Reads `one hundred and twenty-five`, if the text begins with such a number.
pub(super) fn read(text: &str) -> Option<Found> {
    let (value, _) = leading(text)?;
    let decimal = value.to_string();
    Some(Found { decimal, start: 0, end: text.len(), confidence: 0.9, reason: "number words" })
}

/// Returns the number in words with which a text begins, and how many words it has.
pub(in crate::data_standardization) fn leading(text: &str) -> Option<(u64, usize)> {
    let folded = fold(text);
    let (mut total, mut group, mut n_words) = (0_u64, 0_u64, 0);
    for (n, word) in words(&folded).into_iter().enumerate() {
        match (small(word), word) {
            (Some(value), _) => group = group.checked_add(value)?,
            (None, "hundred") => group = group.max(1).checked_mul(100)?,
            (None, "and") if n > 0 => continue,
            (None, "a" | "an") if n == 0 => group = 1,
            (None, _) => match large(word) {
                Some(factor) => {
                    total = total.checked_add(group.max(1).checked_mul(factor)?)?;
                    group = 0;
                }
                None => break,
            },
        }
        n_words = n + 1;
    }
    let is_article = n_words == 1 && small(words(&folded).first()?).is_none() && total == 0;
    (n_words > 0 && !is_article).then_some((total.checked_add(group)?, n_words))
}

fn small(word: &str) -> Option<u64> {
    const ONES: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 8] =
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    if let Some(value) = ONES.iter().position(|name| *name == word) {
        return u64::try_from(value).ok();
    }
    let tens = TENS.iter().position(|name| *name == word)?;
    u64::try_from((tens + 2) * 10).ok()
}

fn large(word: &str) -> Option<u64> {
    Some(match word {
        "thousand" => 1_000,
        "million" => 1_000_000,
        "billion" => 1_000_000_000,
        "trillion" => 1_000_000_000_000,
        "dozen" => 12,
        _ => return None,
    })
}
