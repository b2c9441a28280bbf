//! Documents as callers have them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::time::UNIX_EPOCH;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use crate::arguments::{MAX_TEXT, text_within};
use crate::error::ToolError;

/// The most documents of one call or one collection.
pub(super) const MAX_DOCUMENTS: usize = 200_000;

/// A document. What else it has is left alone: it is the caller's own record.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(super) struct Document {
    /// Its name, also as `id`; its position if it has none.
    #[serde(default, rename = "docId", alias = "id")]
    id: Option<String>,
    /// Its text, also as `text`.
    #[serde(default, alias = "text")]
    pub(super) content: Option<String>,
    /// Its vector, also as `embedding`.
    #[serde(default, alias = "embedding")]
    pub(super) vector: Option<Vec<f64>>,
    /// The documents that it links to: their names, or objects with `docId` and
    /// `relationship_type`.
    #[serde(default)]
    links: Vec<Link>,
    /// The documents that it cites, in the same way.
    #[serde(default)]
    references: Vec<Link>,
    /// The documents that are akin to it, in the same way.
    #[serde(default)]
    related_documents: Vec<Link>,
    /// What it is about.
    #[serde(default)]
    pub(super) categories: Vec<String>,
    /// When it was written: Unix seconds, or a time such as `2026-01-31T12:00:00Z`.
    #[serde(default)]
    pub(super) timestamp: Option<Timestamp>,
}

/// A link to another document.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected the name of a document, or an object with its `docId`")]
enum Link {
    /// Its name; the type is the field in which it stands.
    Name(String),
    /// An object.
    Typed {
        /// Its name, also as `id`.
        #[serde(rename = "docId", alias = "id")]
        id: String,
        /// What relates the two; the field in which it stands if it is not given.
        #[serde(default)]
        relationship_type: Option<String>,
    },
}

/// Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Timestamp(pub(super) f64);

/// Documents that have names.
#[derive(Debug, Default)]
pub(super) struct Corpus {
    documents: Vec<Document>,
    ids: Vec<String>,
    by_id: HashMap<String, usize>,
}

// === impl Document ===

impl Document {
    /// Returns the names of the documents that it links to, and the types of the links.
    pub(super) fn typed_links(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = [
            ("links", &self.links),
            ("references", &self.references),
            ("related_documents", &self.related_documents),
        ];
        fields
            .into_iter()
            .flat_map(|(field, links)| links.iter().map(move |link| link.typed(field)))
    }

    /// Returns its text, which is empty if it has none.
    pub(super) fn text(&self) -> &str {
        self.content.as_deref().unwrap_or_default()
    }
}

// === impl Link ===

impl Link {
    fn typed<'a>(&'a self, field: &'a str) -> (&'a str, &'a str) {
        match self {
            Self::Name(id) => (id, field),
            Self::Typed { id, relationship_type } => {
                (id, relationship_type.as_deref().unwrap_or(field))
            }
        }
    }
}

// === impl Timestamp ===

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TimestampVisitor)
    }
}

impl JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["number", "string"] })
    }
}

struct TimestampVisitor;

impl Visitor<'_> for TimestampVisitor {
    type Value = Timestamp;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Unix seconds, or a time such as `2026-01-31T12:00:00Z`")
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<Timestamp, E> {
        Ok(Timestamp(seconds))
    }

    #[expect(clippy::cast_precision_loss, reason = "a time that needs 53 bits is no time")]
    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Timestamp, E> {
        Ok(Timestamp(seconds as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "a time that needs 53 bits is no time")]
    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Timestamp, E> {
        Ok(Timestamp(seconds as f64))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Timestamp, E> {
        let Ok(time) = humantime::parse_rfc3339_weak(text) else {
            return Err(E::custom("is no time; give one such as `2026-01-31T12:00:00Z`"));
        };
        let before = |error: std::time::SystemTimeError| -error.duration().as_secs_f64();
        let since = time.duration_since(UNIX_EPOCH);
        Ok(Timestamp(since.map_or_else(before, |since| since.as_secs_f64())))
    }
}

// === impl Corpus ===

impl Corpus {
    /// Takes the documents of a call; `field` is where they stand.
    pub(super) fn new(field: &str, documents: Vec<Document>) -> Result<Self, ToolError> {
        let mut corpus = Self::default();
        corpus.extend(field, documents)?;
        Ok(corpus)
    }

    /// Takes further documents; if one is refused, none is taken.
    pub(super) fn extend(
        &mut self,
        field: &str,
        documents: Vec<Document>,
    ) -> Result<(), ToolError> {
        let n_before = self.documents.len();
        if n_before + documents.len() > MAX_DOCUMENTS {
            let n_documents = n_before + documents.len();
            let problem = format!("{n_documents} documents; at most {MAX_DOCUMENTS} are taken");
            return Err(ToolError::argument(field, problem));
        }
        for (at, mut document) in documents.into_iter().enumerate() {
            let checked = self.check(&format!("{field}[{at}]"), &document);
            if let Err(error) = checked {
                self.truncate(n_before);
                return Err(error);
            }
            let position = self.documents.len();
            let id = document.id.take().unwrap_or_else(|| position.to_string());
            self.by_id.insert(id.clone(), position);
            self.ids.push(id);
            self.documents.push(document);
        }
        Ok(())
    }

    fn check(&self, field: &str, document: &Document) -> Result<(), ToolError> {
        text_within(&format!("{field}.content"), document.text(), MAX_TEXT)?;
        let position = self.documents.len().to_string();
        let id = document.id.as_ref().unwrap_or(&position);
        if self.by_id.contains_key(id) {
            let problem = format!("`{id}` is the name of an earlier document; give each its own");
            return Err(ToolError::argument(format!("{field}.docId"), problem));
        }
        Ok(())
    }

    fn truncate(&mut self, n_documents: usize) {
        self.documents.truncate(n_documents);
        for id in self.ids.drain(n_documents..) {
            self.by_id.remove(&id);
        }
    }

    /// Returns how many documents there are.
    pub(super) fn len(&self) -> usize {
        self.documents.len()
    }

    /// Returns the documents.
    pub(super) fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// Takes the texts away, from the document at `from` on.
    pub(super) fn forget_texts(&mut self, from: usize) {
        for document in &mut self.documents[from..] {
            document.content = None;
        }
    }

    /// Returns the name of a document.
    pub(super) fn id(&self, position: usize) -> &str {
        &self.ids[position]
    }

    /// Finds a document by its name.
    pub(super) fn position(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }
}
