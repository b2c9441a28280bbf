//! `gantry tools`: lists, describes and calls tools.

use serde_json::{Map, Value, json};

use crate::cli::{Call, Format, ToolsCommand};
use crate::failure::Failure;
use crate::place::Place;
use crate::{output, remote};

/// A description is cut here in a table; `describe` shows all of it.
const LONGEST_SUMMARY: usize = 80;

pub(crate) fn run(place: &Place, command: ToolsCommand) -> Result<(), Failure> {
    match command {
        ToolsCommand::List { server, format } => list(place, server.as_deref(), format),
        ToolsCommand::Describe { name, format } => describe(place, &name, format),
        ToolsCommand::Call(arguments) => call(place, arguments),
    }
}

fn list(place: &Place, server: Option<&str>, format: Format) -> Result<(), Failure> {
    let tools = remote::list_tools(place, server)?;
    if output::data(format, &json!(tools))? {
        return Ok(());
    }
    if tools.is_empty() {
        return output::line("There are no tools; `gantry servers list` shows why.");
    }
    let rows: Vec<_> = tools
        .into_iter()
        .map(|tool| vec![tool.name, tool.server, summary(tool.description.as_deref())])
        .collect();
    output::table(&["name", "server", "description"], &rows)
}

fn describe(place: &Place, name: &str, format: Format) -> Result<(), Failure> {
    let tool = remote::describe_tool(place, name)?;
    if output::data(format, &tool)? {
        return Ok(());
    }
    let text = |key: &str| tool.get(key).and_then(Value::as_str).unwrap_or_default();
    output::line(name)?;
    if !text("description").is_empty() {
        output::line(&format!("\n{}", text("description").trim_end()))?;
    }
    let rows = parameters(&tool["inputSchema"]);
    if rows.is_empty() {
        return output::line("\nIt takes no parameters.");
    }
    output::line("")?;
    output::table(&["parameter", "type", "required", "description"], &rows)
}

fn parameters(schema: &Value) -> Vec<Vec<String>> {
    let required: Vec<_> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema["properties"].as_object();
    let rows = properties.into_iter().flatten().map(|(name, property)| {
        let kind = match &property["type"] {
            Value::String(kind) => kind.clone(),
            Value::Null => String::new(),
            several => several.to_string(),
        };
        let is_required = if required.contains(&name.as_str()) { "yes" } else { "" };
        vec![name.clone(), kind, is_required.to_owned(), summary(property["description"].as_str())]
    });
    rows.collect()
}

fn call(place: &Place, arguments: Call) -> Result<(), Failure> {
    let values = match arguments.arguments {
        Some(values) => values,
        None => read_parameters(arguments.parameters)?,
    };
    let result = remote::call_tool(place, &arguments.name, values)?;
    if !output::data(arguments.format, &result)? {
        output::text(&readable(&result))?;
    }
    // The tool said itself what went wrong.
    if result["isError"] == json!(true) { Err(Failure::said()) } else { Ok(()) }
}

fn read_parameters(pairs: Vec<(String, String)>) -> Result<Map<String, Value>, Failure> {
    let mut values = Map::new();
    for (name, text) in pairs {
        let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        if values.insert(name.clone(), value).is_some() {
            return Err(Failure::usage(format!("the parameter `{name}` is given twice")));
        }
    }
    Ok(values)
}

/// Returns the texts of a result, and one line for everything that is not text.
fn readable(result: &Value) -> String {
    let content = result["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut text: String = content.iter().map(|item| part(item) + "\n").collect();
    if content.is_empty() && !result["structuredContent"].is_null() {
        text = format!("{:#}\n", result["structuredContent"]);
    }
    text
}

/// Returns one part of a result or message.
pub(super) fn part(item: &Value) -> String {
    match item["type"].as_str() {
        Some("text") => item["text"].as_str().unwrap_or_default().trim_end().to_owned(),
        Some(kind @ ("image" | "audio")) => {
            format!("[{kind}, {}]", item["mimeType"].as_str().unwrap_or("of unknown type"))
        }
        Some("resource_link") => format!("[resource {}]", item["uri"].as_str().unwrap_or_default()),
        Some("resource") => match item["resource"]["text"].as_str() {
            Some(text) => text.trim_end().to_owned(),
            None => format!("[resource {}]", item["resource"]["uri"].as_str().unwrap_or_default()),
        },
        _ => item.to_string(),
    }
}

/// Returns the first line of a description, cut.
pub(super) fn summary(description: Option<&str>) -> String {
    let line = description.unwrap_or_default().lines().next().unwrap_or_default();
    if line.chars().count() <= LONGEST_SUMMARY {
        return line.to_owned();
    }
    line.chars().take(LONGEST_SUMMARY - 3).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_json_where_they_can_be() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let pairs = vec![pair("n", "3"), pair("s", "three"), pair("l", "[1]"), pair("q", "\"3\"")];
        assert_eq!(
            Value::Object(read_parameters(pairs).unwrap()),
            json!({ "n": 3, "s": "three", "l": [1], "q": "3" })
        );
        assert!(read_parameters(vec![pair("a", "1"), pair("a", "2")]).is_err());
    }

    #[test]
    fn results_are_shown_as_text() {
        let result = json!({ "content": [
            { "type": "text", "text": "sunny\n" },
            { "type": "image", "mimeType": "image/png", "data": "" },
            { "type": "resource", "resource": { "uri": "a:b", "text": "inside" } },
        ] });
        assert_eq!(readable(&result), "sunny\n[image, image/png]\ninside\n");
        assert_eq!(
            readable(&json!({ "content": [], "structuredContent": { "a": 1 } })),
            "{\n  \"a\": 1\n}\n"
        );
    }

    #[test]
    fn parameters_of_a_schema_make_a_table() {
        let schema = json!({
            "properties": { "city": { "type": "string", "description": "Where\nexactly" }, "x": {} },
            "required": ["city"],
        });
        assert_eq!(
            parameters(&schema),
            [vec!["city", "string", "yes", "Where"], vec!["x", "", "", ""]]
        );
    }
}
