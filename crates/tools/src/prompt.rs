//! A declared prompt: what is said to a model, with places for arguments.

use std::collections::HashMap;

use gantry_protocol::RpcError;
use serde_json::{Value, json};

use crate::template::Template;

/// The most bytes of one filled prompt: a template may name a long argument many times.
pub const LONGEST: usize = 16 * 1024 * 1024;

/// A prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// What clients ask for.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// For people and models.
    pub description: Option<String>,
    /// What its places are filled with.
    pub arguments: Vec<Argument>,
    /// What is said, in order.
    pub messages: Vec<Utterance>,
}

/// One argument of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// As in the places.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Whether the prompt is refused without it; else its places stay empty.
    pub required: bool,
}

/// One message of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Utterance {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub text: Template,
}

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The person.
    User,
    /// The model.
    Assistant,
}

impl Prompt {
    /// Returns its entry of `prompts/list`.
    pub(crate) fn definition(&self) -> Value {
        let mut definition = json!({ "name": self.name });
        set(&mut definition, "title", self.title.as_deref());
        set(&mut definition, "description", self.description.as_deref());
        if !self.arguments.is_empty() {
            definition["arguments"] = self.arguments.iter().map(Argument::definition).collect();
        }
        definition
    }

    /// Fills it; `arguments` is the member of that name of `prompts/get`.
    ///
    /// # Errors
    ///
    /// -32602: a required argument is missing, one is no text, or the result is too long.
    pub(crate) fn fill(&self, arguments: Option<&[u8]>) -> Result<Value, RpcError> {
        let sent = match arguments {
            Some(raw) => texts(raw, &self.name)?,
            None => HashMap::new(),
        };
        let missing = self
            .arguments
            .iter()
            .find(|argument| argument.required && !sent.contains_key(argument.name.as_str()));
        if let Some(Argument { name, .. }) = missing {
            let message = format!("the prompt `{}` needs the argument `{name}`", self.name);
            return Err(RpcError::invalid_params(message).with_data(json!({ "argument": name })));
        }
        let mut room = LONGEST;
        let mut messages = Vec::with_capacity(self.messages.len());
        for Utterance { role, text } in &self.messages {
            let filled = text.fill(|name| sent.get(name).map(String::as_str), room);
            let text = filled.map_err(|_| {
                let name = &self.name;
                let message = format!(
                    "the prompt `{name}` with these arguments is longer than {LONGEST} bytes"
                );
                RpcError::invalid_params(message)
            })?;
            room -= text.len();
            let role = role.word();
            messages.push(json!({ "role": role, "content": { "type": "text", "text": text } }));
        }
        let mut result = json!({ "messages": messages });
        set(&mut result, "description", self.description.as_deref());
        Ok(result)
    }
}

impl Argument {
    fn definition(&self) -> Value {
        let mut definition = json!({ "name": self.name });
        set(&mut definition, "description", self.description.as_deref());
        definition["required"] = self.required.into();
        definition
    }
}

impl Role {
    /// Returns what the protocol calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// Sets a member that may be absent.
pub(crate) fn set(object: &mut Value, member: &str, text: Option<&str>) {
    if let Some(text) = text {
        object[member] = text.into();
    }
}

/// Arguments of prompts are texts, in every revision.
fn texts(raw: &[u8], prompt: &str) -> Result<HashMap<String, String>, RpcError> {
    let refused =
        |what: String| RpcError::invalid_params(format!("{what} of the prompt `{prompt}`"));
    let Ok(Value::Object(members)) = serde_json::from_slice(raw) else {
        return Err(refused("`params.arguments` must be an object: the arguments".to_owned()));
    };
    members
        .into_iter()
        .map(|(name, value)| match value {
            Value::String(text) => Ok((name, text)),
            _ => Err(refused(format!("`params.arguments.{name}` must be a string: an argument"))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(text: &str) -> Prompt {
        Prompt {
            name: "p".to_owned(),
            title: None,
            description: None,
            arguments: vec![Argument { name: "x".to_owned(), description: None, required: false }],
            messages: vec![
                Utterance { role: Role::User, text: Template::parse(text) },
                Utterance { role: Role::Assistant, text: Template::parse(text) },
            ],
        }
    }

    #[test]
    fn all_messages_together_have_a_longest() {
        let long = json!({ "x": "y".repeat(LONGEST / 4) }).to_string();
        assert!(prompt("{{x}}{{x}}").fill(Some(long.as_bytes())).is_ok());
        let refused = prompt("{{x}}{{x}}.").fill(Some(long.as_bytes())).unwrap_err();
        assert!(refused.message.contains("is longer than 16777216 bytes"), "{refused}");
    }

    #[test]
    fn arguments_are_texts_in_an_object() {
        for (arguments, expected) in [
            ("[]", "`params.arguments` must be an object: the arguments of the prompt `p`"),
            (r#"{"x":[]}"#, "`params.arguments.x` must be a string: an argument of the prompt `p`"),
        ] {
            assert_eq!(prompt("a").fill(Some(arguments.as_bytes())).unwrap_err().message, expected);
        }
    }
}
