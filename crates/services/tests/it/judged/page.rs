//! The page that publishes the figures.

use std::fmt::Write as _;

use super::{Part, Scores, reasoning, standardization, total};

const PAGE: &str = include_str!("../../../../../docs/services/evaluation.md");
const BEGIN: &str = "<!-- figures: printed by the test -->\n";
const END: &str = "<!-- end of figures -->\n";

/// The page has the figures of this build; `GANTRY_TEST_PRINT` is not needed: the failure prints them.
#[test]
fn the_page_has_the_figures() {
    let figures = figures();
    let written = PAGE
        .split_once(BEGIN)
        .and_then(|(_, rest)| rest.split_once(END))
        .map(|(figures, _)| figures);
    assert_eq!(
        written,
        Some(figures.as_str()),
        "put this between the two comments of docs/services/evaluation.md:\n{figures}"
    );
}

fn figures() -> String {
    let mut text = String::new();
    for (title, judge) in [
        ("Standardisation", standardization::judge as fn(Part) -> Scores),
        ("Reasoning", reasoning::judge),
    ] {
        let (development, held_out) = (judge(Part::Development), judge(Part::HeldOut));
        writeln!(text, "\n### {title}\n").unwrap();
        writeln!(text, "| kind | development | held out | share held out |\n|---|---|---|---|")
            .unwrap();
        for (kind, score) in &held_out {
            let empty = super::Score::default();
            let before = development.get(kind).unwrap_or(&empty);
            writeln!(
                text,
                "| {kind} | {} of {} | {} of {} | {:.1} % |",
                before.n_right,
                before.n_cases,
                score.n_right,
                score.n_cases,
                100.0 * score.share()
            )
            .unwrap();
        }
        let (before, all) = (total(&development), total(&held_out));
        writeln!(
            text,
            "| **all** | {} of {} | {} of {} | **{:.1} %** |\n",
            before.n_right,
            before.n_cases,
            all.n_right,
            all.n_cases,
            100.0 * all.share()
        )
        .unwrap();
        if title == "Standardisation" {
            let [n, right] = all.by_hand;
            writeln!(
                text,
                "Of the single fields held out, {} of {} are right. Without the {n} records that we wrote ourselves ({right} of them \
                 right), {} of {} held-out records are right.\n",
                all.n_fields_right,
                all.n_fields,
                all.n_right - right,
                all.n_cases - n
            )
            .unwrap();
        }
        writeln!(text, "Held-out failures:\n").unwrap();
        for (kind, score) in &held_out {
            for failure in &score.failures {
                let input: String = failure.input.chars().take(120).collect();
                writeln!(text, "* {kind} `{}`: `{}`", failure.id, input.replace('`', "'")).unwrap();
            }
        }
    }
    text
}
