//! Makes tables of measurements, and puts them into the README.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};

use super::legs::Leg;
use super::load::Figures;
use super::{CASES, Cost, Measurement};

/// What stands before and after the tables in the README.
const MARKERS: [&str; 2] = ["<!-- figures: begin -->", "<!-- figures: end -->"];

/// Median, least and greatest of some numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Spread {
    median: f64,
    least: f64,
    greatest: f64,
}

/// The whole report in Markdown.
pub(super) fn tables(conditions: &str, measurements: &[Measurement], costs: &[Cost]) -> String {
    let mut text = format!("{conditions}\n\n");
    text.push_str("| case | leg | requests/s | of nginx (least to greatest) | p50 | of nginx | p99 | of nginx |\n");
    text.push_str("|---|---|--:|--:|--:|--:|--:|--:|\n");
    for case in CASES {
        for leg in Leg::ALL {
            let mine = series(measurements, case.name, leg);
            if !mine.is_empty() {
                let nginx = series(measurements, case.name, Leg::Nginx);
                text.push_str(&load_row(case.name, leg, &mine, &nginx));
            }
        }
    }
    text.push_str(&governed(measurements));
    if !costs.is_empty() {
        text.push_str("\n| leg | memory idle | memory after the load | first good answer after the start |\n|---|--:|--:|--:|\n");
        for leg in Leg::ALL {
            let mine: Vec<_> = costs.iter().filter(|cost| cost.leg == leg).collect();
            text.extend(cost_row(leg, &mine));
        }
    }
    text
}

/// What governing costs: the throughput of the governed gateway as part of the plain one's in the same round.
fn governed(measurements: &[Measurement]) -> String {
    let mut text = String::new();
    for case in CASES {
        let mine = series(measurements, case.name, Leg::Governed);
        let plain = series(measurements, case.name, Leg::Gantry);
        if let Some(ratio) = ratios(&mine, &plain, Figures::requests_per_second) {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "| {} | {:.2} ({:.2} to {:.2}) |",
                case.name, ratio.median, ratio.least, ratio.greatest
            );
        }
    }
    if text.is_empty() {
        return text;
    }
    format!("\n| case | governed of plain (least to greatest) |\n|---|--:|\n{text}")
}

/// Replaces what stands between the markers of the README.
pub(super) fn write(path: &Path, tables: &str) -> anyhow::Result<()> {
    let text =
        fs::read_to_string(path).with_context(|| format!("failed to read `{}`", path.display()))?;
    let filled = fill(&text, tables)?;
    fs::write(path, filled).with_context(|| format!("failed to write `{}`", path.display()))
}

fn fill(text: &str, tables: &str) -> anyhow::Result<String> {
    let [begin, end] = MARKERS;
    let parts =
        text.split_once(begin).and_then(|(before, rest)| Some((before, rest.split_once(end)?.1)));
    let Some((before, after)) = parts else {
        bail!("the file has no `{begin}` with `{end}` after it")
    };
    Ok(format!("{before}{begin}\n\n{tables}\n{end}{after}"))
}

/// The figures of one case and leg, by rounds.
fn series<'a>(measurements: &'a [Measurement], case: &str, leg: Leg) -> Vec<(u32, &'a Figures)> {
    let matching =
        measurements.iter().filter(|measured| measured.case == case && measured.leg == leg);
    matching.map(|measured| (measured.round, &measured.figures)).collect()
}

fn load_row(case: &str, leg: Leg, mine: &[(u32, &Figures)], nginx: &[(u32, &Figures)]) -> String {
    let throughput = |figures: &Figures| figures.requests_per_second();
    let (p50, p99) = (|figures: &Figures| figures.p50, |figures: &Figures| figures.p99);
    let compared = ratios(mine, nginx, throughput).map_or_else(
        || "-".to_owned(),
        |ratio| format!("{:.2} ({:.2} to {:.2})", ratio.median, ratio.least, ratio.greatest),
    );
    let median = |ratio: Option<Spread>| {
        ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{:.2}", ratio.median))
    };
    format!(
        "| {case} | {leg} | {:.0} | {compared} | {:.0} µs | {} | {:.0} µs | {} |\n",
        absolute(mine, throughput),
        absolute(mine, p50),
        median(ratios(mine, nginx, p50)),
        absolute(mine, p99),
        median(ratios(mine, nginx, p99)),
    )
}

/// The costs of a leg, of which there is one for each round; `None` if there is none.
fn cost_row(leg: Leg, costs: &[&Cost]) -> Option<String> {
    let over_rounds = |figure: fn(&Cost) -> f64| {
        spread(&costs.iter().map(|cost| figure(cost)).collect::<Vec<_>>())
    };
    let ready = over_rounds(|cost| cost.ready_after.as_secs_f64() * 1e3)?;
    let idle = over_rounds(|cost| megabytes(cost.idle_bytes))?.median;
    let loaded = over_rounds(|cost| megabytes(cost.loaded_bytes))?.median;
    let Spread { median, least, greatest } = ready;
    Some(format!(
        "| {leg} | {idle:.1} MB | {loaded:.1} MB | {median:.0} ms ({least:.0} to {greatest:.0}) |\n"
    ))
}

fn megabytes(bytes: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "no machine has 2^52 bytes")]
    let bytes = bytes as f64;
    bytes / 1e6
}

/// The median of one figure.
fn absolute(series: &[(u32, &Figures)], figure: impl Fn(&Figures) -> f64) -> f64 {
    let values: Vec<f64> = series.iter().map(|(_, figures)| figure(figures)).collect();
    spread(&values).map_or(f64::NAN, |spread| spread.median)
}

/// One figure as part of nginx's in the same round; `None` where nginx was not measured.
fn ratios(
    mine: &[(u32, &Figures)],
    nginx: &[(u32, &Figures)],
    figure: impl Fn(&Figures) -> f64,
) -> Option<Spread> {
    let of_round = |round: u32| {
        nginx.iter().find(|(other, _)| *other == round).map(|(_, figures)| figure(figures))
    };
    let values: Vec<f64> = mine
        .iter()
        .filter_map(|(round, figures)| Some(figure(figures) / of_round(*round)?))
        .collect();
    spread(&values)
}

fn spread(values: &[f64]) -> Option<Spread> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    let lower =
        if sorted.len().is_multiple_of(2) { *sorted.get(middle.checked_sub(1)?)? } else { upper };
    Some(Spread {
        median: f64::midpoint(lower, upper),
        least: *sorted.first()?,
        greatest: *sorted.last()?,
    })
}

#[cfg(test)]
mod tests;
