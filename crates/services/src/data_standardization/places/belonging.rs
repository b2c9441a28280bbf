//! Which country a text is about: one that it names, or the one that what it names belongs to.

use super::{FoundCountry, PLACES, by_code, cities, country, fold, subdivisions, words};

/// Names of countries within longer texts have so many letters at least: `Oman` is part of many words.
const LEAST_LETTERS: usize = 5;
/// The most words of a country's name that is looked for within a text.
const MOST_WORDS: usize = 4;
/// From here on a name is as sure as a name can be.
const SURE: f64 = 0.9;

/// States that other territories of the table belong to: of the two the territory is meant.
const WITH_TERRITORIES: [&str; 10] = ["CN", "US", "GB", "FR", "NL", "DK", "NO", "AU", "NZ", "FI"];

/// Finds the country that a text names, or that a part or city belongs to that it names.
pub(in crate::data_standardization) fn country_of(text: &str) -> Option<FoundCountry> {
    let near = country(text);
    if near.as_ref().is_some_and(|found| found.confidence >= SURE) {
        return near;
    }
    of_parts(text).or_else(|| of_place(&fold(text))).or(near).or_else(|| within(&fold(text)))
}

/// Reads `China, Macao` and `Bonn (Germany)`.
fn of_parts(text: &str) -> Option<FoundCountry> {
    let parts = text.split([',', ';', '/', '(', ')']).filter(|part| !part.trim().is_empty());
    let mut found: Vec<FoundCountry> =
        parts.filter_map(country).filter(|found| found.confidence >= SURE).collect();
    found.dedup_by_key(|found| found.country.alpha2);
    if found.len() > 1 {
        found.retain(|found| !WITH_TERRITORIES.contains(&found.country.alpha2));
    }
    <[FoundCountry; 1]>::try_from(found)
        .ok()
        .map(|[found]| FoundCountry { confidence: 0.85, ..found })
}

/// Finds the country of a part of one, or of a city.
fn of_place(folded: &str) -> Option<FoundCountry> {
    if folded.chars().count() <= 3 {
        return None;
    }
    let parts = subdivisions(folded);
    let mut codes: Vec<&str> =
        parts.iter().filter_map(|part| part.code.split('-').next()).collect();
    codes.dedup();
    if let [code] = codes.as_slice() {
        let reason = format!("`{folded}` is a part of it");
        return Some(FoundCountry { country: by_code(code)?, confidence: 0.75, reason });
    }
    if let Some([entry]) = PLACES.lesser_parts.exact(folded) {
        let country = PLACES.countries.get(usize::try_from(*entry).ok()?).copied()?;
        let reason = format!("`{folded}` is a part of it");
        return Some(FoundCountry { country, confidence: 0.7, reason });
    }
    let (cities, edits) = cities(folded);
    let city = cities.first().filter(|_| edits == 0)?;
    let reason = format!("the largest city of the name `{}` is in it", city.name);
    Some(FoundCountry { country: by_code(city.country)?, confidence: 0.7, reason })
}

/// Finds the one country that is named among other words, by the longest name.
fn within(folded: &str) -> Option<FoundCountry> {
    let words = words(folded);
    for length in (1..=MOST_WORDS.min(words.len().saturating_sub(1))).rev() {
        let mut found: Vec<(u32, String)> = words
            .windows(length)
            .map(|window| window.join(" "))
            .filter(|name| name.chars().count() >= LEAST_LETTERS)
            .filter_map(|name| match PLACES.country_names.exact(&name)? {
                [entry] => Some((*entry, name)),
                _ => None,
            })
            .collect();
        found.dedup_by_key(|(entry, _)| *entry);
        if let [(entry, name)] = found.as_slice() {
            let country = PLACES.countries.get(usize::try_from(*entry).ok()?).copied()?;
            let reason = format!("`{name}` is its name, among other words");
            return Some(FoundCountry { country, confidence: 0.7, reason });
        }
        if !found.is_empty() {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::country_of;

    #[test]
    fn places_belong_to_their_country() {
        for (text, code) in [
            ("Germany", Some("DE")),
            ("Barcelona", Some("ES")),
            ("OFFALY", Some("IE")),
            ("Catalonia", Some("ES")),
            ("leicestershire", Some("GB")),
            ("NEW  MEXICO", Some("US")),
            ("China, Macao", Some("MO")),
            ("Hong Kong, China", Some("HK")),
            ("república bolivariana de venezuela", Some("VE")),
            ("Atlantis", None),
            ("", None),
        ] {
            let found = country_of(text).map(|found| found.country.alpha2);
            assert_eq!(found, code, "{text}");
        }
    }
}
