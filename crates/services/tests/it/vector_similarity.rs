//! Tests of `vector_similarity`.

use gantry_core::Principal;
use gantry_services::{NoLink, Services, ToolError, catalogue};
use serde_json::{Value, json};

use crate::rig::{self, NOW, TakenBack, call, services};

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

fn refusal(tool: &str, arguments: &Value) -> String {
    rig::refusal("vector_similarity", tool, arguments)
}

#[test]
fn a_batch_that_cannot_be_compared_is_refused_by_name() {
    let candidates = json!([{ "id": "a", "vector": [1, 2] }]);
    for (arguments, expected) in [
        (
            json!({ "query_vector": [], "candidate_vectors": [] }),
            "`query_vector`: is empty; give at least one number",
        ),
        (
            json!({ "query_vector": [1, 2], "candidate_vectors": candidates, "top_k": 0 }),
            "`top_k`: is 0; ask for at least one result",
        ),
        (
            json!({ "query_vector": [1], "candidate_vectors": candidates }),
            "`candidate_vectors[0].vector`: has 2 numbers and `query_vector` has 1; give vectors \
             of the same length",
        ),
        (
            json!({ "query_vector": [1, 2], "candidate_vectors": [{ "id": "a" }] }),
            "`candidate_vectors[0].vector`: is required and was not given",
        ),
        (
            json!({
                "query_vector": [1e300, 0],
                "candidate_vectors": [{ "vector": [1e300, 0] }],
                "metric": "dot_product",
            }),
            "`candidate_vectors[0].vector`: its distance is beyond what a number can hold; scale \
             the numbers down",
        ),
    ] {
        assert_eq!(refusal("batch_vector_similarity_mcp", &arguments), expected);
    }
}

#[test]
fn a_batch_may_be_empty_and_may_have_equal_vectors() {
    let services = services();
    let batch = |candidates: Value| {
        let arguments = json!({ "query_vector": [1, 0], "candidate_vectors": candidates });
        call(&services, "vector_similarity", "batch_vector_similarity_mcp", &arguments).unwrap()
    };
    let answer = batch(json!([]));
    assert_eq!(answer["results"], json!([]));
    assert_eq!(answer["candidates_processed"], 0);
    let answer = batch(json!([{ "vector": [1, 1] }, { "vector": [2, 2] }, { "vector": [1, 1] }]));
    let order: Vec<&str> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    assert_eq!(order, ["0", "1", "2"]);
}

#[test]
fn a_set_of_vectors_that_cannot_be_described_is_refused_by_name() {
    let many: Vec<[u8; 1]> = vec![[1]; 450_000];
    for (arguments, expected) in [
        (json!({ "vectors": [] }), "`vectors`: is empty; give at least one vector"),
        (
            json!({ "vectors": [[1, 2], [3]] }),
            "`vectors[1]`: has 1 numbers and the first has 2; give vectors of the same length",
        ),
        (
            json!({ "vectors": [[1e308], [-1e308]] }),
            "`vectors`: the deviation of dimension 0 is beyond what a number can hold; scale the \
             numbers down",
        ),
        (
            json!({ "vectors": many, "calculate_pairwise": true }),
            "`vectors`: are 450000 of 1 numbers, so comparing all pairs takes 101249775000 \
             multiplications; at most 100000000000 are done, so give a part of them",
        ),
    ] {
        assert_eq!(refusal("vector_statistics_mcp", &arguments), expected);
    }
    let one = json!({ "vectors": [[2, 0]], "calculate_pairwise": true });
    let answer = call(&services(), "vector_similarity", "vector_statistics_mcp", &one).unwrap();
    assert!(answer.get("pairwise_similarities").is_none(), "{answer}");
}

#[test]
fn vectors_of_any_magnitude_are_brought_to_length_one() {
    for vectors in [json!([[3e-200, 4e-200]]), json!([[3e200, 4e200]]), json!([[3e-320, 4e-320]])] {
        let arguments = json!({ "vectors": vectors });
        let answer =
            call(&services(), "vector_similarity", "normalize_vectors_mcp", &arguments).unwrap();
        let found = answer["normalized_vectors"][0][0].as_f64().unwrap();
        assert!((found - 0.6).abs() < 1e-3, "{answer}");
    }
    let error =
        refusal("normalize_vectors_mcp", &json!({ "vectors": [[1e308, 1e308, 1e308, 1e308]] }));
    assert_eq!(
        error,
        "`vectors[0]`: its length is beyond what a number can hold; scale the numbers down"
    );
    let error = refusal("normalize_vectors_mcp", &json!({ "vectors": [[1]], "norm_type": "l3" }));
    assert_eq!(error, "`norm_type`: unknown variant `l3`, expected one of `l2`, `l1`, `max`");
}

#[test]
fn a_call_that_was_taken_back_ends() {
    let services = services();
    let service = catalogue::find("vector_similarity").unwrap();
    let principal = Principal::anonymous();
    let context = services.context(service, &principal, &TakenBack);
    for (tool, arguments) in [
        ("vector_statistics_mcp", r#"{"vectors": [[1], [2]], "calculate_pairwise": true}"#),
        (
            "batch_vector_similarity_mcp",
            r#"{"query_vector": [1], "candidate_vectors": [{"vector": [1]}]}"#,
        ),
    ] {
        let tool = service.tool(tool).unwrap();
        let error = Services::call(&context, tool, arguments.as_bytes()).unwrap_err();
        assert_eq!(error, ToolError::Cancelled);
    }
}
