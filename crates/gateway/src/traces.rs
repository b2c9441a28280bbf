//! What is recorded of requests in traces: the span of a client's request, and within it that of
//! the request to a server.
//!
//! Names and attributes are those of the OpenTelemetry semantic conventions for MCP, as of
//! semconv-genai in November 2026. What could be secret is left out: arguments, results, URIs of
//! resources, ids of sessions. Without a tracer nothing of this runs.

use std::sync::Arc;

use gantry_core::trace::{Parents, Span, TraceContext};
use gantry_core::{CallContext, Outcome, ProviderError, Request, correlation};
use gantry_protocol::{Message, Revision, RpcError, json, meta, method};
use http::{HeaderMap, HeaderName};

use crate::Gateway;
use crate::snapshot::Target;
use crate::spec::Connection;

const HEADER: HeaderName = HeaderName::from_static("traceparent");

/// Reads the context that came with a transport; one that was sent twice is none.
pub(crate) fn of_headers(gateway: &Gateway, headers: &HeaderMap) -> Option<TraceContext> {
    gateway.tracer.as_ref()?;
    let mut values = headers.get_all(HEADER).iter();
    let only = values.next().filter(|_| values.next().is_none())?;
    TraceContext::parse(only.to_str().ok()?)
}

/// Whose request begins, and how it came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Came<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) transport: Option<TraceContext>,
    pub(crate) by_http: bool,
}

/// Begins the span of a client's request.
pub(crate) fn begin(
    gateway: &Gateway,
    came: Came<'_>,
    revision: Revision,
    message: &Message,
) -> Option<Arc<Span>> {
    let tracer = gateway.tracer.as_ref()?;
    let parent = message.meta_raw(meta::TRACEPARENT).and_then(json::string);
    let parents = Parents {
        message: parent.as_deref().and_then(TraceContext::parse),
        transport: came.transport,
    };
    let name = message.method();
    // A client must not make names: they are what traces are grouped by.
    let is_known = method::is_legacy_request(name) || method::is_modern_request(name);
    let span = tracer.serve(if is_known { name } else { "other" }, parents);
    if span.is_recorded() {
        describe(&span, message, came.by_http);
        span.set("mcp.protocol.version", revision.as_str());
        span.set("gantry.request.id", came.request_id);
    }
    correlation::note_trace(span.context());
    Some(Arc::new(span))
}

/// Says to whom a request goes, once that is known.
pub(crate) fn routed(context: &CallContext, target: &Target<'_>, message: &Message) {
    let Some(span) = recorded(context) else { return };
    span.set("gantry.server", &*target.server.name);
    if let Some(attribute) = name_attribute(message)
        && let Some(name) = message.param_string("name")
    {
        // It is in the snapshot, so it is none that a client made.
        span.rename(format!("{} {name}", message.method()));
        span.set(attribute, name);
    }
}

/// Returns the context of a request to a server, with a span of its own; `None` if nothing is
/// traced, or the gateway answers itself.
pub(crate) fn ask(
    context: &CallContext,
    target: &Target<'_>,
    request: &Request,
) -> Option<CallContext> {
    let upstream = target.server.upstream.as_ref()?;
    let outer = context.trace.as_ref()?;
    let (message, local) = (&request.message, &target.local);
    let attribute = name_attribute(message);
    let span = match attribute {
        Some(_) if outer.is_recorded() => outer.ask(format!("{} {local}", message.method())),
        _ => outer.ask(message.method()),
    };
    if span.is_recorded() {
        let connection = &upstream.spec().connection;
        describe(&span, message, matches!(connection, Connection::Http { .. }));
        span.set("gantry.server", &*target.server.name);
        if let Some(attribute) = attribute {
            span.set(attribute, &**local);
        }
        if let Connection::Http { url, .. } = connection {
            place(&span, url);
        }
    }
    Some(CallContext { trace: Some(Arc::new(span)), ..context.clone() })
}

/// Says how a request to a server ended: in its own span, and in the one around it.
pub(crate) fn answered(
    outer: &CallContext,
    inner: Option<&CallContext>,
    outcome: &Result<Outcome, ProviderError>,
) {
    if let Some(span) = inner.and_then(recorded) {
        let revision = match outcome {
            Ok(Outcome::Complete(result) | Outcome::NeedsInput(result)) => Some(result.revision),
            Err(ProviderError::Answered { revision, .. }) => Some(*revision),
            Err(_) => None,
        };
        if let Some(revision) = revision {
            span.set("mcp.protocol.version", revision.as_str());
        }
        note(span, outcome);
    }
    if let Some(span) = recorded(outer) {
        note(span, outcome);
    }
}

/// Says that the gateway itself refused a request.
pub(crate) fn refused(context: &CallContext, error: &RpcError) {
    if let Some(span) = recorded(context) {
        fail(span, error);
    }
}

fn recorded(context: &CallContext) -> Option<&Span> {
    context.trace.as_deref().filter(|span| span.is_recorded())
}

fn describe(span: &Span, message: &Message, by_http: bool) {
    span.set("mcp.method.name", message.method());
    if let Some(id) = message.id() {
        let raw = String::from_utf8_lossy(id.to_raw().as_ref()).into_owned();
        span.set(
            "jsonrpc.request.id",
            json::string(raw.as_bytes()).map_or(raw.clone(), Into::into),
        );
    }
    if message.method() == method::TOOLS_CALL {
        span.set("gen_ai.operation.name", "execute_tool");
    }
    if by_http {
        span.set("network.protocol.name", "http");
        span.set("network.transport", "tcp");
    } else {
        span.set("network.transport", "pipe");
    }
}

fn name_attribute(message: &Message) -> Option<&'static str> {
    match message.method() {
        method::TOOLS_CALL => Some("gen_ai.tool.name"),
        method::PROMPTS_GET => Some("gen_ai.prompt.name"),
        _ => None,
    }
}

/// The host and the port of a server; its path may hold what is secret.
fn place(span: &Span, url: &str) {
    let Ok(url) = url.parse::<http::Uri>() else { return };
    let Some(host) = url.host() else { return };
    let usual = if url.scheme_str() == Some("https") { 443 } else { 80 };
    span.set("server.address", host.trim_matches(['[', ']']));
    span.set_number("server.port", url.port_u16().unwrap_or(usual).into());
}

fn note(span: &Span, outcome: &Result<Outcome, ProviderError>) {
    match outcome {
        Ok(Outcome::Complete(result))
            if result.message.result_member("isError") == Some(b"true") =>
        {
            span.fail("tool_error", "the tool says that it failed");
        }
        Ok(_) => {}
        Err(ProviderError::Answered { message, .. }) => match message.rpc_error() {
            Some(error) => fail(span, &error),
            None => span.fail("error", "the server refused"),
        },
        Err(ProviderError::Refused(error)) => fail(span, error),
        Err(error @ ProviderError::TimedOut { .. }) => span.fail("timeout", error.to_string()),
        Err(error @ ProviderError::Cancelled) => span.fail("cancelled", error.to_string()),
        // The message may quote a child.
        Err(ProviderError::Unavailable { reason, .. }) => span.fail(*reason, "the server is away"),
    }
}

fn fail(span: &Span, error: &RpcError) {
    let code = error.code.to_string();
    span.set("rpc.response.status_code", code.clone());
    span.fail(code, "the request was answered with an error");
}
