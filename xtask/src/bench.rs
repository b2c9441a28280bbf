//! `cargo xtask bench`: the gateway beside nginx and beside nothing, in one run on one machine.
//!
//! Four legs lead to the same upstream: directly, through nginx's `proxy_pass`, through Gantry, and through Gantry with
//! what governs calls switched on. In each round every case is measured on every leg, a second on each in turn, there and
//! back, so that what else the machine does falls on all alike. Every server is started anew for a round: where its memory
//! and its threads happen to be stays as it is while it runs, and moves its figures by some hundredths. Only ratios within a
//! round are worth comparing between machines.
//! `bench/README.md` holds the figures and how to read them.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::ValueEnum as _;

use crate::dist;
use crate::setup::{self, Scope};
use crate::shell;
use crate::workspace::Workspace;

mod client;
mod legs;
mod load;
mod memory;
mod profile;
mod report;

use client::Era;
pub(crate) use legs::Gateway;
use legs::Leg;
use load::Figures;

/// How long the first load on each leg lasts, which is not counted.
const WARM_UP_SECONDS: u32 = 1;

/// How long each load lasts that a release is optimised for.
const EXERCISE_SECONDS: u32 = 2;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Rounds, each with servers of its own; a figure is the median over them.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Seconds of load per leg, case and round, of which the legs take one at a time.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// Legs (direct, nginx, gantry, governed) and cases (1-small, 32-small, 1-large, 32-large) to measure; all unless given.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// The era that client and upstream speak.
    #[arg(long, value_enum, default_value_t = Era::Modern)]
    era: Era,
    /// Measures what `cargo build --release` makes, and not the binary as `cargo xtask dist` makes it for a release.
    #[arg(long)]
    plain: bool,
    /// Shows at the end what the last leg's server spends its time on, by `perf`, under the last case.
    #[arg(long)]
    profile: bool,
    /// Puts the tables into `bench/README.md`.
    #[arg(long)]
    write: bool,
}

/// A leg or a case, as `--only` takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Leg(Leg),
    Case(Case),
}

/// One kind of load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Case {
    name: &'static str,
    /// Connections, each with one call at a time.
    n_connections: u32,
    /// The size as `call.lua` knows it: `small`, or `large` with 20 kB in both directions.
    size: &'static str,
}

/// The cases of the report.
const CASES: [Case; 4] = [
    Case { name: "1-small", n_connections: 1, size: "small" },
    Case { name: "32-small", n_connections: 32, size: "small" },
    Case { name: "1-large", n_connections: 1, size: "large" },
    Case { name: "32-large", n_connections: 32, size: "large" },
];

/// What one load on one leg gave.
#[derive(Debug, Clone)]
struct Measurement {
    round: u32,
    case: &'static str,
    leg: Leg,
    figures: Figures,
}

/// What a leg's own processes cost in a round, apart from any load.
#[derive(Debug, Clone)]
struct Cost {
    leg: Leg,
    /// From the start of the process to the first good answer to a call.
    ready_after: Duration,
    idle_bytes: u64,
    loaded_bytes: u64,
}

/// Builds everything, measures, and prints the tables.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> anyhow::Result<()> {
    let legs = chosen(&arguments.only, &Leg::ALL, |part| {
        if let Part::Leg(leg) = part { Some(*leg) } else { None }
    });
    let cases = chosen(&arguments.only, &CASES, |part| {
        if let Part::Case(case) = part { Some(*case) } else { None }
    });
    setup::run(workspace, Scope::Benchmark, false)?;
    let gateway = build(workspace, &legs, arguments.plain)?;
    empty_folder(workspace)?;

    let (mut measurements, mut costs) = (Vec::new(), Vec::new());
    let mut profiled = None;
    for round in 0..arguments.rounds {
        let scene = Scene::start(workspace, (&legs, &gateway), arguments.era)?;
        for leg in &scene.running {
            for case in &cases {
                load::apply(workspace, leg, *case, scene.upstream.address, WARM_UP_SECONDS)?;
            }
        }
        for case in &cases {
            measurements.extend(measure(workspace, &scene, *case, (round, arguments.seconds))?);
        }
        for cost in scene.running.iter().filter_map(legs::RunningLeg::cost) {
            costs.push(cost?);
        }
        let is_last = round + 1 == arguments.rounds;
        if let (true, true, Some(case)) = (arguments.profile, is_last, cases.last()) {
            profiled = Some(scene.profile(workspace, *case)?);
        }
    }
    let conditions = conditions(workspace, arguments)?;
    let tables = report::tables(&conditions, &measurements, &costs);
    println!("\n{tables}");
    if let Some(profiled) = profiled {
        println!("{profiled}\n");
    }
    if arguments.write {
        report::write(&workspace.path("bench/README.md"), &tables)?;
    }
    Ok(())
}

/// The upstream and the legs of one round. All of them end with it.
struct Scene {
    running: Vec<legs::RunningLeg>,
    upstream: legs::Upstream,
}

impl Scene {
    fn start(
        workspace: &Workspace,
        (legs, gateway): (&[Leg], &Gateway),
        era: Era,
    ) -> anyhow::Result<Self> {
        let upstream = legs::start_upstream(workspace, era)?;
        let running =
            legs.iter().map(|leg| legs::start(workspace, (*leg, gateway), &upstream, era));
        Ok(Self { running: running.collect::<anyhow::Result<_>>()?, upstream })
    }

    /// Returns what the last leg's server spends its time on.
    fn profile(&self, workspace: &Workspace, case: Case) -> anyhow::Result<String> {
        let leg = self.running.last().context("there is no leg")?;
        let functions = profile::functions(workspace, leg, case, self.upstream.address)?;
        Ok(format!("{} under {}:\n{functions}", leg.leg, case.name))
    }
}

/// Measures one case on every leg: `seconds` of load on each, one at a time.
///
/// The legs take turns in an order that starts at another one in each round, and that is followed there and back, so
/// that a machine that becomes slower or faster meanwhile does so for all.
fn measure(
    workspace: &Workspace,
    scene: &Scene,
    case: Case,
    (round, seconds): (u32, u32),
) -> anyhow::Result<Vec<Measurement>> {
    let Scene { running: legs, upstream } = scene;
    let mut order: Vec<usize> = (0..legs.len()).collect();
    order.rotate_left(round as usize % legs.len());
    let mut parts: Vec<Vec<Figures>> = vec![Vec::new(); legs.len()];
    for _ in 0..seconds {
        for place in &order {
            parts[*place].push(load::apply(workspace, &legs[*place], case, upstream.address, 1)?);
        }
        order.reverse();
    }
    let measurements: Vec<_> = legs
        .iter()
        .zip(&parts)
        .map(|(leg, parts)| Measurement {
            round,
            case: case.name,
            leg: leg.leg,
            figures: Figures::together(parts),
        })
        .collect();
    for measured in &measurements {
        let rate = measured.figures.requests_per_second();
        println!("round {}, {}, {}: {rate:.0} requests/s", round + 1, case.name, measured.leg);
    }
    Ok(measurements)
}

/// Those of `all` that `--only` names; all of them if it names none of their kind.
fn chosen<T: Copy + PartialEq>(
    only: &[Part],
    all: &[T],
    select: impl Fn(&Part) -> Option<T>,
) -> Vec<T> {
    let named: Vec<T> = only.iter().filter_map(select).collect();
    all.iter().filter(|item| named.is_empty() || named.contains(item)).copied().collect()
}

/// Puts every load on a gateway for a moment, in both eras, plain and governed: what a release is optimised for.
/// Returns how many gateways ran.
pub(crate) fn exercise(workspace: &Workspace, gateway: &Gateway) -> anyhow::Result<usize> {
    let mut n_gateways = 0;
    build_upstream(workspace)?;
    empty_folder(workspace)?;
    for era in [Era::Modern, Era::Legacy] {
        let upstream = legs::start_upstream(workspace, era)?;
        for leg in [Leg::Gantry, Leg::Governed] {
            let running = legs::start(workspace, (leg, gateway), &upstream, era)?;
            for case in CASES {
                load::apply(workspace, &running, case, upstream.address, EXERCISE_SECONDS)?;
            }
            n_gateways += 1;
        }
    }
    Ok(n_gateways)
}

/// Makes room for the configurations and logs of a run.
fn empty_folder(workspace: &Workspace) -> anyhow::Result<()> {
    let folder = workspace.target("bench");
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("failed to empty `{}`", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("failed to create `{}`", folder.display()))
}

/// Builds what the legs need.
fn build(workspace: &Workspace, legs: &[Leg], is_plain: bool) -> anyhow::Result<Gateway> {
    let is_needed = legs.contains(&Leg::Gantry) || legs.contains(&Leg::Governed);
    if is_needed && !is_plain {
        let program = dist::latest(workspace)?;
        build_upstream(workspace)?;
        return Ok(Gateway { program, counts: None });
    }
    build_upstream(workspace)?;
    if is_needed {
        let package = ["build", "--release", "--package", "gantry-cli"];
        shell::run(shell::cargo(workspace).args(package))?;
    }
    Ok(Gateway { program: workspace.target("release/gantry"), counts: None })
}

fn build_upstream(workspace: &Workspace) -> anyhow::Result<()> {
    shell::run(shell::cargo(workspace).args(["build", "--release", "--package", "gantry-bench"]))
}

/// The conditions of the run, in one sentence.
fn conditions(workspace: &Workspace, arguments: &Arguments) -> anyhow::Result<String> {
    let n_cores = std::thread::available_parallelism().map_or(0, usize::from);
    // Says where something is measured that no commit holds.
    let describe = ["describe", "--always", "--dirty", "--exclude", "*"];
    let revision = shell::capture(shell::command(workspace, "git").args(describe))?;
    let nginx = legs::nginx_version(workspace)?;
    Ok(format!(
        "Medians of {} interleaved rounds of {} s on {n_cores} cores, {} era, {nginx}, Gantry at `{}`, {}.",
        arguments.rounds,
        arguments.seconds,
        arguments.era,
        revision.trim(),
        if arguments.plain { "built without a profile" } else { "as it is released" }
    ))
}

// === impl Part ===

impl std::str::FromStr for Part {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        if let Some(case) = CASES.iter().find(|case| case.name == text) {
            return Ok(Self::Case(*case));
        }
        let Ok(leg) = Leg::from_str(text, false) else {
            bail!(
                "`{text}` is neither a leg (direct, nginx, gantry, governed) nor a case (1-small, 32-small, 1-large, 32-large)"
            );
        };
        Ok(Self::Leg(leg))
    }
}

#[cfg(test)]
mod tests {
    use super::{CASES, Leg, Part, chosen};

    fn legs(only: &[&str]) -> Vec<Leg> {
        let only: Vec<Part> = only.iter().map(|text| text.parse().unwrap()).collect();
        chosen(&only, &Leg::ALL, |part| if let Part::Leg(leg) = part { Some(*leg) } else { None })
    }

    #[test]
    fn everything_is_measured_unless_something_is_named() {
        assert_eq!(legs(&[]), Leg::ALL);
        assert_eq!(legs(&["32-small"]), Leg::ALL);
        assert_eq!(legs(&["nginx", "direct", "1-small"]), [Leg::Direct, Leg::Nginx]);
    }

    #[test]
    fn an_unknown_part_is_refused() {
        assert!("33-small".parse::<Part>().is_err());
        assert_eq!("1-large".parse::<Part>().unwrap(), Part::Case(CASES[2]));
    }
}
