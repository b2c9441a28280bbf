//! One entry in a client's own configuration file: JSON, in which comments may stand. Everything
//! else in the file stays as it is, to the byte.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstRootNode};
use serde_json::{Map, Value};

/// Comments and commas at the end are what editors write; anything looser is a mistake.
const OPTIONS: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_loose_object_property_names: false,
    allow_trailing_commas: true,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};
/// What some editors begin a file with.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Why a file is left alone.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("it is not valid JSON: {0}")]
    Syntax(String),
    #[error("it holds no object")]
    NoObject,
    #[error("`{0}` in it is no object")]
    NoServers(String),
    #[error("the change would alter other parts of it")]
    Unproven,
}

/// Returns the text with the entry `name` below `key` set to a value, or taken out for `None`.
pub(super) fn edit(
    text: &str,
    key: &str,
    name: &str,
    entry: Option<&Value>,
) -> Result<String, Trouble> {
    let body = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let is_empty = body.trim().is_empty();
    let (root, old) = read(if is_empty { "{}\n" } else { body })?;
    if old.get(key).is_some_and(|servers| !servers.is_object()) {
        return Err(Trouble::NoServers(key.to_owned()));
    }
    let known = old.get(key).and_then(|servers| servers.get(name));
    if known == entry {
        return Ok(text.to_owned());
    }
    let object = root.object_value().ok_or(Trouble::NoObject)?;
    match entry {
        Some(entry) => {
            let servers = object
                .object_value_or_create(key)
                .ok_or_else(|| Trouble::NoServers(key.to_owned()))?;
            match servers.get(name) {
                Some(known) => known.set_value(input(entry)),
                None => drop(servers.append(name, input(entry))),
            }
        }
        None => {
            if let Some(known) = object.object_value(key).and_then(|servers| servers.get(name)) {
                known.remove();
            }
        }
    }
    let new = root.to_string();
    prove(&new, old, key, name, entry)?;
    let mark = if body.len() == text.len() { "" } else { "\u{feff}" };
    Ok(format!("{mark}{new}"))
}

/// Tells whether a text has an entry of this name.
pub(super) fn has(text: &str, key: &str, name: &str) -> bool {
    let body = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    read(body)
        .is_ok_and(|(_, members)| members.get(key).and_then(|servers| servers.get(name)).is_some())
}

fn read(text: &str) -> Result<(CstRootNode, Map<String, Value>), Trouble> {
    let root =
        CstRootNode::parse(text, &OPTIONS).map_err(|error| Trouble::Syntax(error.to_string()))?;
    match root.to_serde_value() {
        Some(Value::Object(members)) => Ok((root, members)),
        _ => Err(Trouble::NoObject),
    }
}

/// Refuses a text that does not hold what the old one held and the change.
fn prove(
    new: &str,
    mut expected: Map<String, Value>,
    key: &str,
    name: &str,
    entry: Option<&Value>,
) -> Result<(), Trouble> {
    let servers = expected.entry(key).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(servers) = servers {
        match entry {
            Some(entry) => drop(servers.insert(name.to_owned(), entry.clone())),
            None => drop(servers.shift_remove(name)),
        }
    }
    match read(new) {
        Ok((_, found)) if found == expected => Ok(()),
        _ => Err(Trouble::Unproven),
    }
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(truth) => CstInputValue::Bool(*truth),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(entries) => CstInputValue::Array(entries.iter().map(input).collect()),
        Value::Object(members) => CstInputValue::Object(
            members.iter().map(|(name, member)| (name.clone(), input(member))).collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn set(text: &str) -> String {
        edit(text, "servers", "gantry", Some(&json!({ "command": "g", "args": ["stdio"] })))
            .unwrap()
    }

    #[test]
    fn a_file_that_is_not_there_is_made() {
        insta::assert_snapshot!(set(""), @r#"
        {
          "servers": {
            "gantry": {
              "command": "g",
              "args": ["stdio"]
            }
          }
        }
        "#);
    }

    #[test]
    fn what_else_is_in_the_file_stays() {
        let text = "\u{feff}{\n    // mine\n    \"theme\": \"dark\", /* why not */\n    \"servers\": {\n        \"a\": {\"command\": \"a\"}, // first\n    },\n}\n";
        let new = set(text);
        insta::assert_snapshot!(new, @r#"
        ﻿{
            // mine
            "theme": "dark", /* why not */
            "servers": {
                "a": {"command": "a"}, // first
                "gantry": {
                    "command": "g",
                    "args": ["stdio"],
                },
            },
        }
        "#);
        assert_eq!(set(&new), new, "what is there already is not written again");
        let other = edit(&new, "servers", "gantry", Some(&json!({ "url": "http://x" }))).unwrap();
        insta::assert_snapshot!(other, @r#"
        ﻿{
            // mine
            "theme": "dark", /* why not */
            "servers": {
                "a": {"command": "a"}, // first
                "gantry": {
                    "url": "http://x",
                },
            },
        }
        "#);
        assert_eq!(edit(&other, "servers", "gantry", None).unwrap(), text);
        assert_eq!(edit(text, "servers", "gantry", None).unwrap(), text);
        assert!(has(&new, "servers", "gantry") && !has(text, "servers", "gantry"));
    }

    #[test]
    fn a_broken_file_is_left_alone() {
        for text in ["{", "[]", "{'a': 1}", "{\"a\": 1 \"b\": 2}", "{\"servers\": []}", "text"] {
            assert!(edit(text, "servers", "gantry", Some(&json!({}))).is_err(), "{text}");
        }
    }
}
