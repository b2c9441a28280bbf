//! Tests of `data_standardization`.

use serde_json::{Value, json};

use crate::rig::{call, services};

fn tool(name: &str, arguments: &Value) -> Result<Value, String> {
    call(&services(), "data_standardization", name, arguments).map_err(|error| error.to_string())
}

#[test]
fn the_twelve_tools_are_there_under_their_names() {
    let service = gantry_services::catalogue::find("data_standardization").unwrap();
    let names: Vec<&str> = service.tools.iter().map(|tool| tool.name).collect();
    assert_eq!(
        names,
        [
            "handle_mcp_enhanced_standardization",
            "mcp_account_standardization_skill",
            "mcp_batch_standardization_skill",
            "mcp_enhanced_standardization_workflow",
            "_assess_data_quality_with_mcp",
            "_validate_data_with_mcp",
            "_save_mcp_enhanced_results",
            "example_mcp_integration",
            "mcp_quality_assessment",
            "mcp_validation_tools",
            "mcp_performance_tools",
            "mcp_confidence_calculator",
        ]
    );
}

#[test]
fn a_batch_keeps_the_order_and_the_ids() {
    let answer = tool(
        "mcp_batch_standardization_skill",
        &json!({ "location": [{ "location_id": "b", "name": "London", "country": "CA" }, "London", ""], "product": [] }),
    )
    .unwrap();
    let places = answer["results"]["location"].as_array().unwrap();
    assert_eq!(places[0]["location_id"], "b");
    assert_eq!(places[0]["l2_country"], "Canada");
    assert_eq!(places[1]["location_id"], "location-2");
    assert_eq!(places[1]["l2_country"], "United Kingdom");
    assert_eq!(places[2]["standardized"], false);
    assert_eq!(answer["summary"]["total"], 3);
    assert_eq!(answer["summary"]["standardized"], 2);
}

#[test]
fn no_items_are_no_mistake_of_a_batch() {
    let answer = tool("mcp_account_standardization_skill", &json!({ "items": [] })).unwrap();
    assert_eq!(
        answer["summary"],
        json!({ "total": 0, "standardized": 0, "success_rate": 1.0, "average_confidence": 1.0 })
    );
}

#[test]
fn what_cannot_be_standardised_is_refused_by_its_place() {
    let long = "x".repeat(10 << 20);
    let many: Vec<&str> = vec!["a"; 10_001];
    for (name, arguments, expected) in [
        ("mcp_account_standardization_skill", json!({}), "`items`: is required"),
        (
            "mcp_account_standardization_skill",
            json!({ "items": [1.5, [1]] }),
            "`items[1]`: is neither",
        ),
        (
            "mcp_account_standardization_skill",
            json!({ "items": [{ "id": "1" }] }),
            "`items[0].name`: is required",
        ),
        (
            "mcp_account_standardization_skill",
            json!({ "items": [long] }),
            "`items[0]`: 10485760 bytes; at most 1000",
        ),
        (
            "mcp_account_standardization_skill",
            json!({ "items": many }),
            "`items`: has 10001 items; at most 10000",
        ),
        (
            "mcp_account_standardization_skill",
            json!({ "items": [], "vocabulary": [{ "kind": "account", "names": ["x"], "levels": ["", "", "", " "] }] }),
            "`vocabulary[0].levels`: are all empty",
        ),
        (
            "mcp_enhanced_standardization_workflow",
            json!({ "request": {} }),
            "`request`: has no items",
        ),
        (
            "handle_mcp_enhanced_standardization",
            json!({ "request": "COGS" }),
            "`request`: line 1 has no kind",
        ),
        ("handle_mcp_enhanced_standardization", json!({ "request": 5 }), "`request`: is neither"),
        (
            "handle_mcp_enhanced_standardization",
            json!({ "request": { "accounts": [] } }),
            "`request.accounts`: unknown field",
        ),
        (
            "standardize_values",
            json!({ "values": [{ "kind": "phone", "value": "1", "region": "XX" }] }),
            "`values[0].region`: `XX` is no country",
        ),
        ("_assess_data_quality_with_mcp", json!({ "data": [1] }), "`data[0]`: invalid type"),
        (
            "_assess_data_quality_with_mcp",
            json!({ "data": [], "max_age_days": -1 }),
            "`max_age_days`:",
        ),
        (
            "_save_mcp_enhanced_results",
            json!({ "results": 1, "name": "../etc" }),
            "`name`: is no plain name",
        ),
        ("_save_mcp_enhanced_results", json!({ "results": 1 }), "output folder: there is none"),
    ] {
        let error = tool(name, &arguments).unwrap_err();
        assert!(error.starts_with(expected), "{name}: {error}");
    }
}

#[test]
fn what_comes_out_of_a_batch_is_valid() {
    let batch = json!({ "account": ["COGS", "Petty cash", "Goodwill"] });
    let answer = tool("mcp_batch_standardization_skill", &batch).unwrap();
    let fields =
        ["account_id", "l1_category", "l2_subcategory", "l3_classification", "l4_specific"];
    let records: Vec<Value> = answer["results"]["account"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            fields
                .iter()
                .map(|field| ((*field).to_owned(), item[*field].clone()))
                .collect::<serde_json::Map<_, _>>()
                .into()
        })
        .collect();
    let valid = tool(
        "_validate_data_with_mcp",
        &json!({ "kind": "account", "data": records, "strict": true }),
    )
    .unwrap();
    assert_eq!(valid["valid"], true, "{valid}");
    let twice = json!([records[0], records[0], { "account_id": "x", "l1_category": null, "l2_subcategory": "Current Assets" }]);
    let invalid =
        tool("_validate_data_with_mcp", &json!({ "kind": "account", "data": twice })).unwrap();
    let places: Vec<&str> = invalid["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["place"].as_str().unwrap())
        .collect();
    assert_eq!(
        places,
        [
            "data[1].account_id",
            "data[2].l2_subcategory",
            "data[2].l3_classification",
            "data[2].l4_specific"
        ]
    );
}

#[test]
fn a_workflow_stops_at_each_of_its_gates() {
    let status = |request: Value| {
        tool("mcp_enhanced_standardization_workflow", &json!({ "request": request })).unwrap()
    };
    let poor = status(json!({ "product": [null_text(), null_text()] }));
    assert_eq!(poor["status"], "initial_quality_failed");
    assert_eq!(poor["results"], json!({}));
    let strange = status(json!({ "product": ["qwertz", "zuiop", "chair"] }));
    assert_eq!(strange["status"], "post_processing_failed");
    assert_eq!(strange["gates"][1]["passed"], false);
    assert_eq!(strange["results"]["product"][2]["l4_specific"], "Chair");
}

fn null_text() -> &'static str {
    "n/a"
}
