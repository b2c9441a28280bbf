//! One operation of a trace, from its beginning to its end.

use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;

use super::{TraceContext, Tracer};

/// Which side of a conversation a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A request that came in.
    Server,
    /// A request that went out.
    Client,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
}

/// A span that is over.
#[derive(Debug, Clone)]
pub struct SpanRecord {
    /// Which span of which trace.
    pub context: TraceContext,
    /// The span within which it is; `None` where the trace begins.
    pub parent: Option<[u8; 8]>,
    /// Another span that led to it.
    pub link: Option<TraceContext>,
    /// What was done.
    pub name: String,
    /// Which side it is.
    pub kind: Kind,
    /// When it began.
    pub begin: SystemTime,
    /// When it ended.
    pub end: SystemTime,
    /// What is known of it.
    pub attributes: Vec<(&'static str, Value)>,
    /// Why it failed, for people; `None` if it did not.
    pub failure: Option<String>,
}

/// A span that is under way. It ends when it is dropped.
#[derive(Debug)]
pub struct Span {
    tracer: Arc<Tracer>,
    context: TraceContext,
    /// `None` if it is not recorded.
    record: Option<Mutex<SpanRecord>>,
}

/// Longer texts are cut: a client chooses some of them.
const LONGEST_TEXT: usize = 256;

impl Span {
    pub(super) fn begin(
        tracer: &Arc<Tracer>,
        name: String,
        kind: Kind,
        context: TraceContext,
        parent: Option<[u8; 8]>,
    ) -> Self {
        let record = context.is_sampled.then(|| {
            let begin = tracer.clock().now();
            let (attributes, failure, link) = (Vec::new(), None, None);
            let name = cut(name);
            Mutex::new(SpanRecord {
                context,
                parent,
                link,
                name,
                kind,
                begin,
                end: begin,
                attributes,
                failure,
            })
        });
        Self { tracer: Arc::clone(tracer), context, record }
    }

    pub(super) fn linked(mut self, link: Option<TraceContext>) -> Self {
        if let Some(record) = &mut self.record {
            record.get_mut().link = link;
        }
        self
    }

    /// Begins the span of a request that this one makes.
    #[must_use]
    pub fn ask(&self, name: impl Into<String>) -> Self {
        let context = TraceContext { span: self.tracer.span_id(), ..self.context };
        Self::begin(&self.tracer, name.into(), Kind::Client, context, Some(self.context.span))
    }

    /// Returns what others have to know to be part of it.
    pub fn context(&self) -> TraceContext {
        self.context
    }

    /// Tells whether anything that is set is kept.
    pub fn is_recorded(&self) -> bool {
        self.record.is_some()
    }

    /// Gives it another name, once more is known.
    pub fn rename(&self, name: impl Into<String>) {
        if let Some(record) = &self.record {
            record.lock().name = cut(name.into());
        }
    }

    /// Adds a text.
    pub fn set(&self, name: &'static str, text: impl Into<String>) {
        self.add(name, |text| Value::Text(cut(text)), text.into());
    }

    /// Adds a number.
    pub fn set_number(&self, name: &'static str, number: i64) {
        self.add(name, Value::Number, number);
    }

    /// Says that it failed: the kind of failure, and what it is called for people. The first word
    /// counts, which is the one of whoever was nearest to it.
    pub fn fail(&self, kind: impl Into<String>, message: impl Into<String>) {
        let Some(record) = &self.record else { return };
        let mut record = record.lock();
        if record.failure.is_none() {
            record.failure = Some(cut(message.into()));
            record.attributes.push(("error.type", Value::Text(cut(kind.into()))));
        }
    }

    fn add<T>(&self, name: &'static str, value: impl FnOnce(T) -> Value, given: T) {
        if let Some(record) = &self.record {
            record.lock().attributes.push((name, value(given)));
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(record) = self.record.take() {
            let mut record = record.into_inner();
            record.end = self.tracer.clock().now();
            self.tracer.take(record);
        }
    }
}

fn cut(mut text: String) -> String {
    if text.len() > LONGEST_TEXT {
        text.truncate(text.floor_char_boundary(LONGEST_TEXT));
    }
    text
}
