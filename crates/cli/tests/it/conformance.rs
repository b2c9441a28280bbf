//! The official conformance suite, its server leg: against the upstream on the official SDK
//! directly, and through the gateway in front of it, where the score must be the same.
//!
//! A `/mcp/NAME` endpoint has its server's own names, which the suite needs. The scenarios that
//! count are those that the suite's own list of requirements scores; none of them may even warn.

mod report;
mod suite;

use suite::{Revision, assert_passes};

use crate::support::{
    gantry::Gantry,
    upstream::{self, HttpUpstream},
};

#[tokio::test]
async fn the_upstream_itself_passes_the_suite_of_2025_11_25() {
    let upstream = HttpUpstream::start("dual").await;
    assert_passes(Revision::V2025_11_25, &upstream.url(), || upstream.log()).await;
}

#[tokio::test]
async fn the_upstream_itself_passes_the_suite_of_2026_07_28() {
    let upstream = HttpUpstream::start("dual").await;
    assert_passes(Revision::V2026_07_28, &upstream.url(), || upstream.log()).await;
}

#[tokio::test]
async fn an_http_upstream_passes_the_suite_of_2025_11_25_through_the_gateway() {
    passes_over_http(Revision::V2025_11_25, "dual").await;
}

#[tokio::test]
async fn an_http_upstream_passes_the_suite_of_2026_07_28_through_the_gateway() {
    passes_over_http(Revision::V2026_07_28, "dual").await;
}

#[tokio::test]
async fn a_legacy_stdio_upstream_passes_the_suite_of_2025_11_25_through_the_gateway() {
    passes_over_stdio(Revision::V2025_11_25, "legacy").await;
}

#[tokio::test]
async fn a_modern_stdio_upstream_passes_the_suite_of_2026_07_28_through_the_gateway() {
    passes_over_stdio(Revision::V2026_07_28, "modern").await;
}

async fn passes_over_http(revision: Revision, era: &str) {
    let upstream = HttpUpstream::start(era).await;
    let gantry =
        Gantry::start(&format!("servers: {{ up: {{ url: \"{}\" }} }}", upstream.url())).await;
    let log = || format!("{}\n--- the upstream's\n{}", gantry.log(), upstream.log());
    assert_passes(revision, &gantry.url("/mcp/up"), log).await;
}

async fn passes_over_stdio(revision: Revision, era: &str) {
    let config = serde_json::json!({ "servers": { "up": {
        "command": upstream::program(),
        "args": ["--stdio", "--era", era],
    } } });
    let gantry = Gantry::start(&config.to_string()).await;
    assert_passes(revision, &gantry.url("/mcp/up"), || gantry.log()).await;
}
