//! Accounts of ledgers, by what they are called.
//!
//! A name is compared with the names of the table word by word: words that many names have count
//! less (their inverse frequency), and words that nobody knows count a little against it. What the
//! name says of itself (noncurrent, payable, expense) has to agree with the place.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use crate::data_standardization::hierarchy::{Level, Placed};
use crate::data_standardization::table::{ACCOUNTS, rows};
use crate::data_standardization::wordlists::{self, Kind as WordKind};
use crate::folding::{fold, singular, words};

/// Below this likeness nothing is said.
const LEAST: f64 = 0.45;

#[derive(Debug)]
struct Accounts {
    leaves: Vec<[&'static str; 4]>,
    /// The words of each name, and its leaf.
    names: Vec<(Vec<String>, usize)>,
    by_word: HashMap<String, Vec<usize>>,
    weights: HashMap<String, f64>,
}

static ACCOUNT: LazyLock<Accounts> = LazyLock::new(|| {
    let mut accounts = Accounts {
        leaves: Vec::new(),
        names: Vec::new(),
        by_word: HashMap::new(),
        weights: HashMap::new(),
    };
    for (row, leaf) in rows(ACCOUNTS).zip(0..) {
        accounts.leaves.push([row.cell(0), row.cell(1), row.cell(2), row.cell(3)]);
        for name in row.alternatives(4).chain([row.cell(3)]) {
            accounts.names.push((terms(name), leaf));
        }
    }
    accounts.names.sort();
    accounts.names.dedup();
    for (at, (terms, _)) in accounts.names.iter().enumerate() {
        for term in terms {
            let places = accounts.by_word.entry(term.clone()).or_default();
            if places.last() != Some(&at) {
                places.push(at);
            }
        }
    }
    let total = f64::from(u32::try_from(accounts.names.len()).unwrap_or(u32::MAX));
    for (word, places) in &accounts.by_word {
        let n_names = f64::from(u32::try_from(places.len()).unwrap_or(u32::MAX));
        accounts.weights.insert(word.clone(), 1.0 + (total / n_names).ln() / 3.0);
    }
    accounts
});

/// Words that say nothing of an account.
const EMPTY: [&str; 24] = [
    "account", "the", "of", "for", "and", "to", "from", "in", "on", "at", "net", "total", "value",
    "by", "a", "with", "gross", "general", "ledger", "gl", "main", "cost", "amount", "balance",
];

/// Returns the words of a name as they are compared.
fn terms(name: &str) -> Vec<String> {
    let folded = fold(name);
    let folded = folded.strip_suffix(" at cost").unwrap_or(&folded);
    let mut terms: Vec<String> = Vec::new();
    let split = words(folded);
    let mut at = 0;
    while at < split.len() {
        // `non current` is one word.
        let pair = split.get(at..at + 2).map(|pair| pair.join(" "));
        let standard =
            pair.as_deref().and_then(|pair| wordlists::standard(WordKind::Abbreviation, pair));
        let (word, step) = match standard {
            Some(word)
                if pair.as_deref() == Some("non current") || pair.as_deref() == Some("a c") =>
            {
                (word, 2)
            }
            _ => (wordlists::standard(WordKind::Abbreviation, split[at]).unwrap_or(split[at]), 1),
        };
        at += step;
        for word in word.split(' ') {
            let is_number = word.chars().all(|character| character.is_ascii_digit());
            if !is_number && !EMPTY.contains(&word) {
                terms.push(singular(word));
            }
        }
    }
    if terms.is_empty() {
        terms.extend(
            split
                .iter()
                .filter(|word| !word.chars().all(|character| character.is_ascii_digit()))
                .map(|word| singular(word)),
        );
    }
    terms.sort();
    terms.dedup();
    terms
}

/// Returns the place of an account.
pub(super) fn place(text: &str) -> Placed {
    // The number of an account stands in front of its name.
    let name = text.trim_start_matches(|character: char| {
        character.is_ascii_digit() || matches!(character, '-' | '.' | ' ' | ':' | '_' | '#')
    });
    let terms = terms(name);
    if terms.is_empty() {
        return Placed::nowhere("the account has no name");
    }
    let known: Vec<(String, f64)> = terms.iter().map(|term| nearest(term)).collect();
    let hints = Hints::of(&fold(text));
    let mut scores: BTreeMap<usize, (f64, usize)> = BTreeMap::new();
    let mut seen: Vec<usize> =
        known.iter().filter_map(|(term, _)| ACCOUNT.by_word.get(term)).flatten().copied().collect();
    seen.sort_unstable();
    seen.dedup();
    for at in seen {
        let (name, leaf) = &ACCOUNT.names[at];
        let score = likeness(&known, name) * hints.agreement(&ACCOUNT.leaves[*leaf]);
        let best = scores.entry(*leaf).or_insert((0.0, at));
        if score > best.0 {
            *best = (score, at);
        }
    }
    let mut ranked: Vec<(usize, (f64, usize))> = scores.into_iter().collect();
    ranked.sort_by(|(_, (first, _)), (_, (second, _))| second.total_cmp(first));
    match ranked.first() {
        Some((leaf, (score, at))) if *score >= LEAST => {
            let rival = |level: usize| {
                ranked.iter().skip(1).find(|(other, _)| {
                    ACCOUNT.leaves[*other][..=level] != ACCOUNT.leaves[*leaf][..=level]
                })
            };
            let name = ACCOUNT.names[*at].0.join(" ");
            let levels = std::array::from_fn(|level| {
                let margin = rival(level)
                    .map_or(1.0, |(_, (other, _))| ((score - other) / score).clamp(0.0, 1.0));
                let confidence = (score.min(1.0) * (0.7 + 0.3 * margin.sqrt())).clamp(0.0, 0.99);
                Level::found(
                    ACCOUNT.leaves[*leaf][level],
                    confidence,
                    format!("its words are those of `{name}`"),
                )
            });
            Placed { levels, codes: BTreeMap::new() }
        }
        _ => hints.place(),
    }
}

/// Returns a word of the table for a word, and how alike they are.
fn nearest(term: &str) -> (String, f64) {
    if ACCOUNT.by_word.contains_key(term) || term.chars().count() < 5 {
        return (term.to_owned(), 1.0);
    }
    let first = term.chars().next();
    let best = ACCOUNT
        .by_word
        .keys()
        .filter(|word| word.chars().next() == first && word.len().abs_diff(term.len()) < 3)
        .map(|word| (strsim::normalized_damerau_levenshtein(term, word), word))
        .max_by(|(first, one), (second, other)| first.total_cmp(second).then(other.cmp(one)));
    match best {
        Some((likeness, word)) if likeness > 0.8 => (word.clone(), likeness),
        _ => (term.to_owned(), 1.0),
    }
}

fn weight(term: &str) -> f64 {
    // A word that no name has: it may be anybody's name.
    ACCOUNT.weights.get(term).copied().unwrap_or(1.2)
}

/// The words that both have, by weight, against the words that either has (Dice).
fn likeness(terms: &[(String, f64)], name: &[String]) -> f64 {
    let shared: f64 = terms
        .iter()
        .filter(|(term, _)| name.contains(term))
        .map(|(term, sure)| weight(term) * sure)
        .sum();
    let own: f64 = terms.iter().map(|(term, _)| weight(term)).sum();
    let other: f64 = name.iter().map(|term| weight(term)).sum();
    2.0 * shared / (own + other)
}

/// What a name says of its own place.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a claim of its own, and any of them may hold"
)]
struct Hints {
    noncurrent: bool,
    current: bool,
    long_term: bool,
    liability: bool,
    asset: bool,
    expense: bool,
    income: bool,
    equity: bool,
}

impl Hints {
    fn of(folded: &str) -> Self {
        let has = |names: &[&str]| {
            names.iter().any(|name| format!(" {folded} ").contains(&format!(" {name} ")))
        };
        let noncurrent = has(&["noncurrent", "non current"]);
        Self {
            noncurrent,
            current: !noncurrent && has(&["current"]),
            long_term: has(&["long term", "longterm", "lt"]),
            liability: has(&[
                "payable",
                "payables",
                "liability",
                "liabilities",
                "liab",
                "obligation",
                "obligations",
                "accrued",
                "owed",
                "due to",
                "overdraft",
                "debt",
                "provision",
                "borrowings",
            ]),
            asset: has(&[
                "receivable",
                "receivables",
                "asset",
                "assets",
                "prepaid",
                "inventory",
                "inventories",
                "due from",
            ]),
            expense: has(&[
                "expense",
                "expenses",
                "exp",
                "cost",
                "costs",
                "loss",
                "losses",
                "paid",
                "charges",
                "fees",
                "impairment",
                "amortization",
                "amortisation",
                "depreciation",
                "depletion",
            ]),
            income: has(&[
                "income", "revenue", "revenues", "gain", "gains", "received", "earned", "sales",
                "rev",
            ]),
            equity: has(&[
                "equity",
                "stock",
                "capital",
                "retained earnings",
                "dividends",
                "shares",
                "stockholders",
            ]),
        }
    }

    /// Lowers what the name speaks against.
    fn agreement(&self, leaf: &[&str; 4]) -> f64 {
        let [category, subcategory, ..] = leaf;
        let mut agreement = 1.0;
        let is_current = subcategory.starts_with("Current");
        let is_noncurrent = subcategory.starts_with("Non-Current");
        if self.noncurrent && is_current || self.current && is_noncurrent {
            agreement *= 0.3;
        }
        if self.long_term && !self.current && is_current {
            agreement *= 0.8;
        }
        let is_balance = matches!(*category, "Assets" | "Liabilities" | "Equity");
        if (self.noncurrent || self.current) && !is_balance && !self.expense && !self.income {
            agreement *= 0.5;
        }
        if self.liability
            && !self.expense
            && matches!(*category, "Assets" | "Revenue")
            && !self.asset
        {
            agreement *= 0.6;
        }
        if self.asset
            && !self.liability
            && !self.expense
            && matches!(*category, "Liabilities" | "Revenue" | "Expenses")
        {
            agreement *= 0.6;
        }
        if self.expense && !self.income && *category == "Revenue" {
            agreement *= 0.6;
        }
        agreement
    }

    /// Places an account by what its name says of itself alone.
    fn place(&self) -> Placed {
        let side = [
            (self.asset && !self.liability, "Assets"),
            (self.liability && !self.asset, "Liabilities"),
            (self.expense && !self.income, "Expenses"),
            (self.income && !self.expense, "Revenue"),
            (self.equity, "Equity"),
        ];
        let Some((_, category)) = side.into_iter().find(|(holds, _)| *holds) else {
            return Placed::nowhere("no name of an account is near enough");
        };
        let reason = "its name says it by a single word";
        let second = match (category, self.noncurrent || self.long_term) {
            ("Assets", true) => Level::found("Non-Current Assets", 0.6, reason),
            ("Assets", false) => {
                Level::found("Current Assets", 0.4, "assets are current unless they say otherwise")
            }
            ("Liabilities", true) => Level::found("Non-Current Liabilities", 0.6, reason),
            ("Liabilities", false) => Level::found(
                "Current Liabilities",
                0.4,
                "liabilities are current unless they say otherwise",
            ),
            ("Expenses", _) => Level::found("Operating Expenses", 0.4, "most expenses are"),
            ("Revenue", _) => Level::found("Operating Revenue", 0.35, "most revenue is"),
            _ => Level::missing("no name of an account is near enough"),
        };
        let none = || Level::missing("no name of an account is near enough");
        Placed {
            levels: [Level::found(category, 0.6, reason), second, none(), none()],
            codes: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn accounts_are_placed_by_what_they_are_called() {
        for (text, second, last) in [
            ("1200 Accounts Receivable", "Current Assets", "Trade Receivables"),
            ("accts rec - trade", "Current Assets", "Trade Receivables"),
            ("Long-term bank loan", "Non-Current Liabilities", "Long-Term Loans"),
            ("Depreciation expense", "Operating Expenses", "Depreciation"),
            ("Accumulated depreciation", "Non-Current Assets", "Accumulated Depreciation"),
            ("Retianed Earnings", "Retained Earnings", "Retained Earnings"),
        ] {
            let placed = place(text);
            let found = [1, 3].map(|level| placed.levels[level].value.clone().unwrap_or_default());
            assert_eq!(found, [second, last], "{text}: {placed:?}");
        }
        assert!(!place("xyzzy").is_found());
        assert!(!place("1000").is_found());
    }
}
