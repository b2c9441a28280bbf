//! Where a text says that something is: city, part of the country, country, continent.

use super::{City, Country, Subdivision, by_code, cities, country, subdivision, subdivisions};
use crate::folding::{capitalized, fold, words};

/// A part of a location with how sure it is and why.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::data_standardization) struct Part<T> {
    pub(in crate::data_standardization) value: T,
    pub(in crate::data_standardization) confidence: f64,
    pub(in crate::data_standardization) reason: String,
}

/// What a text says of a place.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::data_standardization) struct Location {
    pub(in crate::data_standardization) country: Option<Part<Country>>,
    pub(in crate::data_standardization) state: Option<Part<(String, Option<&'static str>)>>,
    pub(in crate::data_standardization) city: Option<Part<String>>,
}

/// Reads a location; `hint` is the country to prefer where a name is in several.
pub(in crate::data_standardization) fn locate(text: &str, hint: Option<&str>) -> Location {
    let mut parts: Vec<String> = text
        .split([',', ';', '/', '(', ')', '|', '\n'])
        .flat_map(|part| part.split(" - "))
        .map(|part| part.trim().to_owned())
        .filter(|part| !fold(part).is_empty())
        .collect();
    if let [only] = parts.as_slice() {
        parts = split_words(only);
    }
    let mut location = Location::default();
    take_country(&mut parts, &mut location);
    split_state(&mut parts, &location);
    let known = location.country.as_ref().map(|found| found.value.alpha2);
    take_state(&mut parts, &mut location, known.or(hint));
    let known = location.country.as_ref().map(|found| found.value.alpha2);
    take_city(&parts, &mut location, known, hint);
    location
}

/// Splits a text without commas where a country or a part of one ends it: `Lyon France`.
fn split_words(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let whole = fold(text);
    if words.len() < 2
        || country(text).is_some_and(|found| found.confidence > 0.9)
        || !cities(&whole).0.is_empty()
    {
        return vec![text.to_owned()];
    }
    for at in 1..words.len() {
        let (before, after) = words.split_at(at);
        let (before, after) = (before.join(" "), after.join(" "));
        let is_country = country(&after).is_some_and(|found| found.confidence > 0.8);
        let is_state = after.len() > 1 && !subdivisions(&fold(&after)).is_empty();
        if is_country || is_state && !cities(&fold(&before)).0.is_empty() {
            return vec![before, after];
        }
    }
    vec![text.to_owned()]
}

/// Splits `Toronto ON` once the country is known.
fn split_state(parts: &mut Vec<String>, location: &Location) {
    let (Some(found), [only]) = (&location.country, parts.as_slice()) else { return };
    let words: Vec<&str> = only.split_whitespace().collect();
    if !cities(&fold(only)).0.is_empty() {
        return;
    }
    for at in 1..words.len() {
        let after = words[at..].join(" ");
        let is_code = after.chars().count() <= 3 && at + 1 == words.len();
        let is_known = is_code || !cities(&fold(&words[..at].join(" "))).0.is_empty();
        if is_known && subdivision(found.value.alpha2, &after).is_some() {
            *parts = vec![words[..at].join(" "), after];
            return;
        }
    }
}

/// Takes the part that names the country: the last one that does, or the first.
fn take_country(parts: &mut Vec<String>, location: &mut Location) {
    let n_parts = parts.len();
    let order = (0..n_parts).rev();
    for at in order {
        let Some(found) = country(&parts[at]) else { continue };
        let folded = fold(&parts[at]);
        // `CA` behind a city of the United States is California; `Georgia` alone is a country.
        let is_part = n_parts > 1 && folded.len() <= 3 && names_state_of_city(parts, at, &folded);
        // `Mexico` in `Mexico, Mexico`, `Singapore`, `Luxembourg`: a city too, if nothing else is left.
        if is_part || found.confidence < 0.9 && !cities(&folded).0.is_empty() {
            continue;
        }
        let reason = found.reason;
        location.country =
            Some(Part { value: found.country, confidence: found.confidence, reason });
        if n_parts > 1 || cities(&folded).0.iter().all(|city| city.country != found.country.alpha2)
        {
            parts.remove(at);
        }
        return;
    }
}

/// Tells whether a code is a part of a country that has the city named beside it.
fn names_state_of_city(parts: &[String], at: usize, folded: &str) -> bool {
    let states = subdivisions(folded);
    parts.iter().enumerate().filter(|(other, _)| *other != at).any(|(_, part)| {
        cities(&fold(part)).0.iter().any(|city| {
            let is_american = |state: &Subdivision| {
                city.country == "US" && state.code.starts_with("US-") && is_state_code(folded)
            };
            states.iter().any(|state| is_in(city, state) || is_american(state))
        })
    })
}

fn is_state_code(folded: &str) -> bool {
    folded.len() == 2
}

fn is_in(city: &City, state: &Subdivision) -> bool {
    state.code.split('-').next() == Some(city.country) && (fold(city.province) == fold(state.name))
}

/// Takes the part that names a state, province, county.
fn take_state(parts: &mut Vec<String>, location: &mut Location, country_code: Option<&str>) {
    if parts.is_empty() {
        return;
    }
    let may_be_city = parts.len() == 1;
    for at in (0..parts.len()).rev() {
        let folded = fold(&parts[at]);
        let found = match country_code {
            Some(code) => subdivision(code, &parts[at]),
            None => single(&subdivisions(&folded), parts, at),
        };
        let Some(state) = found else { continue };
        // `New York` alone is the city.
        if may_be_city && !cities(&folded).0.is_empty() {
            return;
        }
        let code = state.code.split('-').next().unwrap_or_default();
        if location.country.is_none()
            && let Some(value) = by_code(code)
        {
            location.country = Some(Part {
                value,
                confidence: 0.9,
                reason: format!("`{}` is a part of it", state.name),
            });
        }
        let reason = format!("`{}` is its name or code", parts[at]);
        location.state = Some(Part {
            value: (state.name.to_owned(), Some(state.code)),
            confidence: 0.95,
            reason,
        });
        parts.remove(at);
        return;
    }
}

/// Chooses among parts of several countries: the one that has the city, else the only one, else
/// that of the United States, whose codes are written without the country most of all.
fn single(states: &[Subdivision], parts: &[String], at: usize) -> Option<Subdivision> {
    let beside: Vec<City> = parts
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != at)
        .flat_map(|(_, part)| cities(&fold(part)).0)
        .collect();
    let of_city = states.iter().find(|state| beside.iter().any(|city| is_in(city, state)));
    let own = of_city.or_else(|| {
        states.iter().find(|state| {
            let code = state.code.split('-').next();
            beside.iter().any(|city| Some(city.country) == code)
        })
    });
    own.or_else(|| states.iter().find(|state| state.code.starts_with("US-")))
        .or_else(|| states.first().filter(|_| states.len() == 1))
        .copied()
}

/// Takes what is left for the city.
fn take_city(
    parts: &[String],
    location: &mut Location,
    country_code: Option<&str>,
    hint: Option<&str>,
) {
    let state = location.state.as_ref().map(|state| state.value.0.clone());
    for part in parts {
        let folded = fold(part);
        let folded = folded.strip_prefix("city of ").unwrap_or(&folded);
        let (found, edits) = cities(folded);
        let fits = |city: &&City| country_code.is_none_or(|code| city.country == code);
        let in_state = found
            .iter()
            .filter(fits)
            .find(|city| state.as_ref().is_some_and(|state| fold(city.province) == fold(state)));
        let hinted = || found.iter().filter(fits).find(|city| Some(city.country) == hint);
        let Some(city) = in_state.or_else(hinted).or_else(|| found.iter().find(fits)) else {
            continue;
        };
        let n_rivals = found.iter().filter(fits).count();
        let sure: f64 = match (edits, n_rivals) {
            (0, 1) => 0.97,
            (0, _) if in_state.is_some() => 0.97,
            (0, _) => 0.85,
            _ => 0.75,
        };
        let reason = match (edits, n_rivals) {
            (0, 1) => format!("`{part}` is a city there"),
            (0, _) => format!("the largest of {n_rivals} cities named `{part}`"),
            _ => format!("nearest to `{part}`, with {edits} letters changed"),
        };
        location.city = Some(Part { value: city.name.to_owned(), confidence: sure, reason });
        if location.country.is_none()
            && let Some(value) = by_code(city.country)
        {
            location.country = Some(Part {
                value,
                confidence: sure * 0.95,
                reason: format!("{} is in it", city.name),
            });
        }
        if location.state.is_none() && !city.province.is_empty() {
            let code = subdivision(city.country, city.province).map(|state| state.code);
            location.state = Some(Part {
                value: (city.province.to_owned(), code),
                confidence: sure * 0.95,
                reason: format!("{} is in it", city.name),
            });
        }
        return;
    }
    // A place that no table has is kept as it is written.
    let kept = parts
        .iter()
        .find(|part| !words(&fold(part)).is_empty() && part.chars().any(char::is_alphabetic));
    if let Some(part) = kept.filter(|_| location.country.is_some()) {
        location.city = Some(Part {
            value: capitalized(&part.to_lowercase()),
            confidence: 0.5,
            reason: "kept as written; no table has it".to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::locate;

    #[test]
    fn places_are_found_however_they_are_written() {
        for (text, expected) in [
            ("Munich, BY, Germany", ("DE", "Bayern", "Munich")),
            ("MUENCHEN / DEUTSCHLAND", ("DE", "", "Muenchen")),
            ("San Francisco, CA", ("US", "California", "San Francisco")),
            ("Paris", ("FR", "Île-de-France", "Paris")),
            ("Paris, TX", ("US", "Texas", "Paris")),
            ("Toronto ON Canada", ("CA", "Ontario", "Toronto")),
            ("sao paulo - brasil", ("BR", "São Paulo", "Sao Paulo")),
            ("Киев", ("UA", "Kyiv", "Kyiv")),
            ("Japan", ("JP", "", "")),
            ("Smallville, Germany", ("DE", "", "Smallville")),
        ] {
            let found = locate(text, None);
            let country = found.country.map(|part| part.value.alpha2).unwrap_or_default();
            let state = found.state.map(|part| part.value.0).unwrap_or_default();
            let city = found.city.map(|part| part.value).unwrap_or_default();
            assert_eq!((country, state.as_str(), city.as_str()), expected, "{text}");
        }
        let nowhere = locate("somewhere", None);
        assert!(nowhere.country.is_none() && nowhere.city.is_none());
    }

    #[test]
    fn a_hint_decides_between_cities_of_one_name() {
        let found = locate("London", Some("CA")).country.unwrap();
        assert_eq!(found.value.alpha2, "CA");
        assert_eq!(locate("London", None).country.unwrap().value.alpha2, "GB");
    }
}
