//! Products, by the noun that names them.
//!
//! The longest names of the tables are looked for at every word. Where several stand in a row the last
//! is what the thing is (`dog food`, `steel chair`); behind the first row follow its attributes.
//! Materials, qualities, sizes and packs name nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use crate::data_standardization::hierarchy::{Level, Placed};
use crate::data_standardization::table::{GOODS, PRODUCTS, rows};
use crate::data_standardization::wordlists::{self, Kind as WordKind};
use crate::folding::{ascii_digits, capitalized, fold, singular, words};

/// The most words of a name.
const MAX_WORDS: usize = 4;

/// How names of goods end that are written as one word, and what they are.
const ENDINGS: [(&str, &str); 6] = [
    ("berry", "fruit"),
    ("fruit", "fruit"),
    ("melon", "fruit"),
    ("cherry", "fruit"),
    ("cress", "vegetable"),
    ("mint", "spice"),
];

#[derive(Debug)]
struct Products {
    leaves: Vec<[&'static str; 4]>,
    /// Names of the table, in the singular.
    curated: HashMap<String, usize>,
    /// Names of the word net: the line they belong to, and how the thing is called.
    goods: HashMap<String, (usize, &'static str)>,
}

static PRODUCT: LazyLock<Products> = LazyLock::new(|| {
    let mut products =
        Products { leaves: Vec::new(), curated: HashMap::new(), goods: HashMap::new() };
    let mut lines: HashMap<&str, usize> = HashMap::new();
    for (row, leaf) in rows(PRODUCTS).zip(0..) {
        products.leaves.push([row.cell(0), row.cell(1), row.cell(2), row.cell(3)]);
        lines.entry(row.cell(2)).or_insert(leaf);
        for name in row.alternatives(4).chain([row.cell(3)]) {
            products.curated.entry(key(name)).or_insert(leaf);
        }
    }
    for row in rows(GOODS) {
        let Some(leaf) = lines.get(row.cell(1)) else { continue };
        let shown = if row.cell(2).is_empty() { row.cell(0) } else { row.cell(2) };
        products.goods.entry(key(row.cell(0))).or_insert((*leaf, shown));
    }
    products
});

fn key(name: &str) -> String {
    let folded = fold(name);
    let words: Vec<String> = words(&folded).into_iter().map(singular).collect();
    words.join(" ")
}

/// A name found in a text.
#[derive(Debug, Clone)]
struct Hit {
    start: usize,
    end: usize,
    leaf: usize,
    /// What the thing is called, if the table's own last level is wider.
    specific: Option<String>,
    confidence: f64,
    name: String,
    /// Whether the table has it, not only the word net.
    is_curated: bool,
}

/// Returns the place of a product.
pub(super) fn place(text: &str) -> Placed {
    let folded = fold(&ascii_digits(text));
    let words: Vec<String> = words(&folded)
        .into_iter()
        .map(|word| {
            singular(
                wordlists::standard(WordKind::Abbreviation, word)
                    .filter(|_| is_of_goods(word))
                    .unwrap_or(word),
            )
        })
        .collect();
    let hits = hits(&words);
    let Some(hit) = choose(&hits, &words) else {
        return Placed::nowhere("no name of a product was recognised");
    };
    let leaf = PRODUCT.leaves[hit.leaf];
    let reason = format!("`{}` names it", hit.name);
    let specific = hit.specific.clone().unwrap_or_else(|| leaf[3].to_owned());
    let last = Level::found(specific, hit.confidence * 0.95, reason.clone());
    let level = |n: usize| Level::found(leaf[n], hit.confidence, reason.clone());
    Placed { levels: [level(0), level(1), level(2), last], codes: BTreeMap::new() }
}

/// Abbreviations of ledgers mean something else among products: `lab`, `res`.
fn is_of_goods(word: &str) -> bool {
    matches!(
        word,
        "chkn"
            | "chk"
            | "brst"
            | "kybd"
            | "kbd"
            | "jkt"
            | "jckt"
            | "choc"
            | "choco"
            | "ntbk"
            | "nbk"
            | "tabs"
            | "tab"
    )
}

/// Finds the longest names, from left to right.
fn hits(words: &[String]) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let found = (1..=MAX_WORDS.min(words.len() - at))
            .rev()
            .find_map(|length| hit(words, at, at + length));
        match found {
            Some(hit) => {
                at = hit.end;
                hits.push(hit);
            }
            None => at += 1,
        }
    }
    hits
}

fn hit(words: &[String], start: usize, end: usize) -> Option<Hit> {
    let slice = words.get(start..end)?;
    let name = slice.join(" ");
    let is_single = slice.len() == 1;
    // A quality alone names nothing, though the word net has a thing of that name.
    if is_single
        && (is_modifier(&name)
            || name.chars().count() < 2
            || name.chars().all(|character| character.is_ascii_digit()))
    {
        return None;
    }
    if let Some(leaf) = PRODUCT.curated.get(&name) {
        let specific = PRODUCT.goods.get(&name).filter(|(own, _)| {
            PRODUCT.leaves[*own][2] == PRODUCT.leaves[*leaf][2] && is_wide(*leaf)
        });
        let specific = specific.map(|(_, shown)| capitalized(shown));
        return Some(Hit {
            start,
            end,
            leaf: *leaf,
            specific,
            confidence: 0.95,
            name,
            is_curated: true,
        });
    }
    if let Some((leaf, shown)) = PRODUCT.goods.get(&name) {
        let confidence = if is_single { 0.85 } else { 0.92 };
        return Some(Hit {
            start,
            end,
            leaf: *leaf,
            specific: Some(capitalized(shown)),
            confidence,
            name,
            is_curated: false,
        });
    }
    // Berries have more names than any list, and so have others.
    let ending =
        ENDINGS.iter().find(|(ending, _)| is_single && name.len() > 6 && name.ends_with(ending));
    if let Some((_, of)) = ending {
        let leaf = *PRODUCT.curated.get(*of)?;
        return Some(Hit {
            start,
            end,
            leaf,
            specific: Some(capitalized(&name)),
            confidence: 0.75,
            name,
            is_curated: false,
        });
    }
    is_single.then(|| misspelt(&name)).flatten().map(|(leaf, near)| Hit {
        start,
        end,
        leaf,
        specific: None,
        confidence: 0.7,
        name: near.to_owned(),
        is_curated: true,
    })
}

/// Leaves whose last level is only the name of the line.
fn is_wide(leaf: usize) -> bool {
    matches!(
        PRODUCT.leaves[leaf][3],
        "Fruit"
            | "Vegetables"
            | "Herbs"
            | "Meat"
            | "Fish"
            | "Seafood"
            | "Spice"
            | "Nuts"
            | "Grains"
            | "Spirits"
            | "Sauce"
            | "Candy"
    )
}

fn is_modifier(name: &str) -> bool {
    let pack = wordlists::standard(WordKind::Pack, name).is_some();
    pack || wordlists::standard(WordKind::Modifier, name).is_some()
}

fn misspelt(word: &str) -> Option<(usize, &'static str)> {
    if word.chars().count() < 6 || word.chars().any(|character| character.is_ascii_digit()) {
        return None;
    }
    let near = PRODUCT.curated.iter().filter(|(name, _)| {
        name.chars().next() == word.chars().next()
            && name.len().abs_diff(word.len()) < 2
            && strsim::osa_distance(name, word) == 1
    });
    near.min_by_key(|(name, _)| name.as_str()).map(|(name, leaf)| (*leaf, name.as_str()))
}

/// Chooses the name that says what the thing is.
///
/// Names of the table say more than those of the word net, and several words more than one.
fn choose<'a>(hits: &'a [Hit], words: &[String]) -> Option<&'a Hit> {
    let weight = |hit: &Hit| match (hit.is_curated, hit.end - hit.start) {
        (true, 2..) => 3,
        (true, _) => 2,
        (false, 2..) => 1,
        (false, _) => 0,
    };
    let begin = hits.iter().position(|hit| hit.is_curated).unwrap_or(0);
    let first = hits.get(begin)?;
    // What stands in one row, with nothing between.
    let mut best = first;
    let mut end = first.end;
    for hit in hits.iter().skip(begin + 1) {
        if !words.get(end..hit.start)?.is_empty() {
            break;
        }
        end = hit.end;
        if weight(hit) >= weight(best) {
            best = hit;
        }
    }
    Some(best)
}

#[cfg(test)]
mod tests {
    use super::{PRODUCT, place};
    use crate::data_standardization::table::{GOODS, rows};

    #[test]
    fn products_are_placed_by_their_noun() {
        for (text, second, last) in [
            ("Practical Steel Chair", "Furniture", "Chair"),
            ("BANANAS ORGANIC 1KG", "Produce", "Banana"),
            ("dry dog food 10 kg", "Pet Food", "Dog Food"),
            ("Extra virgin olive oil 750ml", "Pantry", "Olive Oil"),
            ("iPhone 12 Pro", "Telephones", "Smartphone"),
            ("headphnes", "Audio", "Headphones"),
            ("wintercress", "Produce", "Wintercress"),
        ] {
            let placed = place(text);
            let found = [1, 3].map(|level| placed.levels[level].value.clone().unwrap_or_default());
            assert_eq!(found, [second, last], "{text}: {placed:?}");
        }
        assert!(!place("blue").is_found());
        assert!(!place("").is_found());
    }

    #[test]
    fn every_good_has_its_line() {
        let lines: Vec<&str> = PRODUCT.leaves.iter().map(|leaf| leaf[2]).collect();
        for row in rows(GOODS) {
            assert!(lines.contains(&row.cell(1)), "{}", row.cell(1));
        }
        let mut families: Vec<(&str, [&str; 2])> =
            PRODUCT.leaves.iter().map(|leaf| (leaf[2], [leaf[0], leaf[1]])).collect();
        families.sort_unstable();
        families.dedup();
        for pair in families.windows(2) {
            assert_ne!(pair[0].0, pair[1].0, "a line of two families");
        }
    }
}
