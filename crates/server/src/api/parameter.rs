//! Parameters of the routes: what each may be, checked and described by the same table.

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::error::ApiError;
use super::table::Operation;

/// Longest value of a parameter, bytes.
const MOST_VALUE: usize = 4096;
/// Most values of a parameter that may be repeated.
const MOST_VALUES: usize = 100;

/// A parameter of a route.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) place: Place,
    pub(crate) kind: Kind,
    pub(crate) meaning: &'static str,
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Path,
    /// In the query; may be left out.
    Query,
    /// In the query; must be there.
    Required,
    /// In the query; may be repeated.
    Repeated,
}

/// What a parameter may be.
#[derive(Debug)]
pub(crate) enum Kind {
    Text,
    Choice(&'static [&'static str]),
    Number { least: u64, most: u64, default: u64 },
    Flag,
}

/// The parameters of one request.
#[derive(Debug, Default)]
pub(crate) struct Parameters {
    values: Vec<(&'static str, String)>,
}

// === impl Parameter ===

impl Parameter {
    /// Describes it in `OpenAPI`.
    pub(crate) fn describe(&self) -> Value {
        let schema = match &self.kind {
            Kind::Text => json!({ "type": "string", "minLength": 1 }),
            Kind::Choice(words) => json!({ "type": "string", "enum": words }),
            Kind::Number { least, most, default } => {
                json!({ "type": "integer", "minimum": least, "maximum": most, "default": default })
            }
            Kind::Flag => json!({ "type": "boolean", "default": false }),
        };
        let schema = match self.place {
            Place::Repeated => json!({ "type": "array", "items": schema, "maxItems": MOST_VALUES }),
            Place::Path | Place::Query | Place::Required => schema,
        };
        json!({
            "name": self.name,
            "in": if self.place == Place::Path { "path" } else { "query" },
            "required": matches!(self.place, Place::Path | Place::Required),
            "description": self.meaning,
            "schema": schema,
        })
    }

    fn check(&self, value: &str) -> Result<(), ApiError> {
        let name = self.name;
        let expected = match &self.kind {
            _ if value.is_empty() => "something".to_owned(),
            _ if value.len() > MOST_VALUE => format!("at most {MOST_VALUE} bytes"),
            Kind::Text => return Ok(()),
            Kind::Choice(words) if words.contains(&value) => return Ok(()),
            Kind::Choice(words) => format!("one of {}", words.join(", ")),
            Kind::Number { least, most, .. } => {
                let is_plain = value.bytes().all(|byte| byte.is_ascii_digit());
                let number = value.parse::<u64>().ok().filter(|_| is_plain);
                if number.is_some_and(|number| (*least..=*most).contains(&number)) {
                    return Ok(());
                }
                format!("a whole number from {least} to {most}")
            }
            Kind::Flag if matches!(value, "true" | "false") => return Ok(()),
            Kind::Flag => "`true` or `false`".to_owned(),
        };
        Err(ApiError::malformed(format!("the parameter `{name}` must be {expected}"))
            .with_detail("parameter", name))
    }
}

// === impl Parameters ===

impl Parameters {
    /// Returns a parameter; empty if it is absent, which none that is required can be.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    /// Returns a parameter that may be absent.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        let mut values = self.values.iter();
        values.find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// Returns every value of a parameter that may be repeated.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        let values = self.values.iter().filter(|(known, _)| *known == name);
        values.map(|(_, value)| value.clone()).collect()
    }

    /// Returns a number that was checked; `default` if it is absent.
    pub(crate) fn number(&self, name: &str, default: u64) -> u64 {
        self.find(name).and_then(|value| value.parse().ok()).unwrap_or(default)
    }

    /// Tells whether a flag is set.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.find(name) == Some("true")
    }
}

/// Reads and checks the parameters of a request. What is unknown is refused, so that a slip of the
/// keyboard does not pass for a filter.
pub(crate) fn read(
    operation: &Operation,
    path: &matchit::Params<'_, '_>,
    query: Option<&str>,
) -> Result<Parameters, ApiError> {
    let mut read = Parameters::default();
    for parameter in operation.parameters.iter().filter(|one| one.place == Place::Path) {
        let raw = path.get(parameter.name).unwrap_or_default();
        let value = percent_decode_str(raw).decode_utf8().map_err(|_| {
            ApiError::malformed(format!("`{}` in the path is not UTF-8", parameter.name))
        })?;
        parameter.check(&value)?;
        read.values.push((parameter.name, value.into_owned()));
    }
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let parameter = known(operation, &name)?;
        parameter.check(&value)?;
        let times = read.values.iter().filter(|(there, _)| *there == parameter.name).count();
        let most = if parameter.place == Place::Repeated { MOST_VALUES } else { 1 };
        if times >= most {
            let message = format!("the parameter `{}` is given too often", parameter.name);
            return Err(ApiError::malformed(message).with_detail("parameter", parameter.name));
        }
        read.values.push((parameter.name, value.into_owned()));
    }
    let required = operation.parameters.iter().filter(|one| one.place == Place::Required);
    for parameter in required {
        if read.find(parameter.name).is_none() {
            let message = format!("the parameter `{}` is missing", parameter.name);
            return Err(ApiError::malformed(message).with_detail("parameter", parameter.name));
        }
    }
    Ok(read)
}

fn known<'a>(operation: &'a Operation, name: &str) -> Result<&'a Parameter, ApiError> {
    let mut queries = operation.parameters.iter().filter(|one| one.place != Place::Path);
    queries.find(|one| one.name == name).ok_or_else(|| {
        let shown: String = name.chars().take(100).collect();
        ApiError::malformed(format!("there is no parameter `{shown}` here"))
    })
}
