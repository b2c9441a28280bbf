//! `GET /actuator/metrics` and one of them by name: figures as JSON, with tags to choose by.
//!
//! The names are Micrometer's where it has one that means the same here. What has no value is not
//! listed and not found: a zero would say that something was measured. They are read beside the
//! threads that serve requests, because some look at every tool.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use gantry_core::ErrorCode;
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::http_stack::Refusal;
use crate::metrics::process::{self, Process};
use crate::metrics::{Sample, Sources, Value as Number, unlabelled};
use crate::routes::figures::switched_off;
use crate::routes::{Asked, json_body, refused};
use crate::shared::Shared;

/// Tags that one request may choose by.
const MOST_TAGS: usize = 16;
const NOT_READ: &str = "the metrics could not be read";

/// A figure that can be asked for.
struct Meter {
    name: &'static str,
    description: &'static str,
    unit: Option<&'static str>,
    read: fn(&Shared) -> Vec<Measure>,
}

/// One value of a figure.
struct Measure {
    statistic: &'static str,
    sample: Sample,
}

const METERS: &[Meter] = &[
    Meter {
        name: "hikaricp.connections.active",
        description: "Connections that read from the database now",
        unit: None,
        read: |shared| values(connections(&shared.sources, 0)),
    },
    Meter {
        name: "hikaricp.connections.idle",
        description: "Open connections that do nothing now",
        unit: None,
        read: |shared| values(connections(&shared.sources, 1)),
    },
    Meter {
        name: "hikaricp.connections.max",
        description: "Connections that may read from the database at once",
        unit: None,
        read: |shared| values(connections(&shared.sources, 2)),
    },
    Meter {
        name: "http.server.requests",
        description: "Answers, and the time until each began",
        unit: Some("seconds"),
        read: answers,
    },
    Meter {
        name: "jvm.memory.used",
        description: "Memory that the process uses; there is no Java heap of its own",
        unit: Some("bytes"),
        read: |_| of_process(|process| Number::Count(process.resident_bytes)),
    },
    Meter {
        name: "mcp.client.requests",
        description: "Requests to servers",
        unit: None,
        read: |shared| counts(shared.sources.client_requests()),
    },
    Meter {
        name: "mcp.errors",
        description: "Requests that ended badly, and messages refused at the door",
        unit: None,
        read: |shared| counts(shared.sources.errors()),
    },
    Meter {
        name: "mcp.server.status",
        description: "1 for a server that is ready",
        unit: None,
        read: |shared| values(shared.sources.server_status()),
    },
    Meter {
        name: "mcp.sessions.active",
        description: "Open legacy sessions",
        unit: None,
        read: |shared| values(shared.sources.sessions()),
    },
    Meter {
        name: "mcp.tool.executions",
        description: "Tool executions that ended",
        unit: None,
        read: |shared| counts(shared.sources.tool_executions("tool")),
    },
    Meter {
        name: "process.cpu.time",
        description: "Processor time of the process",
        unit: Some("ns"),
        read: |_| {
            of_process(|process| {
                Number::Real((process.user_seconds + process.system_seconds) * 1e9)
            })
        },
    },
    Meter {
        name: "process.files.max",
        description: "File descriptors that may be open",
        unit: Some("files"),
        read: |_| of_system(process::max_files().map(Number::Count)),
    },
    Meter {
        name: "process.files.open",
        description: "Open file descriptors",
        unit: Some("files"),
        read: |_| of_system(process::open_files().map(Number::Count)),
    },
    Meter {
        name: "process.start.time",
        description: "When the process began, in Unix seconds",
        unit: Some("seconds"),
        read: |_| of_process(|process| Number::Real(process.start_seconds)),
    },
    Meter {
        name: "process.uptime",
        description: "How long the gateway is up",
        unit: Some("seconds"),
        read: |shared| values(unlabelled(Number::Real(shared.started.elapsed().as_secs_f64()))),
    },
    Meter {
        name: "system.cpu.count",
        description: "Processors that the process may use",
        unit: None,
        read: |_| {
            let processors = std::thread::available_parallelism().ok();
            of_system(processors.map(|number| Number::Count(number.get() as u64)))
        },
    },
    Meter {
        name: "system.load.average.1m",
        description: "Work that waits for the processors, on the average of the last minute",
        unit: None,
        read: |_| of_system(process::load_average().map(Number::Real)),
    },
];

/// `GET /actuator/metrics`: the names of those that have a value.
pub(super) async fn names(
    State(shared): State<Arc<Shared>>,
    Extension(asked): Extension<Asked>,
) -> Response {
    if !shared.live.load().config.metrics_enabled {
        return refused(switched_off(), &asked);
    }
    let reading = tokio::task::spawn_blocking(move || {
        let has_value = |meter: &&Meter| !(meter.read)(&shared).is_empty();
        METERS.iter().filter(has_value).map(|meter| meter.name).collect::<Vec<_>>()
    });
    match reading.await {
        Ok(names) => json_body(StatusCode::OK, &json!({ "names": names })),
        Err(_) => refused(Refusal::new(ErrorCode::Internal, NOT_READ), &asked),
    }
}

/// `GET /actuator/metrics/{name}`: one figure; `?tag=key:value` chooses among its series.
pub(super) async fn one(
    State(shared): State<Arc<Shared>>,
    Extension(asked): Extension<Asked>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    if !shared.live.load().config.metrics_enabled {
        return refused(switched_off(), &asked);
    }
    let tags = match tags(query.as_deref().unwrap_or_default()) {
        Ok(tags) => tags,
        Err(message) => return refused(Refusal::new(ErrorCode::QueryInvalid, message), &asked),
    };
    let has_tags = !tags.is_empty();
    let Some(meter) = METERS.iter().find(|meter| meter.name == name) else {
        return refused(no_value(&name, has_tags), &asked);
    };
    let reading = tokio::task::spawn_blocking(move || shown(meter, (meter.read)(&shared), &tags));
    match reading.await {
        Ok(Some(shown)) => json_body(StatusCode::OK, &shown),
        Ok(None) => refused(no_value(&name, has_tags), &asked),
        Err(_) => refused(Refusal::new(ErrorCode::Internal, NOT_READ), &asked),
    }
}

fn no_value(name: &str, has_tags: bool) -> Refusal {
    let name: String = name.chars().take(100).collect();
    let message = format!(
        "no metric `{name}` has a value{}; `/actuator/metrics` lists those that have",
        if has_tags { " with these tags" } else { "" }
    );
    Refusal::new(ErrorCode::UnknownFigure, message)
}

/// Reads `tag=key:value` as often as it stands in a query; anything else there is passed over.
fn tags(query: &str) -> Result<Vec<(String, String)>, String> {
    let mut tags = Vec::new();
    for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if key != "tag" {
            continue;
        }
        match value.split_once(':') {
            Some((tag, wanted)) if !tag.is_empty() => {
                tags.push((tag.to_owned(), wanted.to_owned()));
            }
            _ => return Err("each `tag` must be a key and a value with a colon between".to_owned()),
        }
        if tags.len() > MOST_TAGS {
            return Err(format!("more than {MOST_TAGS} tags are given"));
        }
    }
    Ok(tags)
}

/// Writes a figure; `None` if no series has these tags.
fn shown(meter: &Meter, mut measures: Vec<Measure>, tags: &[(String, String)]) -> Option<Value> {
    let has = |measure: &Measure, (tag, wanted): &(String, String)| {
        measure.sample.labels.iter().any(|(name, value)| name == tag && value == wanted)
    };
    measures.retain(|measure| tags.iter().all(|tag| has(measure, tag)));
    if measures.is_empty() {
        return None;
    }
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    let mut available: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for measure in &measures {
        *sums.entry(measure.statistic).or_default() += measure.sample.value.real();
        for (name, value) in &measure.sample.labels {
            if !tags.iter().any(|(tag, _)| tag == name) {
                available.entry(name).or_default().insert(value);
            }
        }
    }
    let sum = |(statistic, value)| json!({ "statistic": statistic, "value": value });
    let tag = |(tag, values)| json!({ "tag": tag, "values": values });
    let mut body = Map::new();
    body.insert("name".to_owned(), json!(meter.name));
    body.insert("description".to_owned(), json!(meter.description));
    if let Some(unit) = meter.unit {
        body.insert("baseUnit".to_owned(), json!(unit));
    }
    body.insert("measurements".to_owned(), sums.into_iter().map(sum).collect());
    body.insert("availableTags".to_owned(), available.into_iter().map(tag).collect());
    Some(Value::Object(body))
}

fn values(samples: Vec<Sample>) -> Vec<Measure> {
    samples.into_iter().map(|sample| Measure { statistic: "VALUE", sample }).collect()
}

fn counts(samples: Vec<Sample>) -> Vec<Measure> {
    samples.into_iter().map(|sample| Measure { statistic: "COUNT", sample }).collect()
}

fn connections(sources: &Sources, which: usize) -> Vec<Sample> {
    sources.connections().into_iter().nth(which).unwrap_or_default()
}

fn of_process(what: fn(&Process) -> Number) -> Vec<Measure> {
    of_system(process::read().as_ref().map(what))
}

/// What cannot be asked for on this system has no value.
fn of_system(number: Option<Number>) -> Vec<Measure> {
    number.map(|number| values(unlabelled(number))).unwrap_or_default()
}

fn answers(shared: &Shared) -> Vec<Measure> {
    let both = |(labels, answered): (Vec<_>, crate::http_metrics::Answered)| {
        let count = Number::Count(answered.timings.count);
        let time = Number::Real(answered.timings.sum);
        [("COUNT", count), ("TOTAL_TIME", time)].map(|(statistic, value)| Measure {
            statistic,
            sample: Sample { labels: labels.clone(), value },
        })
    };
    shared.sources.http_server_requests().into_iter().flat_map(both).collect()
}
