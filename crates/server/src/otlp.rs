//! Sends finished spans to a collector: OTLP over HTTP, as JSON (OTLP specification 1.10,
//! "OTLP/HTTP").
//!
//! Spans come out of a bounded queue, go in batches, and are sent again a few times where the
//! collector asks for that. Whatever finds the queue full, or is refused in the end, is counted and
//! forgotten: traces never hold requests up. Not here: which spans there are (`gantry_core::trace`).

mod encode;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gantry_core::trace::{SpanRecord, Tracer};
use gantry_core::{Clock, Tasks};
use gantry_net::{Client, Limits, Target};
use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};

use crate::config::Otlp;
use crate::start_error::StartError;

/// Spans that may wait.
const QUEUE: usize = 4096;
/// Spans of one request.
const BATCH: usize = 512;
/// The longest that a span waits for others.
const PATIENCE: Duration = Duration::from_secs(2);
/// For the collector to answer.
const LIMIT: Duration = Duration::from_secs(10);
/// How often a batch is sent.
const ATTEMPTS: u32 = 4;
/// The first pause between two of them; each further one is twice as long.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest pause that a collector may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// For the last spans, at the end of the gateway.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// The most bytes of an answer that are read.
const ANSWER: usize = 64 * 1024;
const AGENT: &str = concat!("gantry/", env!("CARGO_PKG_VERSION"));

/// Sends what comes out of the queue.
struct Exporter {
    target: Target,
    headers: HeaderMap,
    service: String,
    counts: Counts,
    /// Whether it was said that nothing arrives.
    is_failing: bool,
}

#[derive(Debug, Clone, Default)]
struct Counts {
    exported: Counter,
    dropped: Counter,
}

/// Why a batch did not arrive.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The same may succeed later.
    #[error("{why}")]
    ForNow { why: String, pause: Option<Duration> },
    #[error("{why}")]
    ForGood { why: String },
}

/// Makes the tracer that the configuration asks for, and starts to send.
pub(crate) fn start(
    config: &Otlp,
    http: &Client,
    clock: Arc<dyn Clock>,
    tasks: &Tasks,
    registry: &mut Registry,
) -> Result<Arc<Tracer>, StartError> {
    let target = http.target(&config.url).map_err(|source| StartError::Collector { source })?;
    let counts = Counts::default();
    registry.register(
        "gantry_trace_spans_exported",
        "Spans that the collector took",
        counts.exported.clone(),
    );
    registry.register(
        "gantry_trace_spans_dropped",
        "Spans that found the queue full or that the collector did not take",
        counts.dropped.clone(),
    );
    let (sender, queue) = mpsc::channel(QUEUE);
    let dropped = counts.dropped.clone();
    let count = move || {
        dropped.inc();
    };
    let tracer = Tracer::new(config.sample_ratio, sender, count, clock)
        .map_err(|source| StartError::Seal { origin: "the operating system", source })?;
    let exporter = Exporter {
        target,
        headers: headers(config),
        service: config.service_name.clone(),
        counts,
        is_failing: false,
    };
    let stopping = tasks.stopping().clone();
    tasks.spawn("traces", async move {
        exporter.run(queue, stopping.cancelled_owned()).await;
    });
    Ok(Arc::new(tracer))
}

fn headers(config: &Otlp) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    for (name, value) in &config.headers {
        // The configuration was checked to have none that cannot be sent.
        if let (Ok(name), Ok(mut value)) =
            (name.parse::<HeaderName>(), HeaderValue::from_str(value.expose()))
        {
            value.set_sensitive(true);
            headers.insert(name, value);
        }
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
}

impl Exporter {
    /// Sends batches until the gateway stops, and then what is there still.
    async fn run(
        mut self,
        mut queue: mpsc::Receiver<SpanRecord>,
        stopping: impl Future<Output = ()>,
    ) {
        let mut stopping = std::pin::pin!(stopping);
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = &mut stopping => break,
                n_taken = fill(&mut queue, &mut batch) => if n_taken == 0 { return },
            }
            tokio::select! {
                biased;
                () = &mut stopping => break,
                () = self.send(&batch) => batch.clear(),
            }
        }
        let deadline = Instant::now() + LAST_WORDS;
        loop {
            while batch.len() < BATCH
                && let Ok(span) = queue.try_recv()
            {
                batch.push(span);
            }
            if batch.is_empty() {
                return;
            }
            if timeout_at(deadline, self.send(&batch)).await.is_err() {
                let lost = batch.len() + queue.len();
                self.counts.dropped.inc_by(lost as u64);
                gantry_core::log::warn!(
                    lost,
                    "The last spans did not reach the collector in time."
                );
                return;
            }
            batch.clear();
        }
    }

    /// Sends a batch, again and again if need be; then it is counted, one way or the other.
    async fn send(&mut self, batch: &[SpanRecord]) {
        let body = Bytes::from(encode::request(&self.service, batch));
        let mut pause = PAUSE;
        for attempt in 1..=ATTEMPTS {
            let failure = match self.post(body.clone()).await {
                Ok(rejected) => return self.arrived(batch.len(), rejected),
                Err(failure) => failure,
            };
            match failure {
                Failure::ForNow { pause: asked, .. } if attempt < ATTEMPTS => {
                    sleep(asked.unwrap_or(pause).min(LONGEST_PAUSE)).await;
                    pause *= 2;
                }
                failure => return self.lost(batch.len(), &failure),
            }
        }
    }

    /// Returns how many spans the collector did not take.
    async fn post(&self, body: Bytes) -> Result<u64, Failure> {
        let limits = Limits { head: Some(LIMIT), body_idle: Some(LIMIT) };
        let answer = self.target.send(Method::POST, self.headers.clone(), body, limits).await;
        let for_now = |why| Failure::ForNow { why, pause: None };
        let answer = answer.map_err(|error| for_now(gantry_core::chain(&error)))?;
        let (head, body) = answer.into_parts();
        let (body, _) = body
            .collect_prefix(ANSWER)
            .await
            .map_err(|error| for_now(gantry_core::chain(&error)))?;
        let why = format!("it answered with the status {}", head.status);
        match head.status {
            status if status.is_success() => Ok(encode::rejected(&body)),
            // OTLP specification, "Retryable Response Codes".
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => {
                let asked = head.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
                let pause = asked.and_then(|text| text.parse().ok()).map(Duration::from_secs);
                Err(Failure::ForNow { why, pause })
            }
            _ => Err(Failure::ForGood { why }),
        }
    }

    fn arrived(&mut self, n_sent: usize, rejected: u64) {
        let rejected = rejected.min(n_sent as u64);
        self.counts.exported.inc_by(n_sent as u64 - rejected);
        self.counts.dropped.inc_by(rejected);
        if rejected > 0 {
            gantry_core::log::warn!(rejected, "The collector did not take some of the spans.");
        }
        if std::mem::take(&mut self.is_failing) {
            gantry_core::log::info!("The collector takes spans again.");
        }
    }

    fn lost(&mut self, n_lost: usize, failure: &Failure) {
        self.counts.dropped.inc_by(n_lost as u64);
        if !std::mem::replace(&mut self.is_failing, true) {
            gantry_core::log::warn!(error = %failure, "Spans do not reach the collector and are dropped.");
        }
    }
}

/// Waits for a span and then for others, until there are enough of them or the first has waited
/// long enough. Returns how many there are: 0 when nobody makes any more.
///
/// Cancel safe: what was taken is in the batch.
async fn fill(queue: &mut mpsc::Receiver<SpanRecord>, batch: &mut Vec<SpanRecord>) -> usize {
    if queue.recv_many(batch, BATCH).await == 0 {
        return batch.len();
    }
    let deadline = Instant::now() + PATIENCE;
    while batch.len() < BATCH {
        let room = BATCH - batch.len();
        match timeout_at(deadline, queue.recv_many(batch, room)).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    batch.len()
}
