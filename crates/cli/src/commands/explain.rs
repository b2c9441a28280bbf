//! `gantry explain`: the page of an error code, or the list of all.

use gantry_core::{ErrorCode, for_each_error_code};
use serde_json::{Value, json};

use crate::cli::Format;
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(code: Option<&str>, format: Format) -> Result<(), Failure> {
    let Some(text) = code else { return list(format) };
    let code = ErrorCode::find(text).ok_or_else(|| {
        Failure::new(format!("there is no error `{text}`"))
            .with_hint("`gantry explain` lists all codes")
            .with_code(ErrorCode::UnknownCode)
    })?;
    if output::data(format, &row(code, Some(page(code))))? {
        return Ok(());
    }
    output::text(page(code))
}

/// A code for programs.
fn row(code: ErrorCode, page: Option<&str>) -> Value {
    let mut row = json!({
        "code": code.code(),
        "about": code.category().name(),
        "meaning": code.title(),
        "json_rpc": code.json_rpc(),
        "http": code.http(),
        "again": code.retryable(),
    });
    if let Some(page) = page {
        row["page"] = page.into();
    }
    row
}

fn list(format: Format) -> Result<(), Failure> {
    let all: Value = ErrorCode::ALL.iter().map(|code| row(*code, None)).collect();
    if output::data(format, &all)? {
        return Ok(());
    }
    let rows: Vec<_> = ErrorCode::ALL
        .iter()
        .map(|code| {
            vec![code.code().to_owned(), code.category().name().to_owned(), code.title().to_owned()]
        })
        .collect();
    output::table(&["code", "about", "meaning"], &rows)
}

macro_rules! pages {
    ($($variant:ident $code:literal $category:ident $json_rpc:tt $http:tt $retryable:literal $title:literal;)*) => {
        /// Returns the page of a code; a code without a page does not compile.
        fn page(code: ErrorCode) -> &'static str {
            match code {
                $(ErrorCode::$variant => include_str!(concat!(
                    env!("CARGO_MANIFEST_DIR"), "/../../docs/errors/", $code, ".md"
                )),)*
            }
        }
    };
}

for_each_error_code!(pages);

#[cfg(test)]
macro_rules! variants {
    ($($variant:ident $code:literal $category:ident $json_rpc:tt $http:tt $retryable:literal $title:literal;)*) => {
        /// How the code is written in the source, by what is printed.
        const VARIANTS: &[(&str, &str)] = &[$(($code, concat!("ErrorCode::", stringify!($variant))),)*];
    };
}

#[cfg(test)]
for_each_error_code!(variants);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_begins_with_its_code_and_says_what_to_do() {
        for code in ErrorCode::ALL {
            let page = page(*code);
            let title = format!("# {}: {}\n", code.code(), code.title());
            assert!(page.starts_with(&title), "{code} should begin with {title:?}");
            for heading in ["## Cause\n", "## What to do\n"] {
                assert!(page.contains(heading), "{code} has no {heading:?}");
            }
        }
    }

    /// Returns all that is written in the crates, but for the table itself and tests.
    fn sources(folder: &std::path::Path, text: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("tests") {
                sources(&path, text);
            } else if path.extension().is_some_and(|ending| ending == "rs")
                && !["error_code.rs", "tests.rs"].iter().any(|own| path.ends_with(own))
            {
                text.push_str(&std::fs::read_to_string(&path).unwrap());
            }
        }
    }

    #[test]
    fn every_code_is_used() {
        let mut text = String::new();
        sources(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")), &mut text);
        let words: std::collections::HashSet<&str> =
            text.split(|letter: char| !letter.is_alphanumeric() && letter != ':').collect();
        let idle: Vec<_> = VARIANTS
            .iter()
            .filter(|(_, name)| !words.iter().any(|word| word.ends_with(name)))
            .collect();
        assert!(idle.is_empty(), "nothing is ever refused with {idle:?}");
    }

    #[test]
    fn every_page_belongs_to_a_code() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors");
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            assert!(ErrorCode::find(&stem).is_some(), "{} explains no code", path.display());
        }
    }
}
