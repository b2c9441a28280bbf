//! Reading arguments, and the checks that many tools share.
//!
//! Arguments go from bytes into the tool's own type in one pass, since some are megabytes of
//! numbers. Only what cannot be read is read again, slowly, to find the place.

use serde::de::DeserializeOwned;
use serde_json::Deserializer;

use crate::error::ToolError;

/// The most bytes of one text.
pub const MAX_TEXT: usize = 1 << 20;

/// Reads the arguments; no bytes are an empty object.
pub fn parse<A: DeserializeOwned>(raw: &[u8]) -> Result<A, ToolError> {
    let raw = if raw.is_empty() { b"{}" } else { raw };
    // A struct would be read from an array as well, by the order of its fields.
    if raw.trim_ascii_start().first() != Some(&b'{') {
        return Err(ToolError::Unreadable { problem: "they do not begin with `{`".to_owned() });
    }
    serde_json::from_slice(raw).map_err(|error| explain::<A>(raw, &error))
}

/// Finds out where the mistake is.
fn explain<A: DeserializeOwned>(raw: &[u8], first: &serde_json::Error) -> ToolError {
    if !first.is_data() && !is_number_out_of_range(first) {
        return ToolError::Unreadable { problem: first.to_string() };
    }
    let mut reader = Deserializer::from_slice(raw);
    let Err(error) = serde_path_to_error::deserialize::<_, A>(&mut reader) else {
        // What stands behind the object is no matter of any field.
        return ToolError::Unreadable { problem: first.to_string() };
    };
    let path = error.path().to_string();
    let text = without_position(&error.inner().to_string());
    let (name, problem) = sentence(&text);
    // The name of a member that is a word of a fixed list has no place of its own.
    let path = match quoted(&text, "unknown variant `") {
        Some(word) => path.replace('?', word),
        None => path,
    };
    match (path.as_str(), name) {
        (".", None) => ToolError::Unreadable { problem },
        (".", Some(name)) => ToolError::argument(name, problem),
        (path, Some(name)) if path.rsplit('.').next() != Some(name) => {
            ToolError::argument(format!("{path}.{name}"), problem)
        }
        (path, _) => ToolError::argument(path, problem),
    }
}

/// `1e999` is no mistake of syntax to anybody who wrote it.
fn is_number_out_of_range(error: &serde_json::Error) -> bool {
    error.to_string().starts_with("number out of range")
}

/// Takes the line and column away: the arguments are one line to whoever sees this.
fn without_position(text: &str) -> String {
    text.rsplit_once(" at line ").map_or(text, |(text, _)| text).to_owned()
}

/// Says what serde says so that it is clear what to do, and which field it means, if it says so.
fn sentence(text: &str) -> (Option<&str>, String) {
    if let Some(name) = quoted(text, "missing field `") {
        return (Some(name), "is required and was not given".to_owned());
    }
    if let Some(name) = quoted(text, "unknown field `") {
        let known = text.split_once(", expected ").map_or("there are no others", |(_, rest)| rest);
        return (Some(name), format!("is not an argument here; use {known}"));
    }
    if let Some(name) = quoted(text, "duplicate field `") {
        return (Some(name), "is given twice; give it once".to_owned());
    }
    (None, text.to_owned())
}

fn quoted<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    text.strip_prefix(before)?.split('`').next()
}

/// Refuses a text that is too long.
pub fn text_within(field: &str, text: &str, most: usize) -> Result<(), ToolError> {
    if text.len() <= most {
        return Ok(());
    }
    let problem = format!("{} bytes; at most {most} are taken, so give a part of it", text.len());
    Err(ToolError::argument(field, problem))
}

/// Refuses a number that is outside of a range, both ends included.
pub fn number_within(
    field: &str,
    number: f64,
    range: std::ops::RangeInclusive<f64>,
) -> Result<(), ToolError> {
    if range.contains(&number) {
        return Ok(());
    }
    let problem = format!("is {number}; give a number from {} to {}", range.start(), range.end());
    Err(ToolError::argument(field, problem))
}

/// Refuses a result that no JSON number can hold.
pub fn finite(field: &str, what: &str, number: f64) -> Result<f64, ToolError> {
    if number.is_finite() {
        return Ok(number);
    }
    let problem = format!("{what} is beyond what a number can hold; scale the numbers down");
    Err(ToolError::argument(field, problem))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::parse;
    use crate::error::ToolError;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        #[serde(rename = "numbers")]
        _numbers: Vec<f64>,
        #[serde(default, rename = "parts")]
        _parts: Vec<Part>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Part {
        #[serde(rename = "id")]
        _id: String,
    }

    #[test]
    fn an_error_names_the_field_by_its_path() {
        let cases: [(&str, &str, &str); 9] = [
            ("{}", "numbers", "is required and was not given"),
            ("", "numbers", "is required and was not given"),
            (
                r#"{"numbers":[1,"two"]}"#,
                "numbers[1]",
                "invalid type: string \"two\", expected f64",
            ),
            (r#"{"numbers":[1,null]}"#, "numbers[1]", "invalid type: null, expected f64"),
            (r#"{"numbers":[1,1e999]}"#, "numbers[1]", "number out of range"),
            (
                r#"{"numbers":[],"parts":[{"id":"a"},{}]}"#,
                "parts[1].id",
                "is required and was not given",
            ),
            (
                r#"{"numbers":[],"parts":[{"id":1}]}"#,
                "parts[0].id",
                "invalid type: integer `1`, expected a string",
            ),
            (
                r#"{"numbers":[],"more":1}"#,
                "more",
                "is not an argument here; use `numbers` or `parts`",
            ),
            (r#"{"numbers":[],"numbers":[]}"#, "numbers", "is given twice; give it once"),
        ];
        for (raw, field, problem) in cases {
            let error = parse::<Arguments>(raw.as_bytes()).unwrap_err();
            assert_eq!(error, ToolError::argument(field, problem), "{raw}");
        }
    }

    #[test]
    fn what_is_no_object_is_said_to_be_none() {
        for raw in ["[1", "nonsense", "[]", "1", r#"{"numbers":[]} {}"#, r#"{"numbers":[NaN]}"#] {
            let error = parse::<Arguments>(raw.as_bytes()).unwrap_err();
            assert!(matches!(error, ToolError::Unreadable { .. }), "{raw}: {error:?}");
        }
    }
}
