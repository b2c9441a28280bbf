//! Spans as OTLP's JSON: ids in hexadecimal digits, whole numbers of 64 bits as texts, choices as
//! numbers (OTLP specification, "JSON Protobuf Encoding").

use std::time::SystemTime;

use gantry_core::trace::{Kind, SpanRecord, TraceContext, Value as Attribute};
use serde_json::{Value, json};

/// Of `trace.proto`, `Span.SpanKind`.
const SERVER: u8 = 2;
const CLIENT: u8 = 3;
/// Of `trace.proto`, `Status.StatusCode`.
const ERROR: u8 = 2;
/// Of `trace.proto`, `SpanFlags`: whether the parent is known to be in another process.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// Returns the body of an `ExportTraceServiceRequest`.
pub(super) fn request(service: &str, spans: &[SpanRecord]) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let resource = [
        ("service.name", Attribute::Text(service.to_owned())),
        ("service.version", Attribute::Text(version.to_owned())),
    ];
    json!({
        "resourceSpans": [{
            "resource": { "attributes": attributes(&resource) },
            "scopeSpans": [{
                "scope": { "name": "gantry", "version": version },
                "spans": spans.iter().map(span).collect::<Vec<_>>(),
            }],
        }],
    })
    .to_string()
}

/// Returns how many spans an `ExportTraceServiceResponse` says were not taken.
pub(super) fn rejected(body: &[u8]) -> u64 {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else { return 0 };
    let count = &answer["partialSuccess"]["rejectedSpans"];
    let written = count.as_str().and_then(|text| text.parse().ok());
    count.as_u64().or(written).unwrap_or(0)
}

fn span(record: &SpanRecord) -> Value {
    let kind = if record.kind == Kind::Server { SERVER } else { CLIENT };
    let mut span = json!({
        "traceId": record.context.trace_text(),
        "spanId": record.context.span_text(),
        "flags": flags(record.kind == Kind::Server && record.parent.is_some()),
        "name": record.name,
        "kind": kind,
        "startTimeUnixNano": nanoseconds(record.begin),
        "endTimeUnixNano": nanoseconds(record.end.max(record.begin)),
        "attributes": attributes(&record.attributes),
    });
    if let Some(parent) = record.parent {
        let parent = TraceContext { span: parent, ..record.context };
        span["parentSpanId"] = parent.span_text().into();
    }
    if let Some(link) = record.link {
        span["links"] = json!([{
            "traceId": link.trace_text(),
            "spanId": link.span_text(),
            "flags": u32::from(link.is_sampled) | HAS_IS_REMOTE | IS_REMOTE,
        }]);
    }
    if let Some(failure) = &record.failure {
        span["status"] = json!({ "code": ERROR, "message": failure });
    }
    span
}

/// Every span that is sent is sampled.
fn flags(is_remote: bool) -> u32 {
    1 | HAS_IS_REMOTE | if is_remote { IS_REMOTE } else { 0 }
}

fn attributes(attributes: &[(&'static str, Attribute)]) -> Vec<Value> {
    let value = |attribute: &Attribute| match attribute {
        Attribute::Text(text) => json!({ "stringValue": text }),
        Attribute::Number(number) => json!({ "intValue": number.to_string() }),
    };
    attributes.iter().map(|(key, of)| json!({ "key": key, "value": value(of) })).collect()
}

fn nanoseconds(at: SystemTime) -> String {
    at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use gantry_core::trace::{Kind, SpanRecord, TraceContext, Value};
    use serde_json::json;

    #[test]
    fn a_span_is_written_as_the_protocol_says() {
        let begin = SystemTime::UNIX_EPOCH + Duration::new(1_795_646_618, 5);
        let record = SpanRecord {
            context: TraceContext { trace: [0xab; 16], span: [1; 8], is_sampled: true },
            parent: Some([2; 8]),
            link: None,
            name: "tools/call log".to_owned(),
            kind: Kind::Server,
            begin,
            end: begin,
            attributes: vec![
                ("mcp.method.name", Value::Text("tools/call".to_owned())),
                ("server.port", Value::Number(8080)),
            ],
            failure: Some("no answer".to_owned()),
        };
        assert_eq!(
            super::span(&record),
            json!({
                "traceId": "ab".repeat(16),
                "spanId": "01".repeat(8),
                "parentSpanId": "02".repeat(8),
                "flags": 0x301,
                "name": "tools/call log",
                "kind": 2,
                "startTimeUnixNano": "1795646618000000005",
                "endTimeUnixNano": "1795646618000000005",
                "attributes": [
                    { "key": "mcp.method.name", "value": { "stringValue": "tools/call" } },
                    { "key": "server.port", "value": { "intValue": "8080" } },
                ],
                "status": { "code": 2, "message": "no answer" },
            })
        );
    }

    #[test]
    fn a_collector_may_say_that_it_took_a_part() {
        let rejected = |text: &str| super::rejected(text.as_bytes());
        assert_eq!(rejected("{}"), 0);
        assert_eq!(rejected(""), 0);
        assert_eq!(rejected(r#"{"partialSuccess":{"rejectedSpans":"3"}}"#), 3);
        assert_eq!(rejected(r#"{"partialSuccess":{"rejectedSpans":3}}"#), 3);
    }
}
