//! A declared resource: a text under a URI.

use serde_json::{Value, json};

use crate::prompt::set;

/// A resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// What clients read.
    pub uri: String,
    /// Its short name.
    pub name: String,
    /// For people.
    pub title: Option<String>,
    /// For people and models.
    pub description: Option<String>,
    /// What kind of text it is.
    pub mime_type: Option<String>,
    /// The text.
    pub text: String,
}

impl Resource {
    /// Returns its entry of `resources/list`.
    pub(crate) fn definition(&self) -> Value {
        let mut definition = json!({ "uri": self.uri, "name": self.name });
        set(&mut definition, "title", self.title.as_deref());
        set(&mut definition, "description", self.description.as_deref());
        set(&mut definition, "mimeType", self.mime_type.as_deref());
        definition["size"] = self.text.len().into();
        definition
    }

    /// Returns the result of `resources/read`.
    pub(crate) fn contents(&self) -> Value {
        let mut contents = json!({ "uri": self.uri, "text": self.text });
        set(&mut contents, "mimeType", self.mime_type.as_deref());
        json!({ "contents": [contents] })
    }
}
