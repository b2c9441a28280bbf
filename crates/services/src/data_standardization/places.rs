//! Countries, their parts and their cities, by all that they are called.

use std::sync::LazyLock;

use super::table::{CITIES, COUNTRIES, LESSER_PARTS, NATIONALITIES, Names, SUBDIVISIONS, rows};
use super::wordlists::{Kind, standard};
use crate::folding::{fold, words};

mod belonging;
mod locate;
mod post_towns;
mod regions;
mod usual;

pub(super) use belonging::country_of;
pub(super) use locate::locate;
pub(super) use post_towns::is_post_town;

use regions::REGIONS;
use usual::USUAL;

/// A country (ISO 3166-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Country {
    pub(super) alpha2: &'static str,
    pub(super) alpha3: &'static str,
    pub(super) name: &'static str,
    /// The continent.
    pub(super) region: &'static str,
}

/// A part of a country (ISO 3166-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Subdivision {
    pub(super) code: &'static str,
    pub(super) name: &'static str,
}

/// A city.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct City {
    pub(super) name: &'static str,
    pub(super) province: &'static str,
    pub(super) country: &'static str,
    /// Thousands of people.
    pub(super) thousands: u32,
}

/// All places with their names.
#[derive(Debug)]
struct Places {
    countries: Vec<Country>,
    country_names: Names,
    /// What inhabitants are called.
    inhabitants: Names,
    /// Names without what many countries are called: republic, kingdom, of.
    bare_names: Names,
    /// Regions and counties that only tell their country.
    lesser_parts: Names,
    subdivisions: Vec<Subdivision>,
    subdivision_names: Names,
    cities: Vec<City>,
    city_names: Names,
}

static PLACES: LazyLock<Places> = LazyLock::new(|| {
    let mut places = Places {
        countries: Vec::new(),
        country_names: Names::default(),
        inhabitants: Names::default(),
        bare_names: Names::default(),
        lesser_parts: Names::default(),
        subdivisions: Vec::new(),
        subdivision_names: Names::default(),
        cities: Vec::new(),
        city_names: Names::default(),
    };
    for (row, entry) in rows(COUNTRIES).zip(0..) {
        places.countries.push(Country {
            alpha2: row.cell(0),
            alpha3: row.cell(1),
            name: row.cell(2),
            region: row.cell(3),
        });
        for name in [row.cell(0), row.cell(1)].into_iter().chain(row.alternatives(5)) {
            places.country_names.add(name, entry);
            // `Iran (Islamic Republic of)` and `Iran, Islamic Republic of` are Iran.
            let short = name.split(['(', ',']).next().unwrap_or(name);
            places.country_names.add(short, entry);
            if name.len() > 3 {
                let bare = bare(&fold(name));
                // The Falklands, the Northern Marianas.
                if let Some(group) = bare.strip_suffix(" islands").filter(|it| it.len() > 4) {
                    places.bare_names.add(&format!("{group}s"), entry);
                }
                places.bare_names.add(&bare, entry);
            }
        }
    }
    let entry_of = |countries: &[Country], code: &str| {
        let entry = countries.iter().position(|country| country.alpha2 == code)?;
        u32::try_from(entry).ok()
    };
    for (name, code) in USUAL {
        if let Some(entry) = entry_of(&places.countries, code) {
            places.country_names.add(name, entry);
        }
    }
    for (name, code) in REGIONS {
        if let Some(entry) = entry_of(&places.countries, code) {
            places.lesser_parts.add(name, entry);
        }
    }
    for row in rows(LESSER_PARTS) {
        let Some(entry) = entry_of(&places.countries, row.cell(0)) else { continue };
        for name in row.alternatives(1) {
            places.lesser_parts.add(name, entry);
        }
    }
    for row in rows(NATIONALITIES) {
        let Some(entry) = entry_of(&places.countries, row.cell(0)) else { continue };
        for name in row.alternatives(1) {
            places.inhabitants.add(name, entry);
        }
    }
    for (row, entry) in rows(SUBDIVISIONS).zip(0..) {
        places.subdivisions.push(Subdivision { code: row.cell(0), name: row.cell(1) });
        places.subdivision_names.add(row.cell(1), entry);
        if let Some((_, short)) = row.cell(0).split_once('-')
            && short.chars().all(|character| character.is_ascii_alphabetic())
        {
            places.subdivision_names.add(short, entry);
        }
    }
    for (row, entry) in rows(CITIES).zip(0..) {
        let thousands = row.cell(3).parse().unwrap_or(0);
        places.cities.push(City {
            name: row.cell(0),
            province: row.cell(1),
            country: row.cell(2),
            thousands,
        });
        for name in std::iter::once(row.cell(0)).chain(row.alternatives(4)) {
            places.city_names.add(name, entry);
        }
    }
    places
});

/// Takes away what many countries are called.
fn bare(folded: &str) -> String {
    let kept: Vec<&str> = words(folded)
        .into_iter()
        .filter(|word| standard(Kind::Filler, word).is_none())
        .map(|word| if word == "st" { "saint" } else { word })
        .collect();
    // `United States` has nothing else.
    if kept.is_empty() { folded.to_owned() } else { kept.join(" ") }
}

/// A country with how sure that is and why.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FoundCountry {
    pub(super) country: Country,
    pub(super) confidence: f64,
    pub(super) reason: String,
}

/// Finds a country by a name or a code.
pub(super) fn country(text: &str) -> Option<FoundCountry> {
    // Luxembourg, Luxembourg
    if let Some((first, second)) = text.split_once(',')
        && fold(first) == fold(second)
    {
        return country(first);
    }
    let folded = fold(text);
    let folded = folded.strip_prefix("the ").unwrap_or(&folded);
    let get = |entry: u32| PLACES.countries.get(usize::try_from(entry).ok()?).copied();
    let compact = folded.replace(' ', "");
    let is_abbreviation = compact.len() <= 4 && text.contains('.');
    for name in [folded, if is_abbreviation { &compact } else { folded }] {
        let exact = PLACES.country_names.exact(name).or_else(|| PLACES.inhabitants.exact(name));
        if let Some([entry]) = exact {
            let country = get(*entry)?;
            return Some(FoundCountry {
                country,
                confidence: 0.99,
                reason: format!("`{name}` is its name or code"),
            });
        }
    }
    let stripped = bare(folded);
    if let Some([entry]) =
        PLACES.bare_names.exact(&stripped).or_else(|| PLACES.country_names.exact(&stripped))
    {
        let country = get(*entry)?;
        return Some(FoundCountry {
            country,
            confidence: 0.9,
            reason: format!("`{stripped}` is left of its formal name"),
        });
    }
    let found = PLACES.country_names.find(folded).or_else(|| PLACES.bare_names.find(&stripped))?;
    let [entry] = found.entries.as_slice() else { return None };
    let confidence = if found.edits == 1 { 0.85 } else { 0.75 };
    let reason = format!("nearest to `{}`, with {} letters changed", found.name, found.edits);
    Some(FoundCountry { country: get(*entry)?, confidence, reason })
}

/// Tells whether a city of a country has a name.
pub(super) fn is_city(name: &str, country: &str) -> bool {
    let entries = PLACES.city_names.exact(&fold(name)).unwrap_or_default();
    let is_there = |entry: &u32| {
        let city = usize::try_from(*entry).ok().and_then(|entry| PLACES.cities.get(entry));
        city.is_some_and(|city| city.country == country)
    };
    entries.iter().any(is_there)
}

/// Returns a country by its code of two letters.
pub(super) fn by_code(code: &str) -> Option<Country> {
    PLACES.countries.iter().find(|country| country.alpha2 == code).copied()
}

/// Finds the parts of countries that have a name or code.
fn subdivisions(folded: &str) -> Vec<Subdivision> {
    let entries = PLACES.subdivision_names.exact(folded).unwrap_or_default();
    let get = |entry: &u32| PLACES.subdivisions.get(usize::try_from(*entry).ok()?).copied();
    entries.iter().filter_map(get).collect()
}

/// Finds a part of one country by its name or code, with a letter wrong at most.
pub(super) fn subdivision(country: &str, text: &str) -> Option<Subdivision> {
    let folded = fold(text);
    let is_own = |part: &Subdivision| part.code.split('-').next() == Some(country);
    let exact = subdivisions(&folded).into_iter().find(is_own);
    exact.or_else(|| {
        let found = PLACES.subdivision_names.find(&folded)?;
        subdivisions(&found.name).into_iter().find(is_own)
    })
}

/// Finds the cities of a name, the largest first, and how many letters had to be changed.
fn cities(folded: &str) -> (Vec<City>, usize) {
    let plain = folded.strip_suffix(" city").filter(|_| PLACES.city_names.exact(folded).is_none());
    let folded = plain.unwrap_or(folded);
    let Some(found) = PLACES.city_names.find(folded) else { return (Vec::new(), 0) };
    let get = |entry: &u32| PLACES.cities.get(usize::try_from(*entry).ok()?).copied();
    // Short names are too like each other: Hezhou and Huzhou.
    if found.edits > 0 && folded.chars().count() < 10 {
        return (Vec::new(), 0);
    }
    let mut cities: Vec<City> = found.entries.iter().filter_map(get).collect();
    cities.sort_by_key(|city| std::cmp::Reverse(city.thousands));
    (cities, found.edits)
}

#[cfg(test)]
mod tests {
    use super::{country, subdivision};

    #[test]
    fn countries_are_found_by_what_they_are_called() {
        for (text, code) in [
            ("Germany", "DE"),
            ("DEUTSCHLAND", "DE"),
            ("Federal Republic of Germany", "DE"),
            ("Allemagne", "DE"),
            ("Republic of Germany", "DE"),
            ("germnay", "DE"),
            ("U.S.A.", "US"),
            ("The United States", "US"),
            ("United Kingdom", "GB"),
            ("Côte d’Ivoire", "CI"),
            ("Iran, Islamic Republic of", "IR"),
            ("日本", "JP"),
            ("CHE", "CH"),
        ] {
            let found = country(text).map(|found| found.country.alpha2);
            assert_eq!(found, Some(code), "{text}");
        }
        for text in ["", "Atlantis", "Republic", "xx"] {
            assert_eq!(country(text), None, "{text}");
        }
    }

    #[test]
    fn parts_of_countries_are_found_within_their_country() {
        assert_eq!(subdivision("US", "CA").unwrap().name, "California");
        assert_eq!(subdivision("US", "californa").unwrap().code, "US-CA");
        assert_eq!(subdivision("DE", "Bayern").unwrap().code, "DE-BY");
        assert_eq!(subdivision("FR", "Bayern"), None);
    }
}
