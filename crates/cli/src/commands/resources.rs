//! `gantry resources`: lists and reads resources.

use serde_json::Value;

use super::tools::summary;
use crate::cli::ResourcesCommand;
use crate::failure::Failure;
use crate::place::Place;
use crate::{output, remote};

pub(crate) fn run(place: &Place, command: ResourcesCommand) -> Result<(), Failure> {
    match command {
        ResourcesCommand::List { server, format } => {
            let resources = remote::list(place, &remote::RESOURCES, server.as_deref())?;
            if output::data(format, &Value::Array(resources.clone()))? {
                return Ok(());
            }
            if resources.is_empty() {
                return output::line("There are no resources; `gantry servers list` shows why.");
            }
            table("uri", "uri", &resources)
        }
        ResourcesCommand::Templates { server, format } => {
            let templates = remote::list(place, &remote::TEMPLATES, server.as_deref())?;
            if output::data(format, &Value::Array(templates.clone()))? {
                return Ok(());
            }
            if templates.is_empty() {
                return output::line("There are no templates; `gantry servers list` shows why.");
            }
            table("template", "uriTemplate", &templates)
        }
        ResourcesCommand::Read { uri, server, format } => {
            let result = remote::read_resource(place, &uri, server.as_deref())?;
            if output::data(format, &result)? {
                return Ok(());
            }
            output::text(&readable(&result))
        }
    }
}

fn table(heading: &str, key: &str, entries: &[Value]) -> Result<(), Failure> {
    let row = |entry: &Value| {
        let text = |key: &str| entry[key].as_str().unwrap_or_default();
        let about =
            if text("description").is_empty() { text("title") } else { text("description") };
        vec![
            text(key).to_owned(),
            text("name").to_owned(),
            text("mimeType").to_owned(),
            summary(Some(about)),
        ]
    };
    let rows: Vec<_> = entries.iter().map(row).collect();
    output::table(&[heading, "name", "type", "description"], &rows)
}

/// Returns the texts that a resource holds, and one line for each part that is not text.
fn readable(result: &Value) -> String {
    let contents = result["contents"].as_array().map(Vec::as_slice).unwrap_or_default();
    let parts = contents.iter().map(|part| match part["text"].as_str() {
        Some(text) if text.ends_with('\n') => text.to_owned(),
        Some(text) => format!("{text}\n"),
        None => {
            let n_bytes = part["blob"].as_str().unwrap_or_default().trim_end_matches('=').len();
            let kind = part["mimeType"].as_str().unwrap_or("of unknown type");
            // Four characters of base64 are three bytes.
            format!("[{} bytes, {kind}]\n", n_bytes * 3 / 4)
        }
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_text_is_told_by_its_size() {
        let result = json!({ "contents": [
            { "uri": "a:b", "text": "one" },
            { "uri": "a:c", "mimeType": "image/png", "blob": "AAECAw==" },
            { "uri": "a:d", "text": "two\n" },
        ] });
        assert_eq!(readable(&result), "one\n[4 bytes, image/png]\ntwo\n");
    }
}
