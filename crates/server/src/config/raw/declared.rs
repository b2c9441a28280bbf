//! `prompts` and `resources`: what the file declares itself, as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A prompt: one text, or a conversation.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Prompt {
    /// What people see instead of the name. Since 0.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What the prompt is for. Since 0.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What the user says; `{{NAME}}` is where an argument goes, and `\{{NAME}}` those characters
    /// themselves. Either this or `messages` is required. Since 0.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// What is said by whom, in order, where it is more than one text. Since 0.1.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Utterance>,
    /// The arguments. Every place of the texts names one of them. Since 0.1.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<Argument>,
}

/// One message of a prompt.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Utterance {
    /// Who says it. Since 0.1.
    pub role: Role,
    /// What is said, with places for arguments as in `template`. Since 0.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The person.
    #[default]
    User,
    /// The model.
    Assistant,
}

/// One argument of a prompt.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Argument {
    /// Its name, of letters, digits, `_`, `-` and `.`. Required. Since 0.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is for. Since 0.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Refuse the prompt without it; otherwise its places stay empty. Since 0.1.
    pub required: bool,
}

/// A text that clients can read as a resource.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Resource {
    /// Its short name; its URI when it is absent. Since 0.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What people see instead of the name. Since 0.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is. Since 0.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What kind of text it is: `text/markdown`. Since 0.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// The text; `${file:PATH}` takes it from a file. Required. Since 0.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}
