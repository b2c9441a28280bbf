//! Writes the figures of [`Sources`] whenever somebody scrapes.

use std::fmt;

use gantry_gateway::metrics::cache;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};

use super::process;
use super::sources::{Sample, Sources, Value, unlabelled};
use super::table::{self, Kind};
use crate::http_metrics::Answered;

impl Collector for Sources {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let to = &mut encoder;
        write(to, "gantry_http_requests_total", &self.answers_by_class())?;
        write_timings(to, "http_server_requests_seconds", &self.http_server_requests())?;
        write_timings(to, "mcp_request_duration_seconds", &self.mcp_requests())?;
        write(to, "mcp_client_requests_total", &self.client_requests())?;
        write(to, "mcp_server_status", &self.server_status())?;
        write(to, "mcp_tool_executions_total", &self.tool_executions("tool"))?;
        write(to, "eat_tool_executions_total", &self.tool_executions("tool_name"))?;
        write(to, "mcp_errors_total", &self.errors())?;
        write(to, "mcp_cache_hits_total", &self.cache(&[cache::HIT, cache::JOINED]))?;
        write(to, "mcp_cache_misses_total", &self.cache(&[cache::MISS]))?;
        write(to, "gantry_breaker_state", &self.breakers())?;
        write(to, "mcp_active_sessions", &self.sessions())?;
        write(to, "eat_active_agents", &self.sessions())?;
        let [active, idle, max] = self.connections();
        write(to, "hikaricp_connections_active", &active)?;
        write(to, "hikaricp_connections_idle", &idle)?;
        write(to, "hikaricp_connections_max", &max)?;
        write_process(to)
    }
}

fn write_process(to: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let mut one = |name, value: Option<Value>| match value {
        Some(value) => write(to, name, &unlabelled(value)),
        None => Ok(()),
    };
    one("process_open_fds", process::open_files().map(Value::Count))?;
    one("process_max_fds", process::max_files().map(Value::Count))?;
    let Some(process) = process::read() else { return Ok(()) };
    let (user, system) = (process.user_seconds, process.system_seconds);
    one("process_cpu_seconds_total", Some(Value::Real(user + system)))?;
    one("process_cpu_user_seconds_total", Some(Value::Real(user)))?;
    one("process_cpu_system_seconds_total", Some(Value::Real(system)))?;
    one("process_start_time_seconds", Some(Value::Real(process.start_seconds)))?;
    one("process_resident_memory_bytes", Some(Value::Count(process.resident_bytes)))?;
    one("process_virtual_memory_bytes", Some(Value::Count(process.virtual_bytes)))
}

fn write(to: &mut DescriptorEncoder<'_>, name: &str, samples: &[Sample]) -> fmt::Result {
    if samples.is_empty() {
        return Ok(());
    }
    let (kind, mut family) = begin(to, name)?;
    for Sample { labels, value } in samples {
        if labels.is_empty() {
            write_value(&mut family, kind, *value)?;
        } else {
            write_value(&mut family.encode_family(labels)?, kind, *value)?;
        }
    }
    Ok(())
}

fn write_value(to: &mut MetricEncoder<'_>, kind: Kind, value: Value) -> fmt::Result {
    match (kind, value) {
        (Kind::Counter, Value::Count(count)) => {
            to.encode_counter::<NoLabelSet, _, u64>(&count, None)
        }
        (Kind::Counter, Value::Real(real)) => to.encode_counter::<NoLabelSet, _, f64>(&real, None),
        (_, Value::Count(count)) => to.encode_gauge(&count),
        (_, Value::Real(real)) => to.encode_gauge(&real),
    }
}

fn write_timings(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    answers: &[(Vec<(&'static str, String)>, Answered)],
) -> fmt::Result {
    if answers.is_empty() {
        return Ok(());
    }
    let (_, mut family) = begin(to, name)?;
    for (labels, Answered { timings, .. }) in answers {
        family.encode_family(labels)?.encode_histogram::<NoLabelSet>(
            timings.sum,
            timings.count,
            &timings.buckets,
            None,
        )?;
    }
    Ok(())
}

fn begin<'a>(
    to: &'a mut DescriptorEncoder<'_>,
    name: &str,
) -> Result<(Kind, MetricEncoder<'a>), fmt::Error> {
    // A name without a row has no text, which the test of the table would see.
    let row = table::find(name).ok_or(fmt::Error)?;
    let help = format!("{}.", row.meaning);
    let family = to.encode_descriptor(row.family(), &help, None, row.kind.metric_type())?;
    Ok((row.kind, family))
}
