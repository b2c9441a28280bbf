//! Which place in its hierarchy an item has.

use std::collections::BTreeMap;

use super::hierarchy::{Kind, Level, Placed};
use super::places;
use super::vocabulary::Vocabulary;
use crate::folding::capitalized;

mod account;
mod product;

/// Returns the place of an item: the vocabularies' first, then that of the tables.
pub(super) fn classify(
    kind: Kind,
    text: &str,
    hint: Option<&str>,
    vocabularies: &[&Vocabulary],
) -> Placed {
    let own = vocabularies.iter().find_map(|vocabulary| vocabulary.find(kind, text));
    own.unwrap_or_else(|| match kind {
        Kind::Account => account::place(text),
        Kind::Location => location(text, hint),
        Kind::Product => product::place(text),
    })
}

fn location(text: &str, hint: Option<&str>) -> Placed {
    let found = places::locate(text, hint);
    let Some(country) = found.country else {
        return Placed::nowhere("no country, part of a country or city was recognised");
    };
    let mut codes = BTreeMap::from([
        ("iso_3166_1_alpha2", country.value.alpha2.to_owned()),
        ("iso_3166_1_alpha3", country.value.alpha3.to_owned()),
    ]);
    let region = Level::found(
        country.value.region,
        country.confidence,
        format!("{} is in it", country.value.name),
    );
    let state = match found.state {
        Some(state) => {
            if let (_, Some(code)) = &state.value {
                codes.insert("iso_3166_2", (*code).to_owned());
            }
            Level::found(state.value.0, state.confidence, state.reason)
        }
        None => Level::missing("no part of the country is named, and no city says it"),
    };
    let city = match found.city {
        Some(city) => Level::found(capitalized(&city.value), city.confidence, city.reason),
        None => Level::missing("no city is named"),
    };
    let country = Level::found(country.value.name, country.confidence, country.reason);
    Placed { levels: [region, country, state, city], codes }
}
