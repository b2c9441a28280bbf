//! Tests of the tools that say how fast something is.

use std::sync::Arc;
use std::time::Duration;

use gantry_core::clock::FixedClock;
use gantry_services::ports::{PortError, Process, ProcessState};
use gantry_services::{Ports, Services};
use serde_json::{Value, json};

use crate::rig::{self, NOW, call};

const SERVICE: &str = "data_standardization";

fn ask(tool: &str, arguments: &Value) -> Value {
    rig::ask(SERVICE, tool, arguments)
}

#[test]
fn arguments_that_make_no_sense_are_refused_by_name() {
    let targets = json!({ "response_time_ms": 1 });
    for (tool, arguments, expected) in [
        (
            "measure_performance_metrics",
            json!({ "durations_ms": [] }),
            "`durations_ms`: has 0 entries; give 1 to 1000000",
        ),
        (
            "measure_performance_metrics",
            json!({ "durations_ms": [1, -1] }),
            "`durations_ms[1]`: is -1; give milliseconds from 0 on",
        ),
        (
            "measure_performance_metrics",
            json!({ "durations_ms": [1], "error_count": 2 }),
            "`error_count`: is 2, of 1 operations",
        ),
        (
            "measure_performance_metrics",
            json!({ "durations_ms": [1], "window_seconds": 0 }),
            "`window_seconds`: is not more than 0",
        ),
        (
            "calculate_sla_compliance",
            json!({ "durations_ms": [1], "sla_targets": {} }),
            "`sla_targets`: has no target; give `response_time_ms` or `availability`",
        ),
        (
            "calculate_sla_compliance",
            json!({ "durations_ms": [], "sla_targets": targets }),
            "`durations_ms`: has 0 entries; give 1 to 1000000",
        ),
        (
            "benchmark_performance",
            json!({ "baseline_ms": [1], "current_ms": [] }),
            "`current_ms`: has 0 entries; give 1 to 1000000",
        ),
    ] {
        assert_eq!(rig::refusal(SERVICE, tool, &arguments), expected);
    }
}

#[test]
fn a_difference_within_the_threshold_says_nothing() {
    let of = |current: f64, threshold: f64| {
        let arguments =
            json!({ "baseline_ms": [100], "current_ms": [current], "threshold": threshold });
        ask("benchmark_performance", &arguments)["verdict"].clone()
    };
    assert_eq!(of(109.0, 0.1), "unchanged");
    assert_eq!(of(111.0, 0.1), "slower");
    assert_eq!(of(89.0, 0.1), "faster");
    assert_eq!(of(111.0, 0.2), "unchanged");
    let arguments = json!({ "baseline_ms": [0], "current_ms": [1] });
    let answer = ask("benchmark_performance", &arguments);
    assert_eq!(answer["verdict"], "slower");
    assert_eq!(answer["changes"]["mean"], Value::Null);
}

#[test]
fn an_agreement_without_room_for_errors_has_no_budget() {
    let of = |errors: u64, availability: f64| {
        let arguments = json!({
            "durations_ms": [1, 2], "error_count": errors,
            "sla_targets": { "availability": availability },
        });
        ask("calculate_sla_compliance", &arguments)
    };
    assert_eq!(of(0, 1.0)["is_compliant"], true);
    assert!(of(1, 1.0).get("error_budget_used").is_none());
    assert_eq!(of(1, 0.5)["error_budget_used"], 1.0);
    assert_eq!(of(1, 0.5)["is_compliant"], true);
}

/// A process that takes what it is told to.
#[derive(Debug)]
struct Told(Result<ProcessState, PortError>);

impl Process for Told {
    fn state(&self) -> Result<ProcessState, PortError> {
        self.0.clone()
    }
}

#[test]
fn the_process_tells_what_it_takes_and_the_services_what_they_did() {
    let services = |state| {
        let mut ports = Ports::detached(Arc::new(FixedClock(Duration::from_secs(NOW))));
        ports.process = Some(Arc::new(Told(state)));
        Services::new(ports)
    };
    let state = ProcessState {
        resident_bytes: 1 << 20,
        cpu_seconds: 1.5,
        threads: 4,
        uptime_seconds: 60.0,
    };
    let told = services(Ok(state));
    let fused = json!({ "rankings": [{ "ids": ["a"] }] });
    call(&told, "vector_ranking", "reciprocal_rank_fusion", &fused).unwrap();
    let answer = call(&told, SERVICE, "get_system_metrics", &json!({})).unwrap();
    assert_eq!(answer["process"]["resident_bytes"], 1 << 20);
    assert_eq!(answer["services"]["vector_ranking"]["calls"], 1);
    let silent = services(Err(PortError::new("there is no such file")));
    let error = call(&silent, SERVICE, "get_system_metrics", &json!({})).unwrap_err();
    assert_eq!(error.to_string(), "the state of the process: there is no such file");
}
