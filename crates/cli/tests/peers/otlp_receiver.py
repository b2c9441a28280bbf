"""A collector for tests: takes traces by OTLP over HTTP and reads them by OpenTelemetry's own types.

It prints `listening PORT`, and then a line of JSON for each span, or `refused REASON`. What these types do not know is
refused: whatever is read has to be the same when it is written again.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto_json.collector.trace.v1.trace_service import ExportTraceServiceRequest

# How many requests are put off before the first one is taken.
BUSY = int(sys.argv[1])


def attributes(listed):
    values = {}
    for attribute in listed:
        value = attribute.value
        values[attribute.key] = value.string_value if value.string_value is not None else value.int_value
    return values


def spans(request):
    for of_resource in request.resource_spans:
        resource = attributes(of_resource.resource.attributes)
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                yield {
                    "resource": resource,
                    "scope": of_scope.scope.name,
                    "trace": span.trace_id.hex(),
                    "span": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "links": [link.span_id.hex() for link in span.links],
                    "name": span.name,
                    "kind": int(span.kind),
                    "status": int(span.status.code) if span.status else 0,
                    "begin": span.start_time_unix_nano,
                    "end": span.end_time_unix_nano,
                    "attributes": attributes(span.attributes),
                }


class Collector(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    busy = BUSY

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if Collector.busy > 0:
            Collector.busy -= 1
            return self.answer(503, {}, ("retry-after", "0"))
        try:
            assert self.path == "/v1/traces", f"the path {self.path}"
            assert self.headers["content-type"] == "application/json", "the content type"
            assert self.headers["x-key"] == "hunter2", "the header of the configuration"
            sent = json.loads(body)
            request = ExportTraceServiceRequest.from_dict(sent)
            again = request.to_dict()
            assert again == sent, f"{sent} is not {again}"
            for span in spans(request):
                print(json.dumps(span), flush=True)
        except Exception as error:  # Whatever it is, the test has to hear of it.
            print(f"refused {error!r}", flush=True)
            return self.answer(400, {})
        self.answer(200, {"partialSuccess": {}})

    def answer(self, status, body, *headers):
        text = json.dumps(body).encode()
        self.send_response(status)
        for name, value in [("content-type", "application/json"), ("content-length", str(len(text))), *headers]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
print(f"listening {server.server_address[1]}", flush=True)
server.serve_forever()
