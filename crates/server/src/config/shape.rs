//! Holds the tree against the JSON Schema of [`raw`], and turns it into JSON that fits.
//!
//! The schema is the one description of the file: keys, types, choices and ranges come from it, so
//! that every unknown key and every wrong type is found in one pass, each with its place. What does
//! not fit is reported and left out; the later stages see a file without it.
//! It reads the few schema words that our types produce, not JSON Schema at large.

use gantry_core::ErrorCode;
use schemars::JsonSchema as _;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::path::Path;
use super::problem::{Problem, Report, did_you_mean};
use super::raw;
use super::tree::{Data, Entry, Node, Scalar};

/// Returns the JSON Schema of the configuration file, with shared parts under `$defs`.
pub fn json_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<raw::Config>().to_value();
    // A reader of the file wants to know first what it is.
    if let Some(members) = schema.as_object_mut() {
        for key in ["description", "title", "$schema"] {
            if let Some(value) = members.shift_remove(key) {
                members.shift_insert(0, key.to_owned(), value);
            }
        }
    }
    schema
}

/// Returns the same schema with every part in its place.
pub(crate) fn inlined_schema() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut generator = settings.into_generator();
    raw::Config::json_schema(&mut generator).to_value()
}

/// Tells whether `key`, with dots between its parts, is one of the schema's; `NAME` stands for any
/// name.
pub(crate) fn has_key(schema: &Value, key: &str) -> bool {
    find_key(schema, key).is_some()
}

/// Returns what holds where nothing sets `key`, as the reference shows it.
pub(crate) fn default_of(schema: &Value, key: &str) -> Option<String> {
    match find_key(schema, key)?.get("default")? {
        Value::Null => None,
        Value::String(text) => Some(format!("`{text}`")),
        value => Some(format!("`{value}`")),
    }
}

fn find_key<'a>(schema: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.').try_fold(schema, |schema, step| {
        let schema = without_null(schema);
        let property = schema.get("properties").and_then(|properties| properties.get(step));
        property.or_else(|| schema.get("additionalProperties").filter(|_| step == "NAME"))
    })
}

/// Returns what of `root` fits the schema; the rest is reported.
pub(crate) fn fit(root: &Node, report: &mut Report) -> Value {
    let schema = inlined_schema();
    Fitter { report }
        .node(&schema, root, &Path::root())
        .unwrap_or_else(|| Value::Object(Map::new()))
}

/// Returns what of `node` fits the schema of one server, which stands at `path`.
pub(crate) fn fit_server(node: &Node, path: &Path, report: &mut Report) -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let schema = raw::Upstream::json_schema(&mut settings.into_generator()).to_value();
    Fitter { report }.node(&schema, node, path).unwrap_or_else(|| Value::Object(Map::new()))
}

struct Fitter<'a> {
    report: &'a mut Report,
}

/// The one type that a schema asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    Text,
    Boolean,
    Integer,
}

impl Fitter<'_> {
    fn node(&mut self, schema: &Value, node: &Node, path: &Path) -> Option<Value> {
        let schema = without_null(schema);
        let choices = choices(schema);
        match (kind(schema), &node.data) {
            (Kind::Object, Data::Mapping { entries, .. }) => {
                Some(self.object(schema, entries, path))
            }
            (Kind::Array, Data::Sequence { entries }) => Some(self.array(schema, entries, path)),
            (Kind::Text, Data::Scalar(scalar)) if !choices.is_empty() => {
                self.choice(&choices, scalar, path, node)
            }
            (Kind::Text, Data::Scalar(scalar)) if !scalar.is_null() => {
                Some(Value::String(scalar.text.clone()))
            }
            (Kind::Boolean, Data::Scalar(scalar)) if is_typed(scalar) => {
                self.boolean(scalar, path, node)
            }
            (Kind::Integer, Data::Scalar(scalar)) if is_typed(scalar) => {
                self.integer(schema, scalar, path, node)
            }
            (expected, _) => self.refuse(path, node, expected.expectation()),
        }
    }

    fn object(&mut self, schema: &Value, entries: &[Entry], path: &Path) -> Value {
        let properties = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties").filter(|others| others.is_object());
        let mut object = Map::new();
        for entry in entries {
            let inner = path.key(&entry.key);
            let known = properties.and_then(|properties| properties.get(&entry.key));
            let fitted = match (known, others) {
                // A key without a value, as in `args:`, is the same as no key.
                (Some(_), _) if entry.value.is_null() => None,
                (Some(property), _) | (None, Some(property)) => {
                    self.node(property, &entry.value, &inner)
                }
                (None, None) => {
                    self.unknown_key(properties, entry, path);
                    None
                }
            };
            if let Some(fitted) = fitted {
                object.insert(entry.key.clone(), fitted);
            }
        }
        Value::Object(object)
    }

    fn array(&mut self, schema: &Value, entries: &[Node], path: &Path) -> Value {
        let items = schema.get("items").unwrap_or(&Value::Null);
        let fitted = entries
            .iter()
            .enumerate()
            .filter_map(|(index, entry)| self.node(items, entry, &path.index(index)));
        Value::Array(fitted.collect())
    }

    fn choice(
        &mut self,
        choices: &[&str],
        scalar: &Scalar,
        path: &Path,
        node: &Node,
    ) -> Option<Value> {
        if choices.contains(&scalar.text.as_str()) {
            return Some(Value::String(scalar.text.clone()));
        }
        let names: Vec<_> = choices.iter().map(|choice| format!("`{choice}`")).collect();
        let message =
            format!("`{path}` must be one of {}, but is {}", names.join(", "), shown(path, node));
        let hint = scalar.written.is_none().then(|| did_you_mean(&scalar.text, choices.to_vec()));
        self.report.push(
            Problem::new(ErrorCode::ConfigInvalidValue, path, message)
                .at(node.at)
                .with_hint(hint.flatten()),
        );
        None
    }

    fn boolean(&mut self, scalar: &Scalar, path: &Path, node: &Node) -> Option<Value> {
        match scalar.text.as_str() {
            "true" | "True" | "TRUE" => Some(Value::Bool(true)),
            "false" | "False" | "FALSE" => Some(Value::Bool(false)),
            _ => self.refuse(path, node, Kind::Boolean.expectation()),
        }
    }

    fn integer(
        &mut self,
        schema: &Value,
        scalar: &Scalar,
        path: &Path,
        node: &Node,
    ) -> Option<Value> {
        let bound = |name| schema.get(name).and_then(Value::as_u64);
        let (minimum, maximum) = (bound("minimum").unwrap_or(0), bound("maximum"));
        let number = scalar.text.parse::<u64>().ok();
        if let Some(number) = number
            && number >= minimum
            && maximum.is_none_or(|maximum| number <= maximum)
        {
            return Some(Value::from(number));
        }
        let expected = match maximum {
            Some(maximum) => format!("a whole number from {minimum} to {maximum}"),
            None => format!("a whole number of at least {minimum}"),
        };
        self.refuse(path, node, &expected)
    }

    fn refuse(&mut self, path: &Path, node: &Node, expected: &str) -> Option<Value> {
        let message = format!("`{path}` must be {expected}, but is {}", shown(path, node));
        let problem = Problem::new(ErrorCode::ConfigInvalidValue, path, message);
        self.report.push(problem);
        None
    }

    fn unknown_key(&mut self, properties: Option<&Map<String, Value>>, entry: &Entry, path: &Path) {
        let place = match path.steps() {
            [] => "at the top level".to_owned(),
            _ => format!("in `{path}`"),
        };
        let message = format!("unknown key `{}` {place}", entry.key);
        let known = properties.into_iter().flat_map(Map::keys).map(String::as_str);
        let problem = Problem::new(ErrorCode::ConfigUnknownKey, &path.key(&entry.key), message)
            .at(entry.key_at)
            .with_hint(did_you_mean(&entry.key, known));
        self.report.push(problem);
    }
}

impl Kind {
    fn expectation(self) -> &'static str {
        match self {
            Self::Object => "a mapping",
            Self::Array => "a list",
            Self::Text => "text",
            Self::Boolean => "`true` or `false`",
            Self::Integer => "a whole number",
        }
    }
}

/// Returns what a message may call the value; what variables stand for is never shown.
pub(crate) fn shown(path: &Path, node: &Node) -> String {
    match &node.data {
        Data::Scalar(scalar) if scalar.is_null() => "empty".to_owned(),
        Data::Scalar(_) if path.is_private() => node.kind().to_owned(),
        Data::Scalar(Scalar { written: Some(written), .. }) => {
            format!("what `{written}` stands for")
        }
        Data::Scalar(scalar) => format!("`{}`", shortened(&scalar.text)),
        Data::Sequence { .. } | Data::Mapping { .. } => node.kind().to_owned(),
    }
}

/// Keeps a message in one line of readable length.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 80;
    let line: String = text.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if text.chars().count() > LONGEST { format!("{line}...") } else { line }
}

/// Numbers and truth values are written without quotes, or come from a variable.
fn is_typed(scalar: &Scalar) -> bool {
    !scalar.is_null() && (scalar.is_plain || scalar.written.is_some())
}

/// `Option<T>` allows `null`, which for us is the same as leaving the key out.
pub(crate) fn without_null(schema: &Value) -> &Value {
    let Some(any_of) = schema.get("anyOf").and_then(Value::as_array) else { return schema };
    let is_null = |option: &&Value| option.get("type").and_then(Value::as_str) == Some("null");
    any_of.iter().find(|option| !is_null(option)).unwrap_or(schema)
}

pub(crate) fn kind(schema: &Value) -> Kind {
    let name = match schema.get("type") {
        Some(Value::String(name)) => name.as_str(),
        Some(Value::Array(names)) => names.first().and_then(Value::as_str).unwrap_or_default(),
        _ => "string",
    };
    match name {
        "object" => Kind::Object,
        "array" => Kind::Array,
        "boolean" => Kind::Boolean,
        "integer" => Kind::Integer,
        _ => Kind::Text,
    }
}

/// Returns the words of an enumeration, empty if the schema is none.
pub(crate) fn choices(schema: &Value) -> Vec<&str> {
    let listed = schema.get("enum").and_then(Value::as_array);
    let described = schema.get("oneOf").and_then(Value::as_array);
    let constants = described.into_iter().flatten().filter_map(|option| option.get("const"));
    listed.into_iter().flatten().chain(constants).filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests;
