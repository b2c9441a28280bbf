//! `gantry prompts`: lists and gets prompts.

use serde_json::{Map, Value};

use super::tools::{part, summary};
use crate::cli::PromptsCommand;
use crate::failure::Failure;
use crate::place::Place;
use crate::{output, remote};

pub(crate) fn run(place: &Place, command: PromptsCommand) -> Result<(), Failure> {
    match command {
        PromptsCommand::List { server, format } => {
            let prompts = remote::list(place, &remote::PROMPTS, server.as_deref())?;
            if output::data(format, &Value::Array(prompts.clone()))? {
                return Ok(());
            }
            if prompts.is_empty() {
                return output::line("There are no prompts; `gantry servers list` shows why.");
            }
            let rows: Vec<_> = prompts.iter().map(row).collect();
            output::table(&["name", "arguments", "description"], &rows)
        }
        PromptsCommand::Get { name, parameters, format } => {
            let result = remote::get_prompt(place, &name, values(parameters)?)?;
            if output::data(format, &result)? {
                return Ok(());
            }
            output::text(&readable(&result))
        }
    }
}

/// Optional arguments stand in brackets.
fn row(prompt: &Value) -> Vec<String> {
    let text = |key: &str| prompt[key].as_str().unwrap_or_default();
    let arguments = prompt["arguments"].as_array().map(Vec::as_slice).unwrap_or_default();
    let arguments = arguments.iter().map(|argument| {
        let name = argument["name"].as_str().unwrap_or_default();
        if argument["required"] == true { name.to_owned() } else { format!("[{name}]") }
    });
    vec![
        text("name").to_owned(),
        arguments.collect::<Vec<_>>().join(" "),
        summary(Some(text("description"))),
    ]
}

/// The arguments of a prompt are texts, whatever they look like.
fn values(pairs: Vec<(String, String)>) -> Result<Map<String, Value>, Failure> {
    let mut values = Map::new();
    for (name, text) in pairs {
        if values.insert(name.clone(), text.into()).is_some() {
            return Err(Failure::usage(format!("the parameter `{name}` is given twice")));
        }
    }
    Ok(values)
}

/// Returns the messages, each below the role that says it.
fn readable(result: &Value) -> String {
    let messages = result["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let texts = messages.iter().map(|message| {
        let role = message["role"].as_str().unwrap_or("somebody");
        format!("{role}:\n{}\n", part(&message["content"]))
    });
    texts.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn messages_stand_below_their_roles() {
        let result = json!({ "messages": [
            { "role": "user", "content": { "type": "text", "text": "What?" } },
            { "role": "assistant", "content": { "type": "image", "mimeType": "image/png" } },
        ] });
        assert_eq!(readable(&result), "user:\nWhat?\n\nassistant:\n[image, image/png]\n");
    }

    #[test]
    fn arguments_that_may_be_left_out_stand_in_brackets() {
        let prompt = json!({ "name": "p", "arguments": [
            { "name": "a", "required": true }, { "name": "b" },
        ] });
        assert_eq!(row(&prompt), ["p", "a [b]", ""]);
    }
}
