//! Makes the reference page of the configuration file from its JSON Schema.
//!
//! The words are the doc comments of [`raw`](super::raw); this module only arranges them.

use std::fmt::Write as _;

use serde_json::Value;

use super::{LIST_PAGE, shape, tree, units};

const PREFACE: &str = "\
# The configuration file

`gantry.yaml` is YAML. Every key may be left out, and unknown keys are refused. Texts may hold variables: `${VAR}` is
the environment variable, `${VAR:default}` has a value for when it is unset or empty, `${file:PATH}` is the text of a
file, looked up beside the configuration; `$${` stands for `${`. Durations are a whole number and `ms`, `s`, `m`, `h`
or `d`; sizes a whole number and `B`, `KB`, `MB`, `GB`, `KiB`, `MiB` or `GiB`.

`gantry check` tells what is wrong with a file, `gantry config show` what was understood, and
`gantry config schema` prints the JSON Schema for editors.
";

/// Returns the page as Markdown.
pub fn markdown() -> String {
    let mut page = PREFACE.to_owned();
    section(&mut page, "The top level", &shape::inlined_schema(), "");
    // Writing to a string cannot fail.
    let _ = write!(
        page,
        "\n## What no key sets\n\nA page of a list has at most {LIST_PAGE} entries. The file itself has at most \
         {} and {} levels.\n",
        units::format_size(tree::MAX_BYTES),
        tree::MAX_DEPTH
    );
    page
}

/// Writes the table of one object, and after it those of the objects inside.
fn section(page: &mut String, title: &str, schema: &Value, prefix: &str) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    // Writing to a string cannot fail.
    let _ = write!(page, "\n## {title}\n\n");
    if !prefix.is_empty() {
        let _ = write!(page, "{}\n\n", description(schema));
    }
    page.push_str("| key | value | default | meaning |\n|---|---|---|---|\n");
    for (key, property) in properties {
        let meaning = meaning(property);
        let _ = writeln!(
            page,
            "| `{key}` | {} | {} | {meaning} |",
            value_words(property),
            default_words(property)
        );
    }
    for (key, property) in properties {
        let path = format!("{prefix}{key}");
        let property = shape::without_null(property);
        if property.get("properties").is_some() {
            section(page, &format!("`{path}`"), property, &format!("{path}."));
        } else if let Some(inner) = property.get("additionalProperties") {
            section(page, &format!("`{path}.NAME`"), inner, &format!("{path}.NAME."));
        } else if let Some(inner) = property.get("items") {
            section(page, &format!("`{path}[]`"), inner, &format!("{path}[]."));
        }
    }
}

fn description(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// Returns the description, with what the words of a choice mean.
fn meaning(property: &Value) -> String {
    let mut text = description(property);
    let schema = shape::without_null(property);
    for option in schema.get("oneOf").and_then(Value::as_array).into_iter().flatten() {
        if let Some(word) = option.get("const").and_then(Value::as_str) {
            let _ = write!(text, "<br>`{word}`: {}", description(option));
        }
    }
    text
}

fn value_words(property: &Value) -> String {
    let schema = shape::without_null(property);
    let choices = shape::choices(schema);
    if !choices.is_empty() {
        let words: Vec<_> = choices.iter().map(|choice| format!("`{choice}`")).collect();
        return words.join(", ");
    }
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
        return match pattern {
            pattern if pattern.contains("ms") => "duration",
            pattern if pattern.contains("KMG") => "size",
            _ => "number from 0 to 1",
        }
        .to_owned();
    }
    match shape::kind(schema) {
        shape::Kind::Object if schema.get("properties").is_some() => "see below".to_owned(),
        shape::Kind::Object => {
            let inner = schema.get("additionalProperties").unwrap_or(&Value::Null);
            format!("mapping of names to {}", plural(inner))
        }
        shape::Kind::Array => {
            format!("list of {}", plural(schema.get("items").unwrap_or(&Value::Null)))
        }
        shape::Kind::Text => "text".to_owned(),
        shape::Kind::Boolean => "`true`, `false`".to_owned(),
        shape::Kind::Integer => {
            let bound = |name| schema.get(name).and_then(Value::as_u64).unwrap_or_default();
            format!("{} to {}", bound("minimum"), bound("maximum"))
        }
    }
}

fn plural(schema: &Value) -> &'static str {
    match shape::kind(schema) {
        shape::Kind::Object => "entries, see below",
        shape::Kind::Array => "lists",
        shape::Kind::Text => "texts",
        shape::Kind::Boolean | shape::Kind::Integer => "values",
    }
}

fn default_words(property: &Value) -> String {
    match property.get("default") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => format!("`{text}`"),
        Some(value) => format!("`{value}`"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::shape;

    /// Visits every property with its path.
    fn walk(schema: &Value, path: &str, visit: &mut dyn FnMut(&str, &Value)) {
        let schema = shape::without_null(schema);
        for (key, property) in
            schema.get("properties").and_then(Value::as_object).into_iter().flatten()
        {
            let path = format!("{path}.{key}");
            visit(&path, property);
            walk(property, &path, visit);
        }
        for inner in ["additionalProperties", "items"] {
            if let Some(inner) = schema.get(inner) {
                walk(inner, path, visit);
            }
        }
    }

    #[test]
    fn every_key_says_what_it_means_and_since_when() {
        let mut n_keys = 0;
        walk(&shape::inlined_schema(), "", &mut |path, property| {
            let description = property.get("description").and_then(Value::as_str);
            assert!(description.is_some_and(|text| text.contains("Since 0.")), "{path}");
            n_keys += 1;
        });
        assert!(n_keys > 40, "only {n_keys} keys were seen");
    }

    #[test]
    fn every_key_with_a_default_shows_it() {
        let page = super::markdown();
        assert!(page.contains("| `listen` | text | `127.0.0.1:8080` |"), "{page}");
        assert!(page.contains("| `timeout` | duration | `60s` |"), "{page}");
        assert!(page.contains("## `servers.NAME.tools`"), "{page}");
    }
}
