//! What holds of `resource_error`, and what must be refused.

use serde_json::json;

use super::*;

#[test]
fn the_details_of_a_missing_resource_survive_both_ways() {
    let legacy = RpcError::new(-32002, "no such file").with_data(json!({"uri":"file:///x","n":1}));
    let modern = to_modern(&legacy);
    assert_eq!(modern.code, -32602);
    assert_eq!(to_legacy(&modern, Some("file:///x")), Some(legacy));
}

#[test]
fn invalid_params_are_a_missing_resource_only_for_the_uri_asked_for() {
    let other = RpcError::new(-32602, "m").with_data(json!({"uri":"file:///y"}));
    assert_eq!(to_legacy(&other, Some("file:///x")), None);
    assert_eq!(to_legacy(&RpcError::new(-32602, "m"), Some("file:///x")), None);
    assert_eq!(to_legacy(&RpcError::new(-32602, "m"), None), None);
}
