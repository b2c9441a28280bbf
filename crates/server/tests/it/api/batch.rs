//! Batches of calls over real sockets: order, failures, how many at a time.

use serde_json::{Value, json};

use super::{post, with_upstream};

fn statuses(body: &Value) -> Vec<(&str, &str)> {
    let results = body["results"].as_array().unwrap().iter();
    results
        .map(|one| (one["execution_id"].as_str().unwrap(), one["status"].as_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn calls_are_made_after_those_they_depend_on_and_told_in_their_order() {
    let (site, upstream) = with_upstream("").await;
    let executions = json!([
        { "tool_name": "echo", "server_id": "up", "parameters": { "text": "b" },
          "execution_id": "b", "depends_on": ["a"] },
        { "tool_name": "up__echo", "parameters": { "text": "a" }, "execution_id": "a" },
        { "tool_name": "up__boom", "execution_id": "c" },
        { "tool_name": "up__echo", "depends_on": ["c"] },
        { "tool_name": "up__fail", "execution_id": "f" },
    ]);
    let body = post(&site, "/api/tools/batch", json!({ "executions": executions })).await.json();
    let expected = [
        ("b", "succeeded"),
        ("a", "succeeded"),
        ("c", "failed"),
        ("4", "skipped"),
        ("f", "failed"),
    ];
    assert_eq!(statuses(&body), expected, "{body}");
    assert_eq!(body["results"][0]["result"]["result"]["content"][0]["text"], "b");
    assert_eq!(body["results"][2]["error"]["code"], "TOOL_EXECUTION_FAILED");
    assert_eq!(body["results"][4]["result"]["success"], false);
    let counts = [&body["total"], &body["succeeded"], &body["failed"], &body["skipped"]];
    assert_eq!(counts, [&json!(5), &json!(2), &json!(2), &json!(1)]);
    assert_eq!(upstream.count("tools/call"), 4);
}

#[tokio::test]
async fn no_more_calls_are_made_at_a_time_than_allowed() {
    let (site, upstream) = with_upstream("").await;
    let executions: Vec<_> = (0..5).map(|_| json!({ "tool_name": "up__wait" })).collect();
    let batch = json!({ "executions": executions, "options": { "max_parallel": 2 } });
    let made = post(&site, "/api/tools/batch", batch);
    let watched = async {
        upstream.until_waiting(2).await;
        // Another call passes while two wait, so a third of the batch would have come by now.
        let other = post(&site, "/api/tools/up__echo", json!({})).await;
        assert_eq!(other.status, 200);
        assert_eq!(upstream.count("tools/call"), 3);
        upstream.let_go();
    };
    let (answer, ()) = tokio::join!(made, watched);
    assert_eq!(answer.json()["succeeded"], 5);
}

#[tokio::test]
async fn after_a_failure_no_further_call_is_made_if_so_wanted() {
    let (site, upstream) = with_upstream("").await;
    let executions = json!([
        { "tool_name": "up__boom" }, { "tool_name": "up__echo" }, { "tool_name": "up__echo" },
    ]);
    let options = json!({ "fail_fast": true, "max_parallel": 1 });
    let batch = json!({ "executions": executions, "options": options });
    let body = post(&site, "/api/tools/batch", batch).await.json();
    assert_eq!(statuses(&body), [("1", "failed"), ("2", "skipped"), ("3", "skipped")]);
    assert_eq!(upstream.count("tools/call"), 1);
}

#[tokio::test]
async fn a_batch_that_cannot_be_carried_out_calls_nothing() {
    let (site, upstream) = with_upstream("").await;
    let call = |id: &str, after: &[&str]| json!({ "tool_name": "up__echo", "execution_id": id, "depends_on": after });
    for (executions, code) in [
        (json!([]), "E0327"),
        (json!([call("a", &["b"]), call("b", &["a"])]), "E0327"),
        (json!([call("a", &["nobody"])]), "E0327"),
        (json!([call("a", &[]), call("a", &[])]), "E0327"),
        (json!([{ "tool": "up__echo" }]), "E0324"),
        (json!([{ "tool_name": "up__echo", "parameters": [] }]), "E0324"),
    ] {
        let refused = post(&site, "/api/tools/batch", json!({ "executions": executions })).await;
        assert_eq!(refused.refusal(), (400, "INVALID_PARAMETERS".to_owned()), "{executions}");
        assert_eq!(refused.code(), code, "{executions}");
    }
    assert_eq!(upstream.count("tools/call"), 0);
}
