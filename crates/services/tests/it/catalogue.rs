//! What is true of all services and tools.

use std::collections::{BTreeMap, BTreeSet};

use gantry_core::Principal;
use gantry_services::catalogue::FIRST_PORT;
use gantry_services::{NoLink, ToolError, catalogue};
use serde_json::{Value, json};

use crate::rig::{call, services};

#[test]
fn the_services_are_in_the_order_of_their_ports() {
    let listed: Vec<(&str, u16)> =
        catalogue().iter().map(|service| (service.name, service.port)).collect();
    let names = [
        "data_standardization",
        "vector_similarity",
        "vector_ranking",
        "transport_layer",
        "reasoning_agent",
        "session_management",
        "resource_streaming",
        "confidence_calculator",
        "semantic_similarity",
    ];
    let expected: Vec<(&str, u16)> = names.into_iter().zip(FIRST_PORT..).collect();
    assert_eq!(listed, expected);
    for name in names {
        assert_eq!(catalogue::find(name).unwrap().name, name);
    }
    assert!(catalogue::find("nobody").is_none());
}

#[test]
fn a_name_or_alias_means_one_tool() {
    for service in catalogue() {
        let mut names = BTreeSet::new();
        for tool in service.every_tool() {
            assert!(names.insert(tool.name), "{} has two tools `{}`", service.name, tool.name);
        }
        for tool in service.every_tool() {
            assert_eq!(service.tool(tool.name).unwrap().name, tool.name);
            let Some(alias) = tool.alias else { continue };
            assert!(names.insert(alias), "`{alias}` means two tools of {}", service.name);
            assert_eq!(service.tool(alias).unwrap().name, tool.name);
        }
    }
}

#[test]
fn definitions_are_what_the_protocol_wants() {
    for service in catalogue() {
        for tool in service.every_tool() {
            let definition = tool.definition();
            let name = tool.name;
            for schema in ["inputSchema", "outputSchema"] {
                let schema = &definition[schema];
                assert_eq!(schema["type"], "object", "{name}: {schema}");
                assert!(jsonschema::draft202012::meta::is_valid(schema), "{name}: {schema}");
                assert_described(schema, name);
            }
            assert_eq!(definition["inputSchema"]["additionalProperties"], false, "{name}");
            assert!(tool.title.len() <= 60 && !tool.title.ends_with('.'), "{name}: {}", tool.title);
            assert!(tool.description.ends_with('.'), "{name}: {}", tool.description);
            for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
                assert!(definition["annotations"][hint].is_boolean(), "{name}: {hint}");
            }
        }
    }
}

/// Every property at the top says what it is.
fn assert_described(schema: &Value, tool: &str) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        assert!(property["description"].is_string(), "{tool}: `{name}` has no description");
    }
}

#[test]
fn what_is_no_argument_is_refused_by_name() {
    let services = services();
    for service in catalogue() {
        for tool in service.every_tool() {
            let mut arguments: Value = serde_json::from_str(tool.examples[0].arguments).unwrap();
            arguments["no_such_argument"] = json!(1);
            let error = call(&services, service.name, tool.name, &arguments).unwrap_err();
            assert_eq!(error.field(), Some("no_such_argument"), "{}: {error}", tool.name);
        }
    }
}

#[test]
fn what_is_no_object_is_refused() {
    let services = services();
    for service in catalogue() {
        for tool in service.every_tool() {
            let error = call(&services, service.name, tool.name, &json!([1])).unwrap_err();
            assert!(matches!(error, ToolError::Unreadable { .. }), "{}: {error}", tool.name);
        }
    }
}

#[test]
fn every_resource_is_an_object() {
    let services = services();
    let principal = Principal::anonymous();
    for service in catalogue() {
        let context = services.context(service, &principal, &NoLink);
        for resource in service.resources {
            assert_eq!(service.resource(resource.uri).unwrap().title, resource.title);
            let value = (resource.read)(&context).unwrap();
            assert!(value.is_object(), "{}: {value}", resource.uri);
            assert!(resource.description.ends_with('.'), "{}", resource.uri);
        }
    }
}

#[test]
fn a_prompt_says_which_argument_is_missing() {
    let services = services();
    let principal = Principal::anonymous();
    for service in catalogue() {
        let context = services.context(service, &principal, &NoLink);
        for prompt in service.prompts {
            assert_eq!(service.prompt(prompt.name).unwrap().title, prompt.title);
            assert!(prompt.description.ends_with('.'), "{}", prompt.name);
            let Some(required) = prompt.arguments.iter().find(|argument| argument.required) else {
                continue;
            };
            let error = (prompt.render)(&context, &BTreeMap::new()).unwrap_err();
            assert_eq!(error.field(), Some(required.name), "{}: {error}", prompt.name);
        }
    }
}
