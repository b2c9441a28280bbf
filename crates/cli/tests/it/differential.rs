//! The differential leg: a corpus of exchanges is carried out with an upstream directly and through
//! Gantry, and what both ends see must be the same to the byte, but for the differences that
//! `docs/differences.md` lists.
//!
//! 1. [`corpus`]: the exchanges, as they stand in `differential/corpus/*.txt`.
//! 2. [`recorder`]: an upstream that answers from the corpus and keeps every byte it is sent, over
//!    HTTP and as a child process.
//! 3. [`leg`]: a client that carries an exchange out and keeps every byte it gets.
//! 4. [`differences`]: what may differ, and where.
//! 5. [`compare`]: the comparison.
//!
//! The same era, and the same revision, is spoken on both sides; what happens between eras is
//! tested in `eras`.

mod compare;
mod corpus;
mod differences;
mod greeting;
mod json;
mod leg;
mod outside;
mod recorder;

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Value, json};

use self::{
    compare::Pairing,
    corpus::{Case, Era},
    differences::Difference,
    leg::Leg,
    recorder::Recorder,
};
use crate::{eras::config, support::gantry::Gantry};

/// The legacy revisions, newest first.
const LEGACY: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/// Everything a legacy client can be asked.
fn all_capabilities() -> Value {
    json!({ "roots": { "listChanged": true }, "sampling": {}, "elicitation": {} })
}

/// A gateway in front of the recorder, whose own tools stay out of the way.
async fn gateway(server: &Value) -> Gantry {
    let mut config: Value =
        serde_json::from_str(&config(&[("up", server.clone())])).expect("a configuration is JSON");
    config["builtin"] = false.into();
    config["log"] = json!({ "level": "debug" });
    Gantry::start(&config.to_string()).await
}

/// Carries out the corpus on both legs and compares.
async fn differ(pairing: Pairing, recorder: &Arc<Recorder>, direct: &mut Leg, via: &mut Leg) {
    let mut failures = Vec::new();
    let mut n_cases = 0;
    for case in corpus::of(pairing.era()) {
        let case = Arc::new(case);
        if !pairing.takes(&case) {
            continue;
        }
        n_cases += 1;
        let straight = direct.carry_out(&case, recorder).await;
        let through = via.carry_out(&case, recorder).await;
        failures.extend(compare::compare(pairing, &case, &straight, &through));
    }
    assert!(n_cases > 30, "only {n_cases} cases were carried out");
    assert!(
        failures.is_empty(),
        "{} of {n_cases} cases differ:\n\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// HTTP on both sides at `/mcp/NAME` or `/mcp`.
async fn over_http(era: Era, revision: &'static str, capabilities: Value, path: &str) {
    let recorder = Recorder::new(era, revision);
    let upstream = recorder.http().await;
    let gantry = gateway(&upstream.server()).await;
    let pairing =
        Pairing::http(era, revision, path == "/mcp", !capabilities["elicitation"].is_null());
    let mut direct = Leg::http(&upstream.url(), revision, capabilities.clone()).await;
    let mut via = Leg::http(&gantry.url(path), revision, capabilities).await;
    via.wait_for_tools().await;
    if path == "/mcp" {
        via.prefix = "up__";
    }
    differ(pairing, &recorder, &mut direct, &mut via).await;
}

/// The client speaks HTTP, and the upstream is a child.
async fn in_front_of_a_child(era: Era, revision: &'static str) {
    let recorder = Recorder::new(era, revision);
    let child = recorder.child().await;
    let gantry = gateway(&child.server()).await;
    let mut direct = Leg::child(&child, revision, all_capabilities()).await;
    let mut via = Leg::http(&gantry.url("/mcp/up"), revision, all_capabilities()).await;
    via.wait_for_tools().await;
    differ(Pairing::child(era, revision), &recorder, &mut direct, &mut via).await;
}

/// Pipes on both sides.
async fn on_pipes(era: Era, revision: &'static str) {
    let recorder = Recorder::new(era, revision);
    let child = recorder.child().await;
    let gantry = gateway(&child.server()).await;
    let mut direct = Leg::child(&child, revision, all_capabilities()).await;
    let mut via = Leg::gantry_stdio(&gantry, revision, all_capabilities()).await;
    via.wait_for_tools().await;
    via.prefix = "up__";
    differ(Pairing::pipes(era, revision), &recorder, &mut direct, &mut via).await;
}

#[tokio::test]
async fn modern_over_http() {
    over_http(Era::Modern, "2026-07-28", json!({}), "/mcp/up").await;
}

#[tokio::test]
async fn modern_over_http_under_public_names() {
    over_http(Era::Modern, "2026-07-28", all_capabilities(), "/mcp").await;
}

#[tokio::test]
async fn legacy_over_http_at_every_revision() {
    for revision in LEGACY {
        over_http(Era::Legacy, revision, json!({}), "/mcp/up").await;
    }
}

#[tokio::test]
async fn legacy_over_http_with_a_client_that_can_be_asked() {
    over_http(Era::Legacy, LEGACY[0], all_capabilities(), "/mcp/up").await;
}

#[tokio::test]
async fn legacy_over_http_under_public_names() {
    over_http(Era::Legacy, LEGACY[0], all_capabilities(), "/mcp").await;
}

#[tokio::test]
async fn modern_in_front_of_a_child() {
    in_front_of_a_child(Era::Modern, "2026-07-28").await;
}

#[tokio::test]
async fn legacy_in_front_of_a_child() {
    in_front_of_a_child(Era::Legacy, LEGACY[0]).await;
}

#[tokio::test]
async fn modern_on_pipes() {
    on_pipes(Era::Modern, "2026-07-28").await;
}

#[tokio::test]
async fn legacy_on_pipes() {
    on_pipes(Era::Legacy, LEGACY[0]).await;
}

/// A difference that no page names is a defect, and so is a page that speaks of one that is gone.
#[test]
fn the_page_names_every_difference_and_no_other() {
    let page = include_str!("../../../../docs/differences.md");
    let headings = page.lines().filter_map(|line| line.strip_prefix("### `"));
    let on_the_page: Vec<_> = headings.map(|rest| rest.trim_end_matches('`')).collect();
    let in_the_code: Vec<_> = Difference::ALL.iter().map(|difference| difference.id()).collect();
    assert_eq!(on_the_page, in_the_code, "docs/differences.md and differences.rs, in this order");
}

#[test]
fn the_corpus_shows_every_difference_that_a_single_exchange_can_show() {
    let cases = || [Era::Modern, Era::Legacy].into_iter().flat_map(corpus::of);
    let shown: BTreeSet<_> = cases().flat_map(|case| case.differs).collect();
    let expected: BTreeSet<_> =
        Difference::ALL.into_iter().filter(|difference| difference.is_of_a_case()).collect();
    assert_eq!(shown, expected);
}

#[test]
fn the_corpus_has_every_method_of_a_client() {
    let has = |era: Era, method: &str| {
        let named = format!("\"method\":\"{method}\"");
        corpus::of(era).iter().any(|case| case.request.contains(&named))
    };
    let both = [
        "tools/list",
        "tools/call",
        "resources/list",
        "resources/templates/list",
        "resources/read",
        "prompts/list",
        "prompts/get",
        "completion/complete",
    ];
    let legacy = ["ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"];
    for method in both {
        assert!(has(Era::Legacy, method) && has(Era::Modern, method), "{method}");
    }
    for method in legacy {
        assert!(has(Era::Legacy, method), "{method}");
    }
    // `initialize`, `server/discover` and `subscriptions/listen` have tests of their own.
}

/// Whether a case is of an era; for `corpus::of`.
fn is_of(case: &Case, era: Era) -> bool {
    case.only.is_none_or(|only| only == era)
}
