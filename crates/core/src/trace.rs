//! Traces: which one a request belongs to, and what is recorded of it.
//!
//! A [`Tracer`] decides what is recorded and makes spans; a finished span goes into a bounded queue,
//! from which the server sends it on. Where there is no tracer, nothing of this runs. The names of
//! attributes are those of the OpenTelemetry semantic conventions for MCP.

mod context;
mod span;

pub use context::TraceContext;
pub use span::{Kind, Span, SpanRecord, Value};

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::seal::{self, SealError};

/// Where the trace of a request comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parents {
    /// In the message itself: the parent.
    pub message: Option<TraceContext>,
    /// In the headers of the transport: the parent if the message has none, else a link.
    pub transport: Option<TraceContext>,
}

/// Makes spans.
pub struct Tracer {
    /// Traces whose last seven bytes are below are recorded.
    threshold: u64,
    next: AtomicU64,
    queue: mpsc::Sender<SpanRecord>,
    dropped: Box<dyn Fn() + Send + Sync>,
    clock: Arc<dyn Clock>,
}

/// The numbers that the random part of a trace id can have (W3C Trace Context 2, section 3.2.2.3).
const RANDOM: u64 = 1 << 56;

impl Tracer {
    /// Makes a tracer that records this part of the traces that begin here. What finds the queue
    /// full is counted by `dropped` and forgotten.
    pub fn new(
        ratio: f64,
        queue: mpsc::Sender<SpanRecord>,
        dropped: impl Fn() + Send + Sync + 'static,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SealError> {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "2^56 is a number of its own as `f64`, and a ratio within 0 and 1 stays within"
        )]
        let threshold = (ratio.clamp(0.0, 1.0) * RANDOM as f64) as u64;
        let next = AtomicU64::new(u64::from_be_bytes(seal::random::<8>()?));
        Ok(Self { threshold, next, queue, dropped: Box::new(dropped), clock })
    }

    /// Begins the span of a request that came in. Without a parent the ratio decides whether it is
    /// recorded; else the parent does.
    pub fn serve(self: &Arc<Self>, name: impl Into<String>, parents: Parents) -> Span {
        let parent = parents.message.or(parents.transport);
        let context = match parent {
            Some(parent) => TraceContext { span: self.span_id(), ..parent },
            None => self.root(),
        };
        let link = parents.message.and(parents.transport);
        Span::begin(self, name.into(), Kind::Server, context, parent.map(|parent| parent.span))
            .linked(link)
    }

    pub(crate) fn span_id(&self) -> [u8; 8] {
        // No id is all zeros (W3C Trace Context, section 3.2.2.4).
        self.number().max(1).to_be_bytes()
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(crate) fn take(&self, span: SpanRecord) {
        if self.queue.try_send(span).is_err() {
            (self.dropped)();
        }
    }

    fn root(&self) -> TraceContext {
        let (high, low) = (self.number(), self.number().max(1));
        let mut trace = [0; 16];
        trace[..8].copy_from_slice(&high.to_be_bytes());
        trace[8..].copy_from_slice(&low.to_be_bytes());
        let is_sampled = low % RANDOM < self.threshold;
        TraceContext { trace, span: self.span_id(), is_sampled }
    }

    /// A number that does not come twice, and by which the next one cannot be told at a glance.
    fn number(&self) -> u64 {
        // SplitMix64: a counter, and a mixing in which every bit decides about every other.
        let mut z = self.next.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

impl fmt::Debug for Tracer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Tracer").field("threshold", &self.threshold).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
