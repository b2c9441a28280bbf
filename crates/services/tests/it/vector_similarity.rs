//! Tests of `vector_similarity`.

use gantry_core::Principal;
use gantry_services::{NoLink, catalogue};
use serde_json::{Value, json};

use crate::rig::{NOW, call, services};

const PAIR: &str = "calculate_vector_similarity_mcp";

fn pair(arguments: &Value) -> Result<Value, String> {
    call(&services(), "vector_similarity", PAIR, arguments).map_err(|error| error.to_string())
}

#[test]
fn two_vectors_are_compared_by_each_metric() {
    for (metric, similarity, distance) in [
        ("cosine", 0.6, 0.4),
        ("euclidean", 1.0 / (1.0 + 5_f64.sqrt()), 5_f64.sqrt()),
        ("manhattan", 0.25, 3.0),
        ("dot_product", 3.0, -3.0),
        ("jaccard", 0.5, 0.5),
        ("hamming", 0.5, 1.0),
    ] {
        let arguments = json!({ "vector1": [1, 0], "vector2": [3, 4], "metric": metric });
        let arguments = match metric {
            "euclidean" | "manhattan" => {
                json!({ "vector1": [1, 0], "vector2": [2, 2], "metric": metric })
            }
            _ => arguments,
        };
        let answer = pair(&arguments).unwrap();
        let found = (answer["similarity"].as_f64().unwrap(), answer["distance"].as_f64().unwrap());
        assert!((found.0 - similarity).abs() < 1e-12, "{metric}: {answer}");
        assert!((found.1 - distance).abs() < 1e-12, "{metric}: {answer}");
        assert_eq!(answer["normalized"], metric == "cosine");
    }
}

#[test]
fn a_cosine_without_normalisation_is_the_product() {
    let arguments = json!({ "vector1": [1, 2], "vector2": [3, 4], "normalize": false });
    let answer = pair(&arguments).unwrap();
    assert_eq!(answer["similarity"], 11.0);
    assert_eq!(answer["distance"], -10.0);
    assert_eq!(answer["normalized"], false);
}

#[test]
fn vectors_that_cannot_be_compared_are_refused_by_name() {
    for (arguments, expected) in [
        (json!({ "vector1": [], "vector2": [] }), "`vector1`: is empty; give at least one number"),
        (
            json!({ "vector1": [1, 2, 3], "vector2": [1, 2] }),
            "`vector2`: has 2 numbers and `vector1` has 3; give vectors of the same length",
        ),
        (json!({ "vector1": [1] }), "`vector2`: is required and was not given"),
        (
            json!({ "vector1": [1, "x"], "vector2": [1, 2] }),
            "`vector1[1]`: invalid type: string \"x\", expected f64",
        ),
        (
            json!({ "vector1": [1], "vector2": [1], "metric": "angle" }),
            "`metric`: unknown variant `angle`, expected one of `cosine`, `euclidean`, \
             `manhattan`, `dot_product`, `jaccard`, `hamming`",
        ),
        (
            json!({ "vector1": [1e300], "vector2": [1e300], "metric": "dot_product" }),
            "`vector1`: the similarity is beyond what a number can hold; scale the numbers down",
        ),
        (
            json!({ "vector1": [1e308], "vector2": [-1e308], "metric": "manhattan" }),
            "`vector1`: the distance is beyond what a number can hold; scale the numbers down",
        ),
    ] {
        assert_eq!(pair(&arguments).unwrap_err(), expected);
    }
}

#[test]
fn the_service_tells_what_was_called_and_to_each_caller_its_own_calls() {
    let services = services();
    let state = |principal: &Principal| -> Value {
        let service = catalogue::find("vector_similarity").unwrap();
        let context = services.context(service, principal, &NoLink);
        let tool = service.tool("mcp_vector_similarity").unwrap();
        serde_json::from_str((tool.run)(&context, b"").unwrap().json()).unwrap()
    };
    let good = json!({ "vector1": [1], "vector2": [2] });
    call(&services, "vector_similarity", PAIR, &good).unwrap();
    call(&services, "vector_similarity", PAIR, &json!({ "vector1": [1] })).unwrap_err();
    let told = state(&Principal::anonymous());
    assert_eq!(told["tools"][PAIR]["calls"], 2);
    assert_eq!(told["tools"][PAIR]["errors"], 1);
    let last = told["last_calls"].as_array().unwrap();
    assert_eq!(last.len(), 2);
    assert_eq!(last[0]["error"], "`vector2`: is required and was not given");
    assert_eq!(last[1]["at"], NOW);
    assert!(last[1].get("error").is_none());
    let told = state(&Principal::of_gantry("ada"));
    assert_eq!(told["tools"][PAIR]["calls"], 2);
    assert_eq!(told["last_calls"], json!([]));
}
