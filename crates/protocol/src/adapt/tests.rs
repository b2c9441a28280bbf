//! What holds of `adapt`, and what must be refused.

use proptest::prelude::*;

use super::*;

const V24: Revision = Revision::V2024_11_05;
const V0326: Revision = Revision::V2025_03_26;
const V0618: Revision = Revision::V2025_06_18;
const V1125: Revision = Revision::V2025_11_25;
const MODERN: Revision = Revision::V2026_07_28;

fn crossing(method: &str, from: Revision, to: Revision) -> Crossing<'_> {
    Crossing { method, from, to }
}

#[track_caller]
fn check(raw: &str, crossing: Crossing<'_>, expected: &str) {
    let out = result_to_client(raw.as_bytes(), crossing, &ResultFacts::default());
    assert_eq!(String::from_utf8_lossy(&out), expected);
    let same = raw == expected;
    assert_eq!(matches!(out, Cow::Borrowed(_)), same, "copied only if changed");
}

#[test]
fn a_legacy_result_becomes_complete_for_a_modern_client() {
    check(
        r#"{ "content":[], "n":1.50 }"#,
        crossing("tools/call", V1125, MODERN),
        r#"{ "content":[], "n":1.50,"resultType":"complete" }"#,
    );
    check(
        r#"{"contents":[]}"#,
        crossing("resources/read", V24, MODERN),
        r#"{"contents":[],"resultType":"complete","ttlMs":0,"cacheScope":"private"}"#,
    );
    let facts = ResultFacts {
        freshness: Freshness { ttl_ms: 60_000, public: true },
        server_info: Some(br#"{"name":"u"}"#),
        audio: AudioForm::Embedded,
    };
    let list = br#"{"tools":[],"_meta":{"k":1}}"#;
    let out = result_to_client(list, crossing("tools/list", V1125, MODERN), &facts);
    assert_eq!(
        String::from_utf8_lossy(&out),
        r#"{"tools":[],"_meta":{"k":1,"io.modelcontextprotocol/serverInfo":{"name":"u"}},"resultType":"complete","ttlMs":60000,"cacheScope":"public"}"#
    );
    let out = result_to_client(b"{}", crossing("tools/call", V1125, MODERN), &facts);
    assert_eq!(
        String::from_utf8_lossy(&out),
        r#"{"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"u"}}}"#
    );
}

#[test]
fn a_modern_result_loses_what_no_legacy_server_says() {
    check(
        r#"{"resultType":"complete","tools":[],"ttlMs":5,"cacheScope":"public","nextCursor":"c","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"u"},"k":1}}"#,
        crossing("tools/list", MODERN, V1125),
        r#"{"tools":[],"nextCursor":"c","_meta":{"k":1}}"#,
    );
    // A tool's own member of that name is none of ours.
    check(
        r#"{"resultType":"complete","content":[],"ttlMs":5,"_meta":{"io.modelcontextprotocol/serverInfo":{}}}"#,
        crossing("tools/call", MODERN, V1125),
        r#"{"content":[],"ttlMs":5}"#,
    );
    check(r#"{"content":[]}"#, crossing("tools/call", MODERN, V1125), r#"{"content":[]}"#);
}

#[test]
fn within_a_revision_nothing_changes() {
    let raw = r#"{ "resultType":"complete","content":[{"type":"audio"},{"type":"resource_link"}],"structuredContent":[1]}"#;
    for revision in Revision::ALL {
        check(raw, crossing("tools/call", revision, revision), raw);
    }
    check(raw, crossing("tools/call", V24, V1125), raw);
}

#[test]
fn audio_becomes_a_resource_for_the_oldest_clients() {
    let raw = r#"{"content":[{"type":"text", "text":"t"},{"annotations":{"priority":1},"type":"audio","data":"AAAA","mimeType":"audio/wav"}]}"#;
    check(
        raw,
        crossing("tools/call", V1125, V24),
        r#"{"content":[{"type":"text", "text":"t"},{"annotations":{"priority":1},"type":"resource","resource":{"uri":"urn:gantry:audio:1","mimeType":"audio/wav","blob":"AAAA"}}]}"#,
    );
    check(raw, crossing("tools/call", V1125, V0326), raw);
    let facts = ResultFacts { audio: AudioForm::Text, ..ResultFacts::default() };
    let out = result_to_client(raw.as_bytes(), crossing("tools/call", V1125, V24), &facts);
    assert_eq!(
        String::from_utf8_lossy(&out),
        r#"{"content":[{"type":"text", "text":"t"},{"type":"text","text":"[audio, audio/wav, 3 bytes]","annotations":{"priority":1}}]}"#
    );
}

#[test]
fn links_become_text_for_clients_before_2025_06_18() {
    let raw = r#"{"content":[{"type":"resource_link","uri":"file:///a","name":"a","mimeType":"text/plain"},{"type":"resource_link","uri":"file:///b","name":"b"}]}"#;
    let lowered = r#"{"content":[{"type":"text","text":"[resource: a, text/plain] file:///a"},{"type":"text","text":"[resource: b] file:///b"}]}"#;
    check(raw, crossing("tools/call", V1125, V0326), lowered);
    check(raw, crossing("tools/call", V0618, V24), lowered);
    check(raw, crossing("tools/call", V1125, V0618), raw);
}

#[test]
fn messages_of_a_prompt_are_lowered_too() {
    check(
        r#"{"description":"d","messages":[{"role":"user","content":{"type":"text","text":"\"audio\""}},{"role":"user","content":{"type":"resource_link","uri":"u","name":"n"}},{"role":"assistant","content":{"type":"audio","data":"AA==","mimeType":"m"}}]}"#,
        crossing("prompts/get", V1125, V24),
        r#"{"description":"d","messages":[{"role":"user","content":{"type":"text","text":"\"audio\""}},{"role":"user","content":{"type":"text","text":"[resource: n] u"}},{"role":"assistant","content":{"type":"resource","resource":{"uri":"urn:gantry:audio:2","mimeType":"m","blob":"AA=="}}}]}"#,
    );
}

#[test]
fn structured_content_that_is_no_object_becomes_text() {
    check(
        r#"{"resultType":"complete","content":[],"structuredContent":[1,2]}"#,
        crossing("tools/call", MODERN, V1125),
        r#"{"content":[{"type":"text","text":"[1,2]"}]}"#,
    );
    check(
        r#"{"resultType":"complete","content":[{"type":"text","text":"[1, 2]"}],"structuredContent":[1,2]}"#,
        crossing("tools/call", MODERN, V0618),
        r#"{"content":[{"type":"text","text":"[1, 2]"}]}"#,
    );
    check(
        r#"{"resultType":"complete","structuredContent":"hello","content":[{"type":"text","text":"hello"}]}"#,
        crossing("tools/call", MODERN, V24),
        r#"{"content":[{"type":"text","text":"hello"}]}"#,
    );
}

#[test]
fn structured_objects_are_kept_and_said_in_text_to_old_clients() {
    let raw = r#"{"content":[],"structuredContent":{"a":1}}"#;
    check(
        raw,
        crossing("tools/call", V1125, V0326),
        r#"{"content":[{"type":"text","text":"{\"a\":1}"}],"structuredContent":{"a":1}}"#,
    );
    check(raw, crossing("tools/call", V1125, V0618), raw);
    let said = r#"{"content":[{"type":"text","text":"one"}],"structuredContent":{"a":1}}"#;
    check(said, crossing("tools/call", V1125, V0326), said);
}

#[track_caller]
fn tool(revision: Revision, raw: &str, expected: &str) {
    assert_eq!(String::from_utf8_lossy(&tool_for(revision, raw.as_bytes())), expected);
}

#[test]
fn tools_are_lowered_so_that_a_strict_client_can_list_them() {
    let array = r#"{"name":"t","inputSchema":{"type":"object"},"outputSchema":{"type":"array"},"execution":{"taskSupport":"optional"}}"#;
    let dropped =
        r#"{"name":"t","inputSchema":{"type":"object"},"execution":{"taskSupport":"optional"}}"#;
    tool(V24, array, array);
    tool(V0326, array, array);
    tool(V0618, array, dropped);
    tool(V1125, array, dropped);
    tool(
        MODERN,
        array,
        r#"{"name":"t","inputSchema":{"type":"object"},"outputSchema":{"type":"array"}}"#,
    );
    let plain = r#"{ "name":"t", "inputSchema":{"type":"object","properties":{"a":{}}}, "outputSchema":{"type":"object"} }"#;
    for revision in Revision::ALL {
        tool(revision, plain, plain);
    }
}

#[test]
fn boolean_properties_become_objects_for_legacy_clients() {
    let raw = r#"{"inputSchema":{"type":"object","properties":{"a":true, "b":false,"c":{"additionalProperties":false}}},"outputSchema":{"type":"object","properties":{"x":true}}}"#;
    tool(
        V1125,
        raw,
        r#"{"inputSchema":{"type":"object","properties":{"a":{}, "b":{"not":{}},"c":{"additionalProperties":false}}},"outputSchema":{"type":"object","properties":{"x":{}}}}"#,
    );
    tool(MODERN, raw, raw);
}

fn fail(method: &str, code: i64, from: Revision, to: Revision) -> (u16, i64) {
    let error = RpcError::new(code, "m");
    match error_to_client(&error, crossing(method, from, to), None) {
        Failure::Error { status, error } => (status, error.code),
        Failure::ToolResult(_) => (0, 0),
    }
}

#[test]
fn a_missing_resource_is_told_in_the_words_of_the_clients_era() {
    let read = |code, from, to| {
        let error = RpcError::new(code, "m").with_data(json!({"uri":"u"}));
        match error_to_client(&error, crossing("resources/read", from, to), Some("u")) {
            Failure::Error { status, error } => {
                assert_eq!((status, error.data), (200, Some(json!({"uri":"u"}))));
                error.code
            }
            Failure::ToolResult(_) => 0,
        }
    };
    assert_eq!(read(-32002, V1125, MODERN), -32602);
    assert_eq!(read(-32002, MODERN, MODERN), -32602);
    assert_eq!(read(-32002, V1125, V24), -32002);
    assert_eq!(read(-32602, MODERN, V1125), -32002);
    assert_eq!(read(-32602, V1125, V1125), -32602);
    assert_eq!(fail("resources/read", -32602, MODERN, V1125), (200, -32602));
    assert_eq!(fail("tools/call", -32002, V1125, MODERN), (200, -32002));
}

#[test]
fn an_unknown_method_is_404_to_modern_clients_only() {
    assert_eq!(fail("x/y", -32601, MODERN, V1125), (200, -32601));
    assert_eq!(fail("x/y", -32601, V1125, MODERN), (404, -32601));
}

#[test]
fn errors_of_another_hop_are_never_handed_on() {
    for code in [-32020, -32022] {
        assert_eq!(fail("tools/call", code, MODERN, V1125), (200, -32603));
        assert_eq!(fail("tools/call", code, MODERN, MODERN), (200, -32603));
        assert_eq!(fail("tools/call", code, V1125, MODERN), (200, -32603));
        // Between legacy peers the number has no such meaning.
        assert_eq!(fail("tools/call", code, V1125, V1125), (200, code));
    }
    assert_eq!(fail("tools/call", -32042, MODERN, MODERN), (200, -32603));
    assert_eq!(fail("tools/call", -32042, MODERN, V1125), (200, -32603));
    assert_eq!(fail("tools/call", -32042, V1125, V1125), (200, -32042));
    assert_eq!(fail("tools/call", -32042, V1125, MODERN), (400, -32021));
    for code in [-32000, -32010, -32019, -32603, 17] {
        assert_eq!(fail("tools/call", code, V1125, MODERN), (200, code));
        assert_eq!(fail("tools/call", code, MODERN, V1125), (200, code));
    }
}

#[test]
fn a_missing_capability_is_named() {
    let error = RpcError::new(-32021, "needs it")
        .with_data(json!({"requiredCapabilities":{"elicitation":{"url":{}},"roots":{}}}));
    let call = error_to_client(&error, crossing("tools/call", MODERN, V1125), None);
    let Failure::ToolResult(raw) = call else { panic!("not a tool result") };
    let result: Value = serde_json::from_slice(&raw).unwrap();
    assert_eq!(result["isError"], true);
    let text = result["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("`elicitation.url`, `roots`"), "{text}");
    let get = error_to_client(&error, crossing("prompts/get", MODERN, V1125), None);
    let Failure::Error { status: 200, error: internal } = get else { panic!("not an error") };
    assert_eq!((internal.code, &internal.data), (-32603, &error.data));
    let modern = error_to_client(&error, crossing("tools/call", MODERN, MODERN), None);
    assert_eq!(modern, Failure::Error { status: 400, error });
    assert_eq!(fail("tools/call", -32021, V1125, MODERN), (200, -32603));
}

#[test]
fn a_failed_call_is_a_result() {
    let modern: Value = serde_json::from_slice(&tool_error("no", Era::Modern)).unwrap();
    assert_eq!(modern["resultType"], "complete");
    let legacy: Value = serde_json::from_slice(&tool_error("no", Era::Legacy)).unwrap();
    assert_eq!(legacy, json!({"content":[{"type":"text","text":"no"}],"isError":true}));
}

fn block() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[a-z]{0,4}".prop_map(|text| json!({"type":"text","text":text})),
        Just(json!({"type":"image","data":"AA==","mimeType":"image/png"})),
        Just(json!({"type":"audio","data":"AA==","mimeType":"audio/wav"})),
        Just(json!({"type":"resource_link","uri":"u","name":"n"})),
        Just(json!({"type":"vendor","x":1})),
    ]
}

proptest! {
    /// Whatever goes to a legacy client has only blocks that its revision knows, or that no
    /// revision does.
    #[test]
    fn lowered_content_has_no_newer_block(
        blocks in proptest::collection::vec(block(), 0..5),
        structured in proptest::option::of(prop_oneof![Just(json!([1])), Just(json!({"a":1}))]),
        to in prop_oneof![Just(V24), Just(V0326), Just(V0618), Just(V1125)],
    ) {
        let mut result = json!({"content": blocks, "resultType":"complete"});
        if let Some(structured) = &structured {
            result["structuredContent"] = structured.clone();
        }
        let raw = result.to_string();
        let crossing = crossing("tools/call", MODERN, to);
        let out = result_to_client(raw.as_bytes(), crossing, &ResultFacts::default());
        let out: Value = serde_json::from_slice(&out).unwrap();
        prop_assert!(out.get("resultType").is_none());
        prop_assert!(out.get("structuredContent").is_none_or(Value::is_object));
        let content = out["content"].as_array().unwrap();
        prop_assert!(content.len() >= blocks.len());
        for (sent, got) in blocks.iter().zip(content) {
            let kind = got["type"].as_str().unwrap();
            prop_assert!(kind != "audio" || to >= V0326);
            prop_assert!(kind != "resource_link" || to >= V0618);
            if kind == sent["type"] {
                prop_assert_eq!(sent, got);
            }
        }
        if structured.is_some_and(|value| value.is_array() || to < V0618) {
            prop_assert!(content.iter().any(|block| block["type"] == "text"));
        }
    }
}
