//! Writes JSON values as YAML that reads back the same: block style, two spaces, few quotes.

use std::fmt::Write as _;

use serde_json::Value;

const STEP: usize = 2;

/// Writes a whole document.
pub(crate) fn write(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(members) if !members.is_empty() => block(&mut out, value, 0, STEP),
        Value::Array(entries) if !entries.is_empty() => block(&mut out, value, 0, STEP),
        _ => {
            inline(&mut out, value);
            out.push('\n');
        }
    }
    out
}

/// Writes the lines of an object's members or an array's entries, each indented by `indent`.
pub(crate) fn block(out: &mut String, value: &Value, indent: usize, step: usize) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                pad(out, indent);
                out.push_str(&text(key));
                out.push(':');
                nested(out, member, indent + step, step);
            }
        }
        Value::Array(entries) => {
            for entry in entries {
                pad(out, indent);
                out.push('-');
                if matches!(entry, Value::Object(members) if !members.is_empty()) {
                    let mut lines = String::new();
                    block(&mut lines, entry, indent + STEP, step);
                    out.push(' ');
                    out.push_str(lines.trim_start());
                } else {
                    nested(out, entry, indent + STEP, step);
                }
            }
        }
        _ => {}
    }
}

/// Writes what follows a `:` or a `-`.
fn nested(out: &mut String, value: &Value, indent: usize, step: usize) {
    let is_block = match value {
        Value::Object(members) => !members.is_empty(),
        // A list of words fits on one line and reads better there.
        Value::Array(entries) => entries.iter().any(|entry| entry.is_object() || entry.is_array()),
        _ => false,
    };
    if is_block {
        out.push('\n');
        block(out, value, indent, step);
    } else {
        out.push(' ');
        inline(out, value);
        out.push('\n');
    }
}

fn inline(out: &mut String, value: &Value) {
    match value {
        Value::String(string) => out.push_str(&text(string)),
        Value::Array(entries) => {
            out.push('[');
            for (index, entry) in entries.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                inline(out, entry);
            }
            out.push(']');
        }
        Value::Object(_) => out.push_str("{}"),
        // Null, truth values and numbers are the same in both.
        other => out.push_str(&other.to_string()),
    }
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

/// Writes a string without quotes where no reader could take it for something else.
pub(crate) fn text(string: &str) -> String {
    if is_plain(string) { string.to_owned() } else { quoted(string) }
}

fn is_plain(string: &str) -> bool {
    let starts_with_letter = string.starts_with(|first: char| first.is_ascii_alphabetic());
    if string.starts_with(|first: char| first.is_ascii_digit()) {
        return is_amount(string);
    }
    if !starts_with_letter && !string.starts_with(['/', '_']) && !string.starts_with("./") {
        return false;
    }
    let is_word =
        |character: char| character.is_ascii_alphanumeric() || "_-./@+=~".contains(character);
    // A colon or blanks alone change nothing, but a colon before a blank makes a key.
    let is_address = string.chars().all(|character| is_word(character) || character == ':');
    let is_sentence = string.chars().all(|character| is_word(character) || character == ' ');
    // Readers of YAML 1.1 take these for truth values.
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    (is_address || is_sentence)
        && !string.ends_with([':', ' '])
        && !words.contains(&string.to_ascii_lowercase().as_str())
}

/// `10MiB` is a string; `1e5` and `0x1f` would be numbers.
fn is_amount(string: &str) -> bool {
    let unit = string.trim_start_matches(|character: char| character.is_ascii_digit());
    ["ms", "s", "m", "h", "d", "B", "KB", "MB", "GB", "KiB", "MiB", "GiB"].contains(&unit)
}

fn quoted(string: &str) -> String {
    let mut out = String::from('"');
    for character in string.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // What YAML cannot hold as it is, or an editor would not show.
            character
                if character.is_control()
                    || matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}')
                    || ('\u{fffe}'..='\u{ffff}').contains(&character) =>
            {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\U{:08X}", u32::from(character));
            }
            character => out.push(character),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::problem::Report;
    use super::super::tree::{self, Data, Node};
    use super::*;

    #[track_caller]
    fn check(string: &str, expected: &str) {
        assert_eq!(text(string), expected);
    }

    #[test]
    fn quotes_are_written_where_a_reader_could_be_misled() {
        check("npx", "npx");
        check("./run", "./run");
        check("10MiB", "10MiB");
        check("http://127.0.0.1:9000/mcp", "http://127.0.0.1:9000/mcp");
        check("The team's documents", "\"The team's documents\"");
        check("The documents", "The documents");
        for string in [
            "",
            "yes",
            "NULL",
            "1.5",
            "1e5",
            "0x1f",
            "-y",
            "@scope/name",
            "a: b",
            "a #b",
            "a:",
            "*",
            "~",
        ] {
            check(string, &format!("\"{string}\""));
        }
        check("a\u{0}\u{85}\n", "\"a\\U00000000\\U00000085\\n\"");
    }

    #[test]
    fn lists_of_mappings_are_compact() {
        let value =
            serde_json::json!({ "a": [{ "b": 1, "c": [{ "d": 2 }] }], "e": {}, "f": [[1], []] });
        assert_eq!(
            write(&value),
            "a:\n  - b: 1\n    c:\n      - d: 2\ne: {}\nf:\n  - [1]\n  - []\n"
        );
        let list = serde_json::json!([{ "a": 1, "b": "x" }, "z"]);
        assert_eq!(write(&list), "- a: 1\n  b: x\n- z\n");
        assert_eq!(write(&serde_json::json!([])), "[]\n");
    }

    /// Reads a tree back as JSON in which every scalar is a string.
    fn json(node: &Node) -> Value {
        match &node.data {
            Data::Scalar(scalar) => Value::String(scalar.text.clone()),
            Data::Sequence { entries } => entries.iter().map(json).collect(),
            Data::Mapping { entries, .. } => {
                entries.iter().map(|entry| (entry.key.clone(), json(&entry.value))).collect()
            }
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let string = prop_oneof![any::<String>(), "[ -~]{0,12}", "[a-z0-9:# .-]{0,6}"];
        string.prop_map(Value::String).prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::btree_map("[ -~]{0,8}", inner, 1..4).prop_map(|map| {
                    Value::Object(map.into_iter().filter(|(key, _)| key != "<<").collect())
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(value in any_value()) {
            let value = serde_json::json!({ "root": value });
            let text = write(&value);
            let mut report = Report::default();
            let node = tree::parse(&text, &mut report).unwrap().unwrap();
            prop_assert_eq!(json(&node), value, "{}", text);
            prop_assert!(report.is_empty());
        }
    }
}
