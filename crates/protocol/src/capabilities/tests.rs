//! What holds of `capabilities`, and what must be refused.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn reads(raw: &str, expected: &str) {
    assert_eq!(Profile::read(raw.as_bytes()).to_string(), expected, "{raw}");
}

fn declared(raw: &str, revision: Revision) -> String {
    String::from_utf8(Profile::read(raw.as_bytes()).to_capabilities(revision)).unwrap()
}

const ALL: &str = r#"{"roots":{"listChanged":true},"sampling":{"tools":{},"context":{}},"elicitation":{"form":{},"url":{}},"tasks":{},"extensions":{"x/b":{"k":[1]},"io.modelcontextprotocol/tasks":{},"x/a":{}}}"#;

#[test]
fn capabilities_of_every_revision_are_read() {
    reads("{}", "{}");
    reads("7", "{}");
    reads(r#"{"roots":null,"sampling":true}"#, "{}");
    reads(r#"{"roots":{"listChanged":true},"sampling":{}}"#, "{roots, sampling}");
    reads(r#"{"elicitation":{}}"#, "{elicitation.form}");
    reads(r#"{"elicitation":{"url":{}}}"#, "{elicitation.url}");
    reads(r#"{"elicitation":{"form":{},"url":{}}}"#, "{elicitation.form, elicitation.url}");
    reads(
        ALL,
        "{roots, sampling, sampling.tools, sampling.context, elicitation.form, elicitation.url, extensions}",
    );
    reads(r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#, "{}");
}

#[test]
fn a_revision_knows_only_its_own_words() {
    let all = Profile::read(ALL.as_bytes());
    let projected = |revision| all.project(revision).to_string();
    assert_eq!(projected(Revision::V2024_11_05), "{roots, sampling, extensions}");
    assert_eq!(projected(Revision::V2025_03_26), "{roots, sampling, extensions}");
    assert_eq!(projected(Revision::V2025_06_18), "{roots, sampling, elicitation.form, extensions}");
    assert_eq!(all.project(Revision::V2025_11_25), all);
    let url = Profile::read(br#"{"elicitation":{"url":{}}}"#);
    assert!(url.project(Revision::V2025_06_18).asks_nothing());
}

#[test]
fn what_is_declared_fits_the_revision() {
    assert_eq!(declared("{}", Revision::V2025_11_25), "{}");
    assert_eq!(
        declared(ALL, Revision::V2024_11_05),
        r#"{"roots":{},"sampling":{},"extensions":{"x/a":{},"x/b":{"k":[1]}}}"#
    );
    assert_eq!(
        declared(r#"{"elicitation":{"form":{},"url":{}}}"#, Revision::V2025_06_18),
        r#"{"elicitation":{}}"#
    );
    assert_eq!(
        declared(r#"{"elicitation":{},"sampling":{"tools":{}}}"#, Revision::V2025_11_25),
        r#"{"sampling":{"tools":{}},"elicitation":{"form":{}}}"#
    );
}

#[test]
fn extensions_are_compared_by_meaning() {
    let read = |text: &str| Profile::read(text.as_bytes());
    let one = read(r#"{"extensions":{"a":{"x":1,"y":2},"b":{}}}"#);
    let same = read(r#"{"extensions":{"b":{},"a":{"y":2,"x":1}}}"#);
    let fewer = read(r#"{"extensions":{"b":{}}}"#);
    let other = read(r#"{"extensions":{"b":{"z":1}}}"#);
    assert_eq!(one, same);
    assert!(fewer.is_subset_of(&one) && !one.is_subset_of(&fewer) && !other.is_subset_of(&one));
    assert!(Profile::EMPTY.is_subset_of(&one) && !one.is_subset_of(&Profile::EMPTY));
}

#[test]
fn a_callback_names_what_it_lacks() {
    let form = Profile::read(br#"{"elicitation":{},"sampling":{}}"#);
    let missing = |method, params: &str| form.missing_for(method, Some(params.as_bytes()));
    assert_eq!(missing("elicitation/create", r#"{"message":"m"}"#), None);
    assert_eq!(missing("elicitation/create", r#"{"mode":"url"}"#), Some("elicitation.url"));
    assert_eq!(missing("sampling/createMessage", "{}"), None);
    assert_eq!(missing("sampling/createMessage", r#"{"tools":[]}"#), Some("sampling.tools"));
    assert_eq!(form.missing_for("roots/list", None), Some("roots"));
    let none = Profile::EMPTY;
    assert_eq!(none.missing_for("sampling/createMessage", None), Some("sampling"));
    assert_eq!(none.missing_for("ping", None), None);
}

#[test]
fn a_legacy_clients_own_words_go_into_the_envelope() {
    let check = |raw: &str, expected: &str| {
        assert_eq!(String::from_utf8_lossy(&for_modern_request(raw.as_bytes())), expected);
    };
    check(
        ALL,
        r#"{"roots":{},"sampling":{"tools":{},"context":{}},"elicitation":{"form":{},"url":{}},"extensions":{"x/b":{"k":[1]},"x/a":{}}}"#,
    );
    check(r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#, "{}");
    check(r#"{ "roots" : {} , "vendor":{"n":1.0} }"#, r#"{ "roots" : {} , "vendor":{"n":1.0} }"#);
    check(r#"{"sampling":null,"elicitation":{}}"#, r#"{"elicitation":{}}"#);
    check("[]", "{}");
}

#[test]
fn upstreams_are_offered_as_one() {
    let mut union = ServerCapabilities::default();
    assert_eq!(union.to_raw(), b"{}");
    let conflicts = union.fold(
        br#"{"tools":{},"resources":{"subscribe":true},"tasks":{"list":{}},"extensions":{"io.modelcontextprotocol/tasks":{},"x/a":{"n":1}},"vendor":{"v":1}}"#,
        Revision::V2025_11_25,
    );
    assert!(conflicts.is_empty() && !union.completions);
    let conflicts = union.fold(
        br#"{"prompts":{"listChanged":false},"resources":{"subscribe":false},"extensions":{"x/a":{"n":2},"x/b":{}},"vendor":{"v":2}}"#,
        Revision::V2024_11_05,
    );
    assert_eq!(conflicts, ["x/a"]);
    assert_eq!(
        String::from_utf8(union.to_raw()).unwrap(),
        r#"{"tools":{"listChanged":true},"prompts":{"listChanged":true},"resources":{"listChanged":true,"subscribe":true},"completions":{},"extensions":{"x/a":{"n":1},"x/b":{}},"vendor":{"v":1}}"#
    );
}

proptest! {
    #[test]
    fn bits_and_declarations_say_the_same(bits in any::<u8>()) {
        let profile = Profile::from_bits(bits);
        prop_assert_eq!(&Profile::from_bits(profile.bits()), &profile);
        for revision in Revision::ALL {
            let declared = Profile::read(&profile.to_capabilities(revision));
            prop_assert_eq!(&declared, &profile.project(revision));
            prop_assert!(declared.is_subset_of(&profile));
        }
    }

    #[test]
    fn a_projection_is_never_wider(one in any::<u8>(), other in any::<u8>()) {
        let (one, other) = (Profile::from_bits(one), Profile::from_bits(other));
        if one.is_subset_of(&other) {
            for revision in Revision::ALL {
                prop_assert!(one.project(revision).is_subset_of(&other.project(revision)));
            }
        }
    }
}
