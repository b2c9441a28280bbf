//! Puts load on a leg by wrk, and does not believe the figures unless every answer was a good one.

use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Deserialize;

use super::Case;
use super::client;
use super::legs::RunningLeg;
use crate::shell;
use crate::workspace::Workspace;

/// What wrk found, as `bench/load/call.lua` prints it.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) struct Figures {
    requests: u64,
    /// How long the load lasted.
    microseconds: u64,
    /// Everything received, heads of answers included.
    bytes: u64,
    /// Latencies in microseconds.
    pub(super) p50: f64,
    pub(super) p99: f64,
    bad_status: u64,
    broken: u64,
    timed_out: u64,
}

/// Bytes that an answer has at the least, by the size of the case; less than that is not the upstream's answer.
fn least_answer(case: Case) -> u64 {
    if case.size == "large" { 20_000 } else { 250 }
}

/// Loads `leg` for `seconds`.
///
/// Fails when any answer was not a success, or when the upstream has not seen every call: then something on the way
/// has answered in its place.
pub(super) fn apply(
    workspace: &Workspace,
    leg: &RunningLeg,
    case: Case,
    upstream: std::net::SocketAddr,
    seconds: u32,
) -> anyhow::Result<Figures> {
    let context = || format!("the load `{}` on the leg `{}` failed", case.name, leg.leg);
    client::call(leg.address, leg.leg.tool(), leg.caller()).with_context(context)?;
    let before = client::n_calls(upstream)?;
    let mut command = shell::command(workspace, "wrk");
    command.args(["--threads", "1", "--timeout", "10s", "--latency"]);
    command.arg("--connections").arg(case.n_connections.to_string());
    command.arg("--duration").arg(format!("{seconds}s"));
    command.arg("--script").arg(workspace.path("bench/load/call.lua"));
    command.arg(format!("http://{}/mcp", leg.address));
    command
        .args(["--", case.size, leg.leg.tool(), &leg.era.to_string()])
        .args([leg.leg.token().unwrap_or_default(), leg.session.as_deref().unwrap_or_default()]);
    let output = shell::capture(&mut command).with_context(context)?;
    let figures = read(&output).with_context(context)?;
    let n_calls = client::n_calls(upstream)?.saturating_sub(before);
    check(&figures, n_calls, least_answer(case)).with_context(context)?;
    Ok(figures)
}

/// Finds the script's line in what wrk printed.
fn read(output: &str) -> anyhow::Result<Figures> {
    let line = output.lines().find_map(|line| line.strip_prefix("figures "));
    let line = line.with_context(|| format!("wrk printed no figures but this:\n{output}"))?;
    serde_json::from_str(line).with_context(|| format!("cannot read the figures `{line}`"))
}

/// Refuses figures of a load in which anything went wrong.
fn check(figures: &Figures, n_calls: u64, least_answer: u64) -> anyhow::Result<()> {
    if figures.bad_status + figures.broken + figures.timed_out > 0 {
        bail!(
            "{} answers were not 2xx, {} connections broke, {} requests timed out",
            figures.bad_status,
            figures.broken,
            figures.timed_out
        );
    }
    if figures.requests == 0 {
        bail!("no request was answered");
    }
    if n_calls < figures.requests {
        bail!(
            "{} requests were answered, but the upstream saw {n_calls} calls only",
            figures.requests
        );
    }
    let average = figures.bytes / figures.requests;
    if average < least_answer {
        bail!("an answer has {average} bytes on average, but a good one at least {least_answer}");
    }
    Ok(())
}

// === impl Figures ===

impl Figures {
    /// Throughput.
    pub(super) fn requests_per_second(&self) -> f64 {
        let lasted = Duration::from_micros(self.microseconds).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "no load has 2^52 requests")]
        let requests = self.requests as f64;
        requests / lasted
    }

    /// Figures of several loads as of one; the latencies are the averages of theirs.
    pub(super) fn together(parts: &[Self]) -> Self {
        let mut all = Self::default();
        #[expect(clippy::cast_precision_loss, reason = "no run has 2^52 loads")]
        let n_parts = parts.len() as f64;
        for part in parts {
            all.requests += part.requests;
            all.microseconds += part.microseconds;
            all.bytes += part.bytes;
            all.p50 += part.p50 / n_parts;
            all.p99 += part.p99 / n_parts;
            all.bad_status += part.bad_status;
            all.broken += part.broken;
            all.timed_out += part.timed_out;
        }
        all
    }

    /// Figures for tests of the report.
    #[cfg(test)]
    pub(super) fn of(requests_per_second: u64, p50: f64, p99: f64) -> Self {
        let (requests, bytes) = (requests_per_second, requests_per_second * 400);
        Self {
            requests,
            microseconds: 1_000_000,
            bytes,
            p50,
            p99,
            bad_status: 0,
            broken: 0,
            timed_out: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Figures, check, read};

    #[test]
    fn the_scripts_line_is_found_among_the_others() {
        let printed = "Running 1s test @ http://127.0.0.1:1/mcp\n  1 threads\nfigures {\"requests\":300,\"microseconds\":1500000,\
            \"bytes\":120000,\"p50\":40,\"p99\":90,\"bad_status\":0,\"broken\":0,\"timed_out\":0}\n";
        let figures = read(printed).unwrap();
        assert!((figures.requests_per_second() - 200.0).abs() < 1e-9);
        assert!(read("wrk: unknown option").is_err());
    }

    #[test]
    fn loads_together_have_the_rate_of_all_and_the_average_latency() {
        let together =
            Figures::together(&[Figures::of(100, 10.0, 20.0), Figures::of(50, 30.0, 60.0)]);
        assert!((together.requests_per_second() - 75.0).abs() < 1e-9);
        assert!((together.p50 - 20.0).abs() < 1e-9 && (together.p99 - 40.0).abs() < 1e-9);
    }

    #[test]
    fn a_load_counts_only_if_every_answer_was_good() {
        let good = Figures::of(100, 1.0, 2.0);
        assert!(check(&good, 100, 250).is_ok());
        for bad in [
            Figures { bad_status: 1, ..good },
            Figures { broken: 1, ..good },
            Figures { timed_out: 1, ..good },
            Figures { requests: 0, bytes: 0, ..good },
        ] {
            assert!(check(&bad, 100, 250).is_err(), "{bad:?}");
        }
        assert!(check(&good, 99, 250).is_err(), "something else than the upstream has answered");
        assert!(check(&good, 100, 20_000).is_err(), "the answers are too short");
    }
}
