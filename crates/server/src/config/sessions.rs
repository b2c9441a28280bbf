//! `sessions`, `streams`, `legacy_sse`: what legacy clients are given beyond their answers, checked.

use std::time::Duration;

use gantry_gateway::spec::{LegacySpec, ReplayLimits};

use super::check::Checker;
use super::path::Path;
use super::raw;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);

/// Checks them. How many events may be kept is held by the schema.
pub(crate) fn check(raw: &raw::Config, checker: &mut Checker<'_>) -> LegacySpec {
    let root = Path::root();
    let (sessions, streams) = (root.key("sessions"), root.key("streams"));
    let idle = (60 * SECOND, 30 * 24 * HOUR);
    LegacySpec {
        session_idle: checker.duration(&sessions.key("idle"), &raw.sessions.idle, idle),
        replay: ReplayLimits {
            events: raw.streams.replay_events as usize,
            bytes: checker.size(
                &streams.key("replay_bytes"),
                &raw.streams.replay_bytes,
                (1 << 10, 1 << 30),
            ),
            total: checker.size(
                &streams.key("replay_total"),
                &raw.streams.replay_total,
                (1 << 16, 1 << 36),
            ),
            time: checker.duration(
                &streams.key("replay_time"),
                &raw.streams.replay_time,
                (SECOND, 24 * HOUR),
            ),
        },
        retry: checker.duration(
            &streams.key("retry"),
            &raw.streams.retry,
            (Duration::from_millis(10), HOUR),
        ),
        sse: raw.legacy_sse,
    }
}
