//! The page of a service for people, as Markdown: made from the same tables that clients are told
//! from.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::service::Service;
use crate::tool::{Effort, Tool};

/// Members within members within members are told of; what is deeper, as a whole.
const DEEPEST: usize = 3;

/// Writes the page.
pub fn page(service: &Service) -> String {
    let mut page = String::new();
    let Service { name, title, port, .. } = service;
    let (n_tools, n_extras) =
        (service.tools.len(), service.every_tool().count() - service.tools.len());
    let server = format!("mcp_{name}_server");
    // Writing to a string cannot fail.
    let _ = write!(
        page,
        "# {title}\n\n{description}\n\n| | |\n|---|---|\n| name | `{name}` |\n| endpoint | `/mcp/{name}` |\n\
         | port of its own listener | {port}; 100 more for each further gateway on a machine |\n\
         | what `/health` calls it | `{server}` |\n| tools | {n_tools} that clients count on, and {n_extras} more |\n\n\
         How it is run is told by [the guide](../guides/services.md). `cargo xtask gen` makes this page from the \
         program's own tables,\nand a test runs every example. An answer has at least what an example shows of it.\n",
        description = sentence(service.description),
    );
    section(&mut page, "Tools", service.tools.iter());
    section(&mut page, "Further tools", service.extras.iter().copied().flatten());
    resources(&mut page, service);
    prompts(&mut page, service);
    page
}

fn section<'a>(page: &mut String, heading: &str, tools: impl Iterator<Item = &'a Tool>) {
    let mut tools = tools.peekable();
    if tools.peek().is_none() {
        return;
    }
    let _ = writeln!(page, "\n## {heading}");
    tools.for_each(|tool| one(page, tool));
}

fn one(page: &mut String, tool: &Tool) {
    let _ =
        write!(page, "\n### `{}`\n\n{}. {}\n", tool.name, tool.title, sentence(tool.description));
    let _ = writeln!(page, "\n{}", nature(tool));
    fields(page, "argument", &(tool.input_schema)());
    fields(page, "answer", &(tool.output_schema)());
    for example in tool.examples {
        let _ = write!(
            page,
            "\n{}:\n\n```json\n{}\n```\n\n```json\n{}\n```\n",
            example.title,
            pretty(example.arguments),
            pretty(example.answer)
        );
    }
}

/// What a client may presume, in words.
fn nature(tool: &Tool) -> String {
    let annotations = tool.annotations;
    let mut words =
        vec![if annotations.read_only { "Changes nothing" } else { "Changes what is kept" }];
    if annotations.destructive {
        words.push("may take something away");
    }
    if annotations.open_world {
        words.push("reaches beyond the gateway");
    }
    words.push(match tool.effort {
        Effort::Light => "is done within 100 µs for arguments of a few kilobytes",
        Effort::Heavy => "computes beside the threads that carry requests",
        Effort::Waits => "may wait for others",
        Effort::Embeds => "asks the model that makes vectors of texts, where there is one",
    });
    let mut text = words.join(", ");
    if let Some(alias) = tool.alias {
        let _ = write!(text, ". Also called as `{alias}`, which no list has");
    }
    text.push('.');
    text
}

/// One row for each member of an object, and of those within it.
fn fields(page: &mut String, heading: &str, schema: &Value) {
    let mut rows = Vec::new();
    collect(&mut rows, "", schema, 0);
    if rows.is_empty() {
        return;
    }
    let _ = write!(page, "\n| {heading} | type | meaning |\n|---|---|---|\n");
    for [name, kind, meaning] in rows {
        let _ = writeln!(page, "| `{name}` | {kind} | {meaning} |");
    }
}

fn collect(rows: &mut Vec<[String; 3]>, prefix: &str, schema: &Value, depth: usize) {
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema["properties"].as_object().into_iter().flatten();
    for (name, property) in properties {
        let path = format!("{prefix}{name}");
        let kind = escaped(&kind(property));
        rows.push([path.clone(), kind, escaped(&meaning(property, required.contains(&&**name)))]);
        if depth + 1 < DEEPEST {
            let (inner, mark) = inner(property);
            collect(rows, &format!("{path}{mark}."), inner, depth + 1);
        }
    }
}

/// Returns what has members of its own: the value, or each of a list.
fn inner(schema: &Value) -> (&Value, &'static str) {
    let schema = without_null(schema);
    if schema["items"].is_object() {
        return (without_null(&schema["items"]), "[]");
    }
    match &schema["additionalProperties"] {
        Value::Object(each) if each.contains_key("properties") => {
            (&schema["additionalProperties"], ".*")
        }
        _ => (schema, ""),
    }
}

/// Returns the schema of what is not `null`.
fn without_null(schema: &Value) -> &Value {
    let one_of = schema["anyOf"].as_array();
    let others = one_of.map(|all| all.iter().filter(|one| one["type"] != "null"));
    match others.map(|mut others| (others.next(), others.next())) {
        Some((Some(only), None)) => only,
        _ => schema,
    }
}

/// Returns the type in words.
fn kind(schema: &Value) -> String {
    let schema = without_null(schema);
    if let Some(choices) = choices(schema) {
        return choices.join(", ");
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => {
            several.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect()
        }
        _ => Vec::new(),
    };
    match types[..] {
        ["array"] => format!("list of {}", kind(&schema["items"])),
        ["object"] if schema["additionalProperties"].is_object() => {
            format!("object of {}", kind(&schema["additionalProperties"]))
        }
        [] => "anything".to_owned(),
        _ => types.join(" or "),
    }
}

/// Returns the words that a text must be one of.
fn choices(schema: &Value) -> Option<Vec<String>> {
    let quoted = |value: &Value| format!("`{}`", value.as_str().unwrap_or_default());
    if let Some(choices) = schema["enum"].as_array() {
        return Some(choices.iter().map(quoted).collect());
    }
    let all = schema["oneOf"].as_array()?;
    all.iter().map(|one| one.get("const").map(quoted)).collect()
}

fn meaning(schema: &Value, is_required: bool) -> String {
    let own = schema["description"].as_str();
    let described = own.or_else(|| without_null(schema)["description"].as_str());
    let mut text = described.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    match schema.get("default") {
        Some(default) if !default.is_null() => {
            let _ = write!(text, " Default: `{default}`.");
        }
        _ if is_required => {}
        _ => text.push_str(" Optional."),
    }
    text.trim().to_owned()
}

fn resources(page: &mut String, service: &Service) {
    if service.resources.is_empty() {
        return;
    }
    page.push_str("\n## Resources\n\n| address | what it tells |\n|---|---|\n");
    for resource in service.resources {
        let told = escaped(&sentence(resource.description));
        let _ = writeln!(page, "| `{}` | {told} |", resource.uri);
    }
}

fn prompts(page: &mut String, service: &Service) {
    if service.prompts.is_empty() {
        return;
    }
    page.push_str("\n## Prompts\n");
    for prompt in service.prompts {
        let _ = write!(page, "\n### `{}`\n\n{}\n", prompt.name, sentence(prompt.description));
        if !prompt.arguments.is_empty() {
            page.push_str("\n| argument | meaning |\n|---|---|\n");
        }
        for argument in prompt.arguments {
            let optional = if argument.required { "" } else { " Optional." };
            let told = escaped(&sentence(argument.description));
            let _ = writeln!(page, "| `{}` | {told}{optional} |", argument.name);
        }
    }
}

/// Writes JSON as people read it: short lists of plain values on one line.
fn pretty(json: &str) -> String {
    let Ok(value) = serde_json::from_str::<Value>(json) else { return json.to_owned() };
    let mut text = String::new();
    write_value(&mut text, &value, 0);
    text
}

/// The width of a line.
const WIDTH: usize = 100;

fn write_value(text: &mut String, value: &Value, indent: usize) {
    let flat = flat(value);
    if flat.chars().count() + indent <= WIDTH {
        text.push_str(&flat);
        return;
    }
    match value {
        Value::Array(elements) => {
            let elements = elements.iter().map(|element| (String::new(), element));
            write_members(text, ('[', ']'), elements, indent);
        }
        Value::Object(members) => {
            let members = members.iter().map(|(key, value)| (format!("{}: ", quoted(key)), value));
            write_members(text, ('{', '}'), members, indent);
        }
        _ => text.push_str(&flat),
    }
}

fn write_members<'a>(
    text: &mut String,
    (open, close): (char, char),
    members: impl ExactSizeIterator<Item = (String, &'a Value)>,
    indent: usize,
) {
    text.push(open);
    let last = members.len().saturating_sub(1);
    for (at, (key, value)) in members.enumerate() {
        let _ = write!(text, "\n{:width$}{key}", "", width = indent + 2);
        write_value(text, value, indent + 2);
        if at < last {
            text.push(',');
        }
    }
    let _ = write!(text, "\n{:indent$}{close}", "");
}

fn flat(value: &Value) -> String {
    match value {
        Value::Array(elements) => {
            format!("[{}]", elements.iter().map(flat).collect::<Vec<_>>().join(", "))
        }
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => format!("{{ {} }}", flat_members(members)),
        other => other.to_string(),
    }
}

fn flat_members(members: &Map<String, Value>) -> String {
    let member = |(key, value): (&String, &Value)| format!("{}: {}", quoted(key), flat(value));
    members.iter().map(member).collect::<Vec<_>>().join(", ")
}

fn quoted(key: &str) -> String {
    Value::from(key).to_string()
}

fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.ends_with(['.', '?', '!']) { text.to_owned() } else { format!("{text}.") }
}

/// Keeps a text in its cell.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows(schema: &Value) -> Vec<String> {
        let mut rows = Vec::new();
        collect(&mut rows, "", schema, 0);
        rows.iter().map(|row| row.join(" ~ ")).collect()
    }

    #[test]
    fn members_are_told_of_with_their_paths() {
        let schema = json!({
            "type": "object",
            "required": ["rows"],
            "properties": {
                "rows": { "type": "array", "description": "What\nis given.", "items": {
                    "type": "object", "required": ["id"], "properties": {
                        "id": { "type": "string" },
                        "kind": { "anyOf": [{ "enum": ["a", "b|c"] }, { "type": "null" }] },
                    },
                } },
                "most": { "type": ["integer", "null"], "default": 5, "description": "How many." },
                "any": true,
            },
        });
        assert_eq!(
            rows(&schema),
            [
                "rows ~ list of object ~ What is given.",
                "rows[].id ~ string ~ ",
                "rows[].kind ~ `a`, `b\\|c` ~ Optional.",
                "most ~ integer ~ How many. Default: `5`.",
                "any ~ anything ~ Optional.",
            ]
        );
    }

    #[test]
    fn examples_are_as_wide_as_a_line() {
        assert_eq!(pretty(r#"{"a":[1,2.5],"b":{}}"#), r#"{ "a": [1, 2.5], "b": {} }"#);
        let long = "x".repeat(90);
        let text = pretty(&json!({ "a": long, "b": [1] }).to_string());
        assert_eq!(text, format!("{{\n  \"a\": \"{long}\",\n  \"b\": [1]\n}}"));
        assert_eq!(pretty("{"), "{");
    }

    #[test]
    fn every_service_has_a_page_with_all_that_it_offers() {
        for service in crate::catalogue::offered() {
            let page = page(service);
            for tool in service.every_tool() {
                let heading = format!("\n### `{}`\n", tool.name);
                assert_eq!(page.matches(&heading).count(), 1, "{heading}");
            }
            assert!(service.resources.iter().all(|resource| page.contains(resource.uri)));
            assert!(!page.contains("\n\n\n"), "{page}");
        }
    }
}
