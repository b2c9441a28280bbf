//! Arguments that a tool wants to see in HTTP headers: `x-mcp-header` in its `inputSchema`.
//!
//! Source: 2026-07-28 `basic/transports/streamable-http`, Custom Headers from Tool Parameters.
//! Only arguments at annotated paths are decoded; the rest of a call stays raw.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::error::{RpcError, code};
use crate::headers::{decode_value, encode_value};
use crate::json::{self, Object};

const ANNOTATION: &str = "x-mcp-header";
/// Beyond it a double does not tell integers apart.
const MAX_SAFE: f64 = 9_007_199_254_740_991.0;
/// Deeper schemas are not searched; no annotation that far down is in use.
const MAX_DEPTH: usize = 64;

/// The annotated parameters of one tool.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ParamHeaders {
    params: Vec<Param>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Param {
    /// The keys that lead to the argument.
    path: Vec<Box<str>>,
    /// Lower case, with the prefix.
    header: Box<str>,
    kind: ParamKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ParamKind {
    String,
    Integer,
    Boolean,
}

/// Why the annotations of a tool are invalid, so that the tool must not be listed over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAnnotation {
    /// It is empty or has characters that no header name may have.
    #[error("`x-mcp-header` of `{path}` is not a header name: `{value}`")]
    Name {
        /// Where it stands, keys joined by dots.
        path: String,
        /// The annotation as it was written.
        value: String,
    },
    /// Two parameters would go into one header.
    #[error("`x-mcp-header` stands twice with the name `{name}`")]
    Duplicate {
        /// The name, in the case of the second.
        name: String,
    },
    /// Only strings, integers and booleans can be mirrored.
    #[error("`x-mcp-header` of `{path}` needs the type string, integer or boolean")]
    Type {
        /// Where it stands, keys joined by dots.
        path: String,
    },
    /// It is not reachable by `properties` alone.
    #[error("`x-mcp-header` stands at `{path}`, where no fixed path of properties leads")]
    Unreachable {
        /// Where it stands, keys joined by dots.
        path: String,
    },
}

impl ParamHeaders {
    /// Reads the annotations of a raw tool definition.
    ///
    /// # Errors
    /// When any annotation breaks a rule of the specification.
    pub fn of_tool(tool: &[u8]) -> Result<Self, InvalidAnnotation> {
        if !may_annotate(tool) {
            return Ok(Self::default());
        }
        let schema = Object::read(tool, 0..tool.len()).ok();
        match schema.and_then(|object| object.raw(tool, "inputSchema")) {
            Some(schema) => Self::of_schema(schema),
            None => Ok(Self::default()),
        }
    }

    /// Reads the annotations of a raw `inputSchema`.
    ///
    /// # Errors
    /// When any annotation breaks a rule of the specification.
    pub fn of_schema(schema: &[u8]) -> Result<Self, InvalidAnnotation> {
        if !may_annotate(schema) {
            return Ok(Self::default());
        }
        let Ok(Value::Object(schema)) = serde_json::from_slice(schema) else {
            return Ok(Self::default());
        };
        let mut found = Self::default();
        found.walk(&schema, &mut Vec::new(), true)?;
        Ok(found)
    }

    /// Tells whether the tool mirrors nothing.
    pub fn is_empty(&self) -> bool {
        self.params.is_empty()
    }

    /// Tells whether a header (in any case) is one of this tool's.
    pub fn recognises(&self, header: &str) -> bool {
        self.params.iter().any(|param| param.header.eq_ignore_ascii_case(header))
    }

    /// Returns the headers for a call with these raw arguments: lower-case name, encoded value.
    /// An argument that is null or absent has none.
    pub fn values<'a>(&'a self, arguments: Option<&'a [u8]>) -> Vec<(&'a str, String)> {
        let value = |param: &'a Param| {
            let text = primitive(param.find(arguments?).0?)?;
            Some((&*param.header, encode_value(&text).into_owned()))
        };
        self.params.iter().filter_map(value).collect()
    }

    /// Checks the headers of a client's call against its arguments. `header` looks up a lower-case
    /// name.
    ///
    /// # Errors
    /// -32020 (HTTP 400) when a header is missing, says something else than the argument, has no
    /// valid value, or stands without its argument.
    pub fn check<'h>(
        &self,
        arguments: Option<&[u8]>,
        header: impl Fn(&str) -> Option<&'h str>,
    ) -> Result<(), RpcError> {
        for param in &self.params {
            let (raw, twice) = arguments.map_or((None, false), |raw| param.find(raw));
            let expected = raw.and_then(primitive);
            let problem = match (expected, header(&param.header)) {
                // The upstream may read the other one.
                _ if twice => "mirrors an argument that stands there twice",
                (None, None) => continue,
                (Some(_), None) => "is missing",
                (None, Some(_)) => "stands without its argument",
                (Some(expected), Some(sent)) => match decode_value(sent) {
                    None => "has no valid value",
                    Some(sent) if param.equal(&expected, &sent) => continue,
                    Some(_) => "does not say what the argument says",
                },
            };
            let message = format!("the header {} {problem}", param.header);
            return Err(RpcError::new(code::HEADER_MISMATCH, message));
        }
        Ok(())
    }

    /// Searches a schema. `reachable` says that only `properties` led here.
    fn walk(
        &mut self,
        schema: &Map<String, Value>,
        path: &mut Vec<Box<str>>,
        reachable: bool,
    ) -> Result<(), InvalidAnnotation> {
        if path.len() > MAX_DEPTH {
            return Ok(());
        }
        if let Some(annotation) = schema.get(ANNOTATION) {
            self.add(annotation, schema.get("type"), path, reachable)?;
        }
        for (keyword, value) in schema {
            let through_properties = keyword == "properties";
            if !through_properties {
                path.push(keyword.as_str().into());
            }
            self.walk_keyword(keyword, value, path, reachable && through_properties)?;
            if !through_properties {
                path.pop();
            }
        }
        Ok(())
    }

    /// Searches what a keyword holds. Keywords that hold data (`default`, `const`, `enum`) or that
    /// are unknown hold no annotation.
    fn walk_keyword(
        &mut self,
        keyword: &str,
        value: &Value,
        path: &mut Vec<Box<str>>,
        reachable: bool,
    ) -> Result<(), InvalidAnnotation> {
        match (keyword, value) {
            (
                "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas",
                Value::Object(schemas),
            ) => {
                for (name, schema) in schemas {
                    let Value::Object(schema) = schema else { continue };
                    path.push(name.as_str().into());
                    self.walk(schema, path, reachable)?;
                    path.pop();
                }
                Ok(())
            }
            ("allOf" | "anyOf" | "oneOf" | "prefixItems" | "items", Value::Array(schemas)) => {
                let objects = schemas.iter().filter_map(Value::as_object);
                objects.into_iter().try_for_each(|schema| self.walk(schema, path, false))
            }
            (
                "items"
                | "additionalItems"
                | "contains"
                | "unevaluatedItems"
                | "not"
                | "if"
                | "then"
                | "else"
                | "additionalProperties"
                | "unevaluatedProperties"
                | "propertyNames"
                | "contentSchema",
                Value::Object(schema),
            ) => self.walk(schema, path, false),
            _ => Ok(()),
        }
    }

    fn add(
        &mut self,
        annotation: &Value,
        kind: Option<&Value>,
        path: &[Box<str>],
        reachable: bool,
    ) -> Result<(), InvalidAnnotation> {
        let written = path.join(".");
        if !reachable || path.is_empty() {
            return Err(InvalidAnnotation::Unreachable { path: written });
        }
        let Some(name) = annotation.as_str().filter(|name| is_token(name)) else {
            let value = annotation.as_str().map_or_else(|| annotation.to_string(), str::to_owned);
            return Err(InvalidAnnotation::Name { path: written, value });
        };
        let Some(kind) = kind.and_then(ParamKind::read) else {
            return Err(InvalidAnnotation::Type { path: written });
        };
        let header = format!("{}{}", crate::headers::PARAM_PREFIX, name.to_ascii_lowercase());
        if self.recognises(&header) {
            return Err(InvalidAnnotation::Duplicate { name: name.to_owned() });
        }
        self.params.push(Param { path: path.to_vec(), header: header.into(), kind });
        Ok(())
    }
}

impl ParamKind {
    /// Reads a `type`; a primitive that may also be null is still one.
    fn read(kind: &Value) -> Option<Self> {
        let name = match kind {
            Value::String(name) => name.as_str(),
            Value::Array(names) => {
                let mut named = names.iter().filter(|name| *name != "null");
                let name = named.next()?.as_str()?;
                if named.next().is_some() {
                    return None;
                }
                name
            }
            _ => return None,
        };
        match name {
            "string" => Some(Self::String),
            "integer" => Some(Self::Integer),
            "boolean" => Some(Self::Boolean),
            _ => None,
        }
    }
}

impl Param {
    /// Returns the raw argument, the last if a key stands there twice (as most parsers do), and
    /// whether one does.
    fn find<'a>(&self, arguments: &'a [u8]) -> (Option<&'a [u8]>, bool) {
        let mut raw = arguments;
        let mut twice = false;
        for key in &self.path {
            let Ok(object) = Object::read(raw, 0..raw.len()) else { return (None, twice) };
            let mut found = object.members.iter().rev().filter(|member| *member.name == **key);
            let Some(member) = found.next() else { return (None, twice) };
            twice |= found.next().is_some();
            raw = &raw[member.value.clone()];
        }
        (Some(raw), twice)
    }

    fn equal(&self, expected: &str, sent: &str) -> bool {
        expected == sent
            || (self.kind == ParamKind::Integer
                && integer(expected).is_some_and(|expected| integer(sent) == Some(expected)))
    }
}

/// Tells by the bytes alone whether there may be an annotation. Nearly no tool has any; an escaped
/// key could hide one.
fn may_annotate(raw: &[u8]) -> bool {
    let has = |word: &[u8]| memchr::memmem::find(raw, word).is_some();
    has(ANNOTATION.as_bytes()) || has(b"\\u")
}

/// Returns an argument as text; `None` when it is null or no primitive.
fn primitive(raw: &[u8]) -> Option<Cow<'_, str>> {
    match raw.first()? {
        b'"' => json::string(raw),
        b't' | b'f' => std::str::from_utf8(raw).ok().map(Cow::Borrowed),
        b'-' | b'0'..=b'9' => {
            let text = std::str::from_utf8(raw).ok()?;
            Some(integer(text).map_or(Cow::Borrowed(text), Cow::Owned))
        }
        _ => None,
    }
}

/// Returns the plain decimal form of a number that is an integer (`42.0`, `4.2e1`).
fn integer(text: &str) -> Option<String> {
    if let Ok(number) = text.parse::<i64>() {
        return Some(number.to_string());
    }
    // Rust reads more than JSON does (`inf`, `+1`, `1.`).
    if !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')) {
        return None;
    }
    let number = text.parse::<f64>().ok()?;
    let whole = number.fract() == 0.0 && number.abs() <= MAX_SAFE;
    whole.then(|| format!("{:.0}", number + 0.0))
}

/// Tells whether a text may be a header name (RFC 9110 section 5.6.2).
fn is_token(text: &str) -> bool {
    let tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(tchar)
}

#[cfg(test)]
mod tests;
