//! What goes wrong around a gateway, and whom it may concern: upstreams that hang, die, babble or
//! come late; clients that do not read, send nonsense, or are many; processes that are killed.
//!
//! In most of these tests somebody else goes on working all the while ([`Bystander`]), and that
//! must go well.

mod bad_input;
mod bystander;
mod children;
mod companions;
mod crowd;
mod cuts;
mod gate;
mod long_lines;
mod raw_http;
mod restarts;
mod secrets;
mod sessions;
mod slow_reader;
mod strangers;

use std::time::Duration;

use serde_json::{Value, json};

use self::bystander::Bystander;
use crate::{
    eras::config,
    support::{
        client::Client,
        gantry::Gantry,
        scripted::{Answer, Scripted},
    },
};

/// A good upstream with a tool `good`, of the modern era.
async fn good() -> Scripted {
    Scripted::modern().tool("good", json!({}), |_| Answer::text("fine")).start().await
}

/// A configuration of these servers, with more members at its top.
fn config_with(servers: &[(&str, Value)], more: &Value) -> String {
    let mut whole: Value =
        serde_json::from_str(&config(servers)).expect("a configuration is JSON here");
    for (name, value) in more.as_object().into_iter().flatten() {
        whole[name] = value.clone();
    }
    whole.to_string()
}

/// The body of a route that answers by GET.
async fn fetch(gantry: &Gantry, path: &str) -> String {
    let client = Client::modern(&gantry.url(path), json!({}));
    let reply = client.bare("GET", &[("accept", "*/*")]).await.finish().await;
    String::from_utf8_lossy(&reply.raw).into_owned()
}

/// What `/ready` says of each upstream.
async fn upstreams(gantry: &Gantry) -> Vec<Value> {
    let body = fetch(gantry, "/ready").await;
    let body: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("no JSON: {body}"));
    body["upstreams"].as_array().cloned().unwrap_or_else(|| panic!("no upstreams: {body}"))
}

/// What `/ready` says of one upstream.
async fn upstream(gantry: &Gantry, name: &str) -> Value {
    let mut all = upstreams(gantry).await.into_iter();
    all.find(|upstream| upstream["name"] == name).unwrap_or_default()
}

/// The memory that a process has in use, in bytes.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_else(|| panic!("the memory of {pid} is not known: {status}")) * 1024
}

/// Panics if any task of the gateway did, or if one of these texts is in its log.
#[track_caller]
fn assert_calm(log: &str) {
    for sign in ["panicked", "A task panicked", "RUST_BACKTRACE"] {
        assert!(!log.contains(sign), "`{sign}` is in the log:\n{log}");
    }
}

/// The middle of what was measured.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
