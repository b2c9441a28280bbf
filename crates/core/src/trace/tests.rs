//! Trace contexts are read and written; spans belong to their trace; sampling; the bound of the queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use super::{Kind, Parents, SpanRecord, TraceContext, Tracer};
use crate::clock::FixedClock;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa05a902b7-01";

fn tracer(ratio: f64, room: usize) -> (Arc<Tracer>, mpsc::Receiver<SpanRecord>, Arc<AtomicUsize>) {
    let (sender, receiver) = mpsc::channel(room);
    let dropped = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&dropped);
    let count = move || {
        counted.fetch_add(1, Ordering::Relaxed);
    };
    let clock = Arc::new(FixedClock(Duration::from_secs(7)));
    (Arc::new(Tracer::new(ratio, sender, count, clock).unwrap()), receiver, dropped)
}

fn parsed(text: &str) -> Option<TraceContext> {
    TraceContext::parse(text)
}

#[test]
fn a_traceparent_is_read_and_written_as_the_recommendation_says() {
    let context = parsed(PARENT).unwrap();
    assert!(context.is_sampled);
    assert_eq!(context.to_string(), PARENT);
    assert_eq!(context.span_text(), "00f067aa05a902b7");
    let later = PARENT.replacen("00", "cc", 1) + "-what-is-to-come";
    assert_eq!(parsed(&later).unwrap().trace, context.trace);
    assert!(!parsed(&PARENT.replace("-01", "-02")).unwrap().is_sampled);
    for bad in [
        "",
        PARENT.split_at(54).0,
        &format!("{PARENT}-more"),
        &PARENT.replacen("00", "ff", 1),
        &PARENT.to_uppercase(),
        &PARENT.replace('-', "_"),
        &PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
        &PARENT.replace("00f067aa05a902b7", &"0".repeat(16)),
        &PARENT.replacen("4bf9", "4bé", 1),
    ] {
        assert_eq!(parsed(bad), None, "{bad}");
    }
}

#[test]
fn a_span_is_part_of_the_message_s_trace_and_linked_to_the_transport_s() {
    let (tracer, mut spans, _) = tracer(0.0, 4);
    let transport = TraceContext { span: [9; 8], trace: [8; 16], is_sampled: false };
    let parents = Parents { message: parsed(PARENT), transport: Some(transport) };
    let server = tracer.serve("tools/call", parents);
    let client = server.ask("tools/call log");
    client.set("gen_ai.tool.name", "x".repeat(1000));
    client.fail("timeout", "no answer");
    drop(client);
    drop(server);
    let (client, server) = (spans.try_recv().unwrap(), spans.try_recv().unwrap());
    let parent = parents.message.unwrap();
    assert_eq!((server.context.trace, server.parent), (parent.trace, Some(parent.span)));
    assert_eq!((server.kind, server.link), (Kind::Server, Some(transport)));
    assert_eq!((client.context.trace, client.parent), (parent.trace, Some(server.context.span)));
    assert_eq!((client.kind, client.failure.as_deref()), (Kind::Client, Some("no answer")));
    assert_eq!(client.attributes.len(), 2);
    assert!(format!("{client:?}").len() < 1000, "a client must not choose how much is kept");
}

#[test]
fn the_ratio_decides_where_a_trace_begins_and_the_parent_elsewhere() {
    let recorded = |ratio: f64| {
        let (tracer, mut spans, _) = tracer(ratio, 1000);
        for _ in 0..1000 {
            drop(tracer.serve("ping", Parents::default()));
        }
        std::iter::from_fn(|| spans.try_recv().ok()).count()
    };
    assert_eq!((recorded(0.0), recorded(1.0)), (0, 1000));
    assert!((150..350).contains(&recorded(0.25)), "a quarter of 1000");
    let (tracer, mut spans, _) = tracer(1.0, 4);
    let unsampled = parsed(&PARENT.replace("-01", "-00"));
    let span = tracer.serve("ping", Parents { message: unsampled, transport: None });
    assert!(!span.is_recorded() && !span.ask("ping").is_recorded());
    drop(span);
    assert!(spans.try_recv().is_err());
}

#[test]
fn what_finds_the_queue_full_is_counted() {
    let (tracer, _spans, dropped) = tracer(1.0, 1);
    for _ in 0..3 {
        drop(tracer.serve("ping", Parents::default()));
    }
    assert_eq!(dropped.load(Ordering::Relaxed), 2);
}
