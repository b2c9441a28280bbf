//! The embedded tables: where they are, how they are read, and finding names in them.
//!
//! A table is text with a row a line and tabs between cells; alternatives in a cell have `|`
//! between them. `crates/services/data/SOURCES.md` says where each comes from.

use std::collections::HashMap;

use crate::folding::fold;

/// Tables with their source beside this crate.
pub(super) const COUNTRIES: &str = include_str!("../../data/countries.tsv");
pub(super) const SUBDIVISIONS: &str = include_str!("../../data/subdivisions.tsv");
pub(super) const CITIES: &str = include_str!("../../data/cities.tsv");
pub(super) const CURRENCIES: &str = include_str!("../../data/currencies.tsv");
pub(super) const UNITS: &str = include_str!("../../data/units.tsv");
pub(super) const CALENDAR: &str = include_str!("../../data/calendar.tsv");
pub(super) const PHONES: &str = include_str!("../../data/phones.tsv");
pub(super) const GOODS: &str = include_str!("../../data/goods.tsv");
pub(super) const PRODUCTS: &str = include_str!("../../data/products.tsv");
pub(super) const ACCOUNTS: &str = include_str!("../../data/accounts.tsv");
pub(super) const POST_TOWNS: &str = include_str!("../../data/post_towns.tsv");
pub(super) const LESSER_PARTS: &str = include_str!("../../data/lesser_parts.tsv");
pub(super) const PEOPLE: &str = include_str!("../../data/people.tsv");
pub(super) const NATIONALITIES: &str = include_str!("../../data/nationalities.tsv");
pub(super) const WORDS: &str = include_str!("../../data/words.tsv");

/// A row; a cell that is not there is empty.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    line: &'a str,
}

/// Names of entries, found exactly or with a few letters wrong.
#[derive(Debug, Default)]
pub(super) struct Names {
    exact: HashMap<String, Vec<u32>>,
    /// Names with their number of letters, by their first letter.
    by_letter: HashMap<char, Vec<(usize, String)>>,
}

/// How a name was found.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    /// The entries that have this name, in the order of the table.
    pub(super) entries: Vec<u32>,
    /// The name in the table, folded.
    pub(super) name: String,
    /// Letters that had to be changed.
    pub(super) edits: usize,
}

/// Returns the rows of a table.
pub(super) fn rows(table: &str) -> impl Iterator<Item = Row<'_>> {
    table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| Row { line })
}

// === impl Row ===

impl<'a> Row<'a> {
    /// Returns a cell, counted from 0.
    pub(super) fn cell(self, n: usize) -> &'a str {
        self.line.split('\t').nth(n).unwrap_or_default()
    }

    /// Returns the alternatives of a cell.
    pub(super) fn alternatives(self, n: usize) -> impl Iterator<Item = &'a str> {
        self.cell(n).split('|').map(str::trim).filter(|name| !name.is_empty())
    }
}

// === impl Names ===

impl Names {
    /// Adds a name of an entry.
    pub(super) fn add(&mut self, name: &str, entry: u32) {
        let folded = fold(name);
        let Some(first) = folded.chars().next() else { return };
        let entries = self.exact.entry(folded.clone()).or_default();
        if entries.is_empty() {
            self.by_letter.entry(first).or_default().push((folded.chars().count(), folded));
        }
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }

    /// Finds a folded name as it is.
    pub(super) fn exact(&self, folded: &str) -> Option<&[u32]> {
        self.exact.get(folded).map(Vec::as_slice)
    }

    /// Finds a folded name, or the nearest one if few enough letters differ and no second name is
    /// as near.
    pub(super) fn find(&self, folded: &str) -> Option<Found> {
        if let Some(entries) = self.exact.get(folded) {
            return Some(Found { entries: entries.clone(), name: folded.to_owned(), edits: 0 });
        }
        let length = folded.chars().count();
        let most = tolerated(length);
        let first = folded.chars().next()?;
        if most == 0 || folded.chars().any(|character| character.is_ascii_digit()) {
            return None;
        }
        let mut best: Option<(usize, &str)> = None;
        let mut is_tied = false;
        for (letters, name) in self.by_letter.get(&first)? {
            if letters.abs_diff(length) > most {
                continue;
            }
            let edits = strsim::osa_distance(folded, name);
            match best {
                _ if edits > most => {}
                Some((least, _)) if edits > least => {}
                Some((least, other)) if edits == least => {
                    is_tied |= self.exact.get(other) != self.exact.get(name);
                }
                _ => {
                    best = Some((edits, name));
                    is_tied = false;
                }
            }
        }
        let (edits, name) = best.filter(|_| !is_tied)?;
        let entries = self.exact.get(name)?.clone();
        Some(Found { entries, name: name.to_owned(), edits })
    }
}

/// How many letters of a name may be wrong: short names are too like each other.
fn tolerated(length: usize) -> usize {
    match length {
        0..=4 => 0,
        5..=8 => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        ACCOUNTS, CALENDAR, CITIES, COUNTRIES, CURRENCIES, GOODS, LESSER_PARTS, NATIONALITIES,
        Names, PEOPLE, PHONES, POST_TOWNS, PRODUCTS, SUBDIVISIONS, UNITS, WORDS, rows,
    };

    #[test]
    fn every_row_of_every_table_has_all_its_cells() {
        for (table, n_cells) in [
            (COUNTRIES, 6),
            (SUBDIVISIONS, 3),
            (CITIES, 5),
            (CURRENCIES, 6),
            (UNITS, 6),
            (CALENDAR, 4),
            (PHONES, 10),
            (GOODS, 3),
            (PRODUCTS, 5),
            (ACCOUNTS, 5),
            (WORDS, 3),
            (POST_TOWNS, 2),
            (PEOPLE, 3),
            (NATIONALITIES, 2),
            (LESSER_PARTS, 2),
        ] {
            let mut n_rows = 0;
            for row in rows(table) {
                assert_eq!(row.line.split('\t').count(), n_cells, "{}", row.line);
                n_rows += 1;
            }
            assert!(n_rows > 10);
        }
    }

    #[test]
    fn a_name_is_found_with_a_letter_wrong_if_nothing_else_is_as_near() {
        let mut names = Names::default();
        names.add("Germany", 0);
        names.add("Deutschland", 0);
        names.add("Iran", 1);
        names.add("Iraq", 2);
        names.add("Slovakia", 3);
        names.add("Slovenia", 4);
        assert_eq!(names.find("germany").unwrap().edits, 0);
        let found = names.find("gremany").unwrap();
        assert_eq!((found.entries, found.edits), (vec![0], 1));
        assert_eq!(names.find("deutchlnd").unwrap().entries, [0]);
        assert_eq!(names.find("irak"), None);
        assert_eq!(names.find("slovacia").unwrap().entries, [3]);
        assert_eq!(names.find("slovekia"), None, "Slovenia is as near");
        assert_eq!(names.find("france"), None);
        assert_eq!(names.find(""), None);
    }
}
