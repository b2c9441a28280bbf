//! The table of refusals: what is answered on every way in when a request is not served.
//!
//! Each row is asked of a real gateway through each door; what comes back makes the page
//! `docs/reference/refusals.md`, and the test fails when the page says something else.
//! `INSTA_UPDATE=always` writes the page anew.

mod cases;
mod door;
mod page;

use cases::CASES;
use door::Door;
use page::Row;

#[tokio::test]
async fn every_refusal_is_what_the_page_says_on_every_door() {
    let mut rows = Vec::new();
    for case in CASES {
        let stage = (case.stage)().await;
        let mut told = Vec::new();
        for door in Door::ALL {
            let answer = if door == Door::Pipe && case.is_about_http {
                None
            } else {
                Some(door.ask(&stage).await)
            };
            told.push(answer);
        }
        rows.push(Row { name: case.name, why: case.why, told });
    }
    let page = page::write(&rows);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/refusals.md");
    if is_to_be_written() {
        std::fs::write(path, &page).expect("the page can be written");
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    is_kept(&kept, &page);
}

#[expect(clippy::disallowed_methods, reason = "a developer says so, as for snapshots")]
fn is_to_be_written() -> bool {
    std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always")
}

/// Shows the first line that differs.
#[track_caller]
fn is_kept(kept: &str, page: &str) {
    for (kept, now) in kept.lines().zip(page.lines()) {
        assert_eq!(kept, now, "docs/reference/refusals.md is stale: run with INSTA_UPDATE=always");
    }
    assert_eq!(kept.len(), page.len(), "docs/reference/refusals.md: run with INSTA_UPDATE=always");
}
