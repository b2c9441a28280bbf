//! The report, from made-up measurements.

use std::time::Duration;

use super::super::legs::Leg;
use super::super::load::Figures;
use super::super::{Cost, Measurement};
use super::{Spread, fill, spread, tables};

fn measured(round: u32, leg: Leg, rate: u64, p50: f64) -> Measurement {
    Measurement { round, case: "1-small", leg, figures: Figures::of(rate, p50, 2.0 * p50) }
}

#[test]
fn ratios_are_taken_within_a_round() {
    let measurements = [
        measured(0, Leg::Nginx, 100, 10.0),
        measured(0, Leg::Gantry, 80, 20.0),
        measured(1, Leg::Gantry, 140, 30.0),
        measured(1, Leg::Nginx, 200, 10.0),
        measured(2, Leg::Nginx, 100, 10.0),
        measured(2, Leg::Gantry, 90, 10.0),
    ];
    let text = tables("Made up.", &measurements, &[]);
    let rows: Vec<&str> = text.lines().skip(4).collect();
    assert_eq!(
        rows,
        [
            "| 1-small | nginx | 100 | 1.00 (1.00 to 1.00) | 10 µs | 1.00 | 20 µs | 1.00 |",
            "| 1-small | gantry | 90 | 0.80 (0.70 to 0.90) | 20 µs | 2.00 | 40 µs | 2.00 |",
        ]
    );
}

#[test]
fn governing_is_compared_with_the_plain_gateway() {
    let measurements = [
        measured(0, Leg::Gantry, 100, 10.0),
        measured(0, Leg::Governed, 95, 10.0),
        measured(1, Leg::Governed, 90, 10.0),
        measured(1, Leg::Gantry, 100, 10.0),
    ];
    let text = tables("Made up.", &measurements, &[]);
    assert!(text.ends_with("|---|--:|\n| 1-small | 0.93 (0.90 to 0.95) |\n"), "{text}");
}

#[test]
fn without_nginx_there_are_no_ratios() {
    let text = tables("Made up.", &[measured(0, Leg::Direct, 100, 10.0)], &[]);
    assert!(text.ends_with("| 1-small | direct | 100 | - | 10 µs | - | 20 µs | - |\n"), "{text}");
}

#[test]
fn costs_have_a_table_of_their_own() {
    let of_round = |milliseconds: u64, loaded_bytes| Cost {
        leg: Leg::Gantry,
        ready_after: Duration::from_millis(milliseconds),
        idle_bytes: 12_345_678,
        loaded_bytes,
    };
    let costs = [of_round(9, 20_000_000), of_round(5, 90_000_000), of_round(7, 30_000_000)];
    let text = tables("Made up.", &[], &costs);
    assert!(text.ends_with("| gantry | 12.3 MB | 30.0 MB | 7 ms (5 to 9) |\n"), "{text}");
}

#[test]
fn the_median_of_an_even_count_lies_between() {
    assert_eq!(
        spread(&[4.0, 1.0, 3.0, 2.0]),
        Some(Spread { median: 2.5, least: 1.0, greatest: 4.0 })
    );
    assert_eq!(spread(&[]), None);
}

#[test]
fn only_what_stands_between_the_markers_is_replaced() {
    let text = "before\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nafter\n";
    let filled = fill(text, "new").unwrap();
    assert_eq!(filled, "before\n<!-- figures: begin -->\n\nnew\n<!-- figures: end -->\nafter\n");
    assert_eq!(fill(&filled, "new").unwrap(), filled);
    assert!(fill("<!-- figures: end --> <!-- figures: begin -->", "new").is_err());
}
