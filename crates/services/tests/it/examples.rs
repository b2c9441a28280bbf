//! Every example of every tool, in the order in which pages show them.

use gantry_services::catalogue;
use serde_json::Value;

use crate::rig::{call, difference, services};

#[test]
fn every_example_answers_what_it_says() {
    let mut n_examples = 0;
    for service in catalogue() {
        for tool in service.every_tool() {
            assert!(!tool.examples.is_empty(), "`{}` has no example", tool.name);
            let validator = jsonschema::validator_for(&(tool.input_schema)()).unwrap();
            // Examples of a tool build upon each other, as those of its page do.
            let services = services();
            for example in tool.examples {
                let place = format!("`{}`, example `{}`", tool.name, example.title);
                let arguments: Value = serde_json::from_str(example.arguments).expect(&place);
                if let Err(error) = validator.validate(&arguments) {
                    panic!("{place}: the schema refuses the arguments: {error}");
                }
                let answer = call(&services, service.name, tool.name, &arguments).expect(&place);
                let expected: Value = serde_json::from_str(example.answer).expect(&place);
                if let Some(difference) = difference(&expected, &answer, "answer") {
                    panic!("{place}: {difference}: {answer}");
                }
                n_examples += 1;
            }
        }
    }
    assert!(n_examples > 0);
}
