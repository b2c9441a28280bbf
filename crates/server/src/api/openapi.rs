//! The `OpenAPI` 3.1 document, made from the table of routes.

use std::sync::OnceLock;

use bytes::Bytes;
use gantry_transport::server::{ReplyBody, full};
use http::{Response, StatusCode};
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::error::ErrorBody;
use super::parameter::{Parameter, Place};
use super::table::{Access, Gives, OPERATIONS, Operation, Takes};

const DESCRIPTION: &str = "The servers behind a Gantry gateway, for programs that do not speak MCP.\n\n\
    Clients send a token or key, or none on the loopback while there are none. The administrator \
    sends the token of `admin.token` in the data folder, which opens what reads and what changes, but \
    no calls.";

/// `GET /api/openapi.json`.
pub(super) fn answer() -> Response<ReplyBody> {
    static TEXT: OnceLock<Bytes> = OnceLock::new();
    let text = TEXT.get_or_init(|| Bytes::from(text()));
    full(StatusCode::OK, text.clone())
}

/// Returns the document as JSON for people to read.
pub(crate) fn text() -> String {
    let mut text = serde_json::to_string_pretty(&document()).unwrap_or_default();
    text.push('\n');
    text
}

fn document() -> Value {
    // The dialect of `OpenAPI` 3.1 is JSON Schema 2020-12.
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
    });
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let described = describe(operation, &mut generator);
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method.as_str().to_ascii_lowercase()] = described;
    }
    let schemas: Map<String, Value> = generator.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Gantry HTTP API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "security": [{ "client": [] }, { "key": [] }, { "admin": [] }, {}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "client": { "type": "http", "scheme": "bearer", "description": "A token or key of a client." },
                "key": { "type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same, in the header that `auth.api_key_header` names." },
                "admin": { "type": "http", "scheme": "bearer", "description": "The admin token." },
            },
            "schemas": schemas,
        },
    })
}

fn describe(operation: &Operation, generator: &mut SchemaGenerator) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "security": match operation.access {
            Access::Read => json!([{ "client": [] }, { "key": [] }, { "admin": [] }, {}]),
            Access::Call => json!([{ "client": [] }, { "key": [] }, {}]),
            Access::Admin => json!([{ "admin": [] }]),
        },
    });
    let parameters: Vec<_> = operation.parameters.iter().map(Parameter::describe).collect();
    if !parameters.is_empty() {
        described["parameters"] = json!(parameters);
    }
    if let Some((schema, is_required)) = taken(operation, generator) {
        let mut media = json!({ "schema": schema });
        if let Ok(example) = serde_json::from_str::<Value>(operation.example) {
            media["example"] = example;
        }
        described["requestBody"] =
            json!({ "required": is_required, "content": { "application/json": media } });
    }
    described["responses"] = responses(operation, generator);
    described
}

fn taken(operation: &Operation, generator: &mut SchemaGenerator) -> Option<(Schema, bool)> {
    match operation.takes {
        Takes::Nothing => None,
        Takes::Maybe(describe) => Some((describe(generator), false)),
        Takes::Json(describe) => Some((describe(generator), true)),
    }
}

fn responses(operation: &Operation, generator: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    let mut good = json!({ "description": "Done." });
    let (status, content) = match &operation.gives {
        Gives::Json(status, describe) => {
            (*status, Some(("application/json", describe(generator).to_value())))
        }
        Gives::Events => (200, Some(("text/event-stream", json!({ "type": "string" })))),
        Gives::Nothing => (204, None),
    };
    if let Some((media, schema)) = content {
        good["content"] = json!({ media: { "schema": schema } });
    }
    responses.insert(status.to_string(), good);
    let error = generator.subschema_for::<ErrorBody>();
    for (status, meaning) in failures(operation) {
        let content = json!({ "application/json": { "schema": error } });
        responses.insert(status.to_string(), json!({ "description": meaning, "content": content }));
    }
    Value::Object(responses)
}

/// The ways in which a route can fail follow from what it does.
pub(super) fn failures(operation: &Operation) -> Vec<(u16, &'static str)> {
    let changes = operation.access == Access::Admin;
    let names_something = operation.parameters.iter().any(|one| one.place == Place::Path);
    let has_body = !matches!(operation.takes, Takes::Nothing);
    let asks = operation.asks_a_server;
    let listens = matches!(operation.gives, Gives::Events);
    let all = [
        (400, "INVALID_PARAMETERS", true),
        (401, "AUTHENTICATION_FAILED", true),
        (403, "AUTHORIZATION_DENIED", true),
        (404, "RESOURCE_NOT_FOUND", names_something || asks),
        (408, "INVALID_PARAMETERS: the body came too slowly", has_body),
        (409, "INVALID_PARAMETERS: it contradicts what there is", changes),
        (413, "INVALID_PARAMETERS: the body is too large", has_body),
        (415, "INVALID_PARAMETERS: the body is not `application/json`", has_body),
        (429, "RATE_LIMIT_EXCEEDED", true),
        (500, "SERVER_ERROR", true),
        (502, "TOOL_EXECUTION_FAILED", asks || listens),
        (503, "SERVER_UNAVAILABLE", asks || names_something),
        (504, "TIMEOUT_EXCEEDED", asks),
    ];
    let can = all.into_iter().filter(|(_, _, can)| *can);
    can.map(|(status, meaning, _)| (status, meaning)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_route_is_described_whole() {
        let document = document();
        let mut ids = HashSet::new();
        for operation in OPERATIONS {
            let method = operation.method.as_str().to_ascii_lowercase();
            let described = &document["paths"][operation.path][method.as_str()];
            assert_eq!(described["operationId"], operation.id);
            assert!(ids.insert(operation.id), "{}", operation.id);
            let example = &described["requestBody"]["content"]["application/json"]["example"];
            assert_eq!(example.is_object(), matches!(operation.takes, Takes::Json(_)));
            assert!(!operation.summary.is_empty() && !operation.summary.ends_with('.'));
            let in_path = operation.path.matches('{').count();
            let told = operation.parameters.iter().filter(|one| one.place == Place::Path);
            assert_eq!(told.clone().count(), in_path, "{operation:?}");
            for parameter in told {
                assert!(operation.path.contains(&format!("{{{}}}", parameter.name)));
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(members) => {
                    if let Some(Value::String(to)) = members.get("$ref") {
                        found.push(to.clone());
                    }
                    members.values().for_each(|value| references(value, found));
                }
                Value::Array(values) => values.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 10);
        for reference in found {
            let pointer = reference.trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }
}
