//! Names of companies: the name, and its legal form.

use super::reading::Reading;
use super::wordlists::{Kind, standard};
use crate::folding::{capitalized, fold};

/// The most words of a legal form: `spol. s r.o.`.
const MAX_WORDS: usize = 5;

/// Reads the name of a company.
pub(super) fn read(text: &str) -> Reading {
    let words: Vec<&str> = text.split_whitespace().collect();
    if fold(text).is_empty() {
        return Reading::nothing("no name was found");
    }
    let (start, end, legal) = match legal_form(&words) {
        Some((start, end, legal)) => (start, end, Some(legal)),
        None => (words.len(), words.len(), None),
    };
    let mut base: Vec<&str> = words.get(..start).unwrap_or_default().to_vec();
    base.extend(words.get(end..).unwrap_or_default());
    let base = base.join(" ");
    let base = base.trim_matches([',', ';', '-', ' ']);
    let shout = !base.chars().any(char::is_lowercase);
    // Abbreviations stay as they are: nobody can tell them from words in capitals.
    let shown = if !shout && !base.chars().any(char::is_uppercase) {
        capitalized(base)
    } else {
        base.to_owned()
    };
    let standard = match legal {
        Some(legal) => format!("{shown} {legal}"),
        None => shown,
    };
    let (confidence, reason) = match legal {
        Some(_) if end == words.len() => (0.95, "a legal form at the end"),
        Some(_) => (0.8, "a legal form within the name"),
        None => (0.7, "no legal form"),
    };
    Reading::new(standard, confidence, reason)
        .with("base", base)
        .with("legal_form", legal.unwrap_or_default())
}

/// Finds the legal form: the longest at the end, else at the beginning, else the first within.
fn legal_form(words: &[&str]) -> Option<(usize, usize, &'static str)> {
    let form = |start: usize, end: usize| {
        // A name consists of more than its legal form.
        if end - start >= words.len() {
            return None;
        }
        Some((start, end, standard(Kind::Legal, &words.get(start..end)?.join(" "))?))
    };
    let n_words = words.len();
    let most = MAX_WORDS.min(n_words);
    let at_end = (1..=most).rev().find_map(|length| form(n_words - length, n_words));
    let at_begin = || {
        (1..=most)
            .rev()
            .find_map(|length| form(0, length))
            .filter(|(_, _, legal)| matches!(*legal, "OOO" | "AO" | "TOO" | "Oy"))
    };
    let within = || {
        (1..n_words.saturating_sub(1)).find_map(|start| {
            let longest = MAX_WORDS.min(n_words - start);
            (1..=longest).rev().find_map(|length| form(start, start + length))
        })
    };
    // Within a name short forms are words: `as`, `co`, `pa`.
    let is_clear = |found: &(usize, usize, &str)| {
        words.get(found.0..found.1).is_some_and(|form| fold(&form.join("")).len() > 2)
    };
    at_end.or_else(at_begin).or_else(|| within().filter(is_clear))
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn the_legal_form_is_told_from_the_name() {
        for (text, base, legal) in [
            ("Acme, Inc.", "Acme", "Inc."),
            ("ACME L.L.C.", "ACME", "LLC"),
            ("Müller GmbH & Co. KG", "Müller", "GmbH & Co. KG"),
            ("acme pty ltd", "acme", "Pty Ltd"),
            ("ООО Ромашка", "Ромашка", "OOO"),
            ("Acme Holdings", "Acme Holdings", ""),
            ("Inc.", "Inc.", ""),
        ] {
            let reading = read(text);
            let part = |name| reading.parts.get(name).cloned().unwrap_or_default();
            assert_eq!(
                (part("base").as_str(), part("legal_form").as_str()),
                (base, legal),
                "{text}"
            );
        }
        assert_eq!(read("acme corp").standard.as_deref(), Some("Acme Corp."));
        assert_eq!(read("--").standard, None);
    }
}
