//! The clocks of the servers that are reached by an address.

use std::time::Duration;

use gantry_server::skew::{Skew, skews};

use super::{Finding, Subject};
use crate::line::Line;

/// What is forgiven: tokens and certificates are checked with about as much.
const FORGIVEN: Duration = Duration::from_secs(30);

/// They agree with ours. Those that say no time are not told of.
pub(super) fn agree(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(config) = subject.config() else { return Vec::new() };
    let asked = Line::new().and_then(|line| line.wait(skews(config, &subject.env)));
    let Ok(told) = asked else { return Vec::new() };
    if told.is_empty() {
        return Vec::new();
    }
    let found: Vec<_> = told.iter().filter(|skew| skew.by > FORGIVEN).map(differs).collect();
    if found.is_empty() {
        Finding::good("the clock agrees with those of the servers")
    } else {
        found
    }
}

fn differs(Skew { server, by, is_ahead }: &Skew) -> Finding {
    let seconds = by.as_secs();
    let where_to = if *is_ahead { "ahead of" } else { "behind" };
    Finding::warning(format!("the clock is {seconds} s {where_to} that of `{server}`")).with_hint(
        "tokens and certificates have ages: let both machines keep the time by NTP, ours first",
    )
}
