//! What holds of `verdict`, and what must be refused.

use serde_json::json;

use super::*;

const M: Revision = Revision::V2026_07_28;

fn answer(status: u16, body: &str) -> ProbeAnswer {
    ProbeAnswer {
        repeated: false,
        status: Some(status),
        body: (!body.is_empty()).then(|| Bytes::copy_from_slice(body.as_bytes())),
        redirects_home: false,
    }
}

fn judge(status: u16, body: &str) -> Verdict {
    judge_probe(&answer(status, body))
}

fn judge_again(status: u16, body: &str) -> Verdict {
    judge_probe(&ProbeAnswer { repeated: true, ..answer(status, body) })
}

fn error(code: i64) -> String {
    json!({"jsonrpc":"2.0","id":1,"error":{"code":code,"message":"m"}}).to_string()
}

fn unsupported(supported: &[&str]) -> String {
    json!({"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"m","data":{"supported":supported,"requested":"x"}}})
        .to_string()
}

fn discover(supported: &[&str]) -> String {
    json!({"jsonrpc":"2.0","id":1,"result":{"supportedVersions":supported,"capabilities":{}}})
        .to_string()
}

fn names(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

#[test]
fn a_discover_result_with_a_modern_revision_is_modern() {
    let Verdict::Modern { revision, dual, discover: raw } = judge(200, &discover(&["2026-07-28"]))
    else {
        panic!("not modern");
    };
    assert_eq!((revision, dual), (M, false));
    assert_eq!(&raw[..], br#"{"supportedVersions":["2026-07-28"],"capabilities":{}}"#);
    let both = judge(200, &discover(&["2027-01-01", "2026-07-28", "2025-11-25"]));
    assert!(matches!(both, Verdict::Modern { revision: M, dual: true, .. }));
}

#[test]
fn a_discover_result_with_legacy_revisions_only_is_legacy() {
    assert_eq!(judge(200, &discover(&["2025-11-25", "2025-06-18"])), Verdict::Legacy);
    let strange = discover(&["2028-01-01"]);
    assert_eq!(judge(200, &strange), Verdict::Incompatible { supported: names(&["2028-01-01"]) });
}

#[test]
fn unsupported_with_a_mutual_revision_is_probed_once_more() {
    for status in [400, 200, 500] {
        assert_eq!(judge(status, &unsupported(&["2026-07-28"])), Verdict::ProbeAgain(M));
    }
    let again = judge_again(400, &unsupported(&["2026-07-28"]));
    assert!(matches!(again, Verdict::UpstreamFault { .. }));
}

#[test]
fn unsupported_with_legacy_revisions_only_is_legacy() {
    assert_eq!(judge(400, &unsupported(&["2025-11-25", "2024-11-05"])), Verdict::Legacy);
    assert_eq!(judge(400, &unsupported(&["2028-01-01", "2025-11-25"])), Verdict::Legacy);
    assert_eq!(judge(400, &unsupported(&["2024-10-07"])), Verdict::Legacy);
}

#[test]
fn unsupported_with_unknown_modern_revisions_is_incompatible() {
    let supported = ["2027-01-01", "2028-01-01"];
    let expected = Verdict::Incompatible { supported: names(&supported) };
    assert_eq!(judge(400, &unsupported(&supported)), expected);
    assert_eq!(judge_again(400, &unsupported(&supported)), expected);
}

#[test]
fn unsupported_without_a_list_is_no_evidence() {
    assert_eq!(judge(400, &error(-32022)), Verdict::Legacy);
    assert_eq!(judge(400, &unsupported(&[])), Verdict::Legacy);
}

#[test]
fn header_and_capability_errors_are_corrected_once() {
    for code in [-32020, -32021] {
        assert_eq!(judge(400, &error(code)), Verdict::RepeatOnce);
        assert_eq!(judge_again(400, &error(code)), Verdict::Legacy);
    }
}

#[test]
fn any_other_400_is_legacy() {
    for code in [-32000, -32001, -32003, -32004, -32600, -32602] {
        assert_eq!(judge(400, &error(code)), Verdict::Legacy, "{code}");
    }
    for body in ["", "<html>no</html>", "null", r#"{"detail":"bad"}"#] {
        assert_eq!(judge(400, body), Verdict::TryInitializeThenGet, "{body}");
    }
    // Not quite JSON-RPC, but an answer of something that knows it.
    assert_eq!(judge(400, r#"{"error":{"code":-32000,"message":"m"}}"#), Verdict::Legacy);
}

#[test]
fn a_200_without_a_discover_result_is_legacy() {
    for code in [-32601, -32602, -32600, -32000, -32020] {
        assert_eq!(judge(200, &error(code)), Verdict::Legacy, "{code}");
    }
    for body in [r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, "hello", ""] {
        assert_eq!(judge(200, body), Verdict::Legacy, "{body}");
    }
}

#[test]
fn a_404_with_method_not_found_is_ambiguous() {
    assert_eq!(judge(404, &error(-32601)), Verdict::Ambiguous404);
    assert_eq!(judge(404, &error(-32000)), Verdict::Legacy);
    let list = |result: &str| {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#);
        speaks_modern_without_discover(&Bytes::from(body))
    };
    assert!(list(r#"{"resultType":"complete","tools":[]}"#));
    assert!(!list(r#"{"tools":[]}"#));
}

#[test]
fn statuses_without_json_rpc_lead_to_initialize_and_then_get() {
    for status in [404, 405, 410, 422] {
        assert_eq!(judge(status, "Not here"), Verdict::TryInitializeThenGet, "{status}");
    }
}

#[test]
fn refused_media_types_are_legacy() {
    assert_eq!(judge(406, ""), Verdict::Legacy);
    assert_eq!(judge(415, &error(-32000)), Verdict::Legacy);
}

#[test]
fn authentication_is_no_verdict() {
    for status in [401, 403, 407] {
        let expected = Verdict::Undecided(Undecided::Unauthorised);
        assert_eq!(judge(status, ""), expected);
        assert_eq!(judge(status, &unsupported(&["2025-11-25"])), expected);
    }
}

#[test]
fn trouble_is_no_verdict() {
    for status in [408, 429, 500, 502, 503, 504] {
        assert_eq!(judge(status, &error(-32603)), Verdict::Undecided(Undecided::Unavailable));
    }
    let silent = ProbeAnswer { status: None, ..answer(200, "") };
    assert_eq!(judge_probe(&silent), Verdict::Undecided(Undecided::Unreachable));
}

#[test]
fn redirects_are_followed_at_home_only() {
    let home = |status| judge_probe(&ProbeAnswer { redirects_home: true, ..answer(status, "") });
    assert_eq!(home(307), Verdict::Follow);
    assert_eq!(home(308), Verdict::Follow);
    assert_eq!(home(302), Verdict::Redirected, "it would turn the POST into a GET");
    assert_eq!(judge(308, ""), Verdict::Redirected);
}

#[test]
fn a_refused_initialize_may_show_a_modern_server() {
    let refused = |body: &str| judge_refused_initialize(&Bytes::copy_from_slice(body.as_bytes()));
    assert_eq!(refused(&unsupported(&["2026-07-28"])), Some(Verdict::ProbeAgain(M)));
    assert!(matches!(refused(&unsupported(&["2028-01-01"])), Some(Verdict::Incompatible { .. })));
    assert_eq!(refused(&unsupported(&["2025-11-25"])), None);
    assert_eq!(refused(&error(-32602)), None);
}

#[test]
fn a_child_is_judged_by_its_line() {
    let line = |text: &str| {
        let line = StdioAnswer::Line(Bytes::copy_from_slice(text.as_bytes()));
        judge_stdio_probe(false, &line)
    };
    assert!(matches!(
        line(&discover(&["2026-07-28"])),
        StdioVerdict::SameChild(Verdict::Modern { .. })
    ));
    assert_eq!(
        line(&unsupported(&["2026-07-28"])),
        StdioVerdict::SameChild(Verdict::ProbeAgain(M))
    );
    for code in [-32601, -32600, -32602, -32000, -32020, -32021] {
        assert_eq!(line(&error(code)), StdioVerdict::SameChild(Verdict::Legacy), "{code}");
    }
}

#[test]
fn a_child_that_exits_or_stays_silent_is_replaced() {
    for answer in [StdioAnswer::Exited, StdioAnswer::Silent] {
        assert_eq!(judge_stdio_probe(false, &answer), StdioVerdict::FreshChild);
    }
}
