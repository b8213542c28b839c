"""A collector of traces on the loopback: real HTTP, real protobuf. Keeps every span, and every byte it was sent."""

import gzip
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Collector:
    """What came."""

    url: str = ""
    spans: list[tuple[str, Span]] = field(default_factory=list)
    """Service and span."""
    raw: list[bytes] = field(default_factory=list)

    def until(self, name: str, trace: bytes | None = None, seconds: float = 20.0) -> Span:
        """The first span of this name, of one trace or of any: waited for."""
        deadline = time.monotonic() + seconds
        while True:
            spans = [span for _, span in self.spans if trace in (None, span.trace_id)]
            if named := [span for span in spans if span.name == name]:
                return named[0]
            assert time.monotonic() < deadline, f"no {name} among {sorted({span.name for span in spans})}"
            time.sleep(0.1)


@contextmanager
def collecting() -> Generator[Collector]:
    """A collector that runs until the end."""
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            assert self.path == "/v1/traces"
            found.raw.append(body)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                names = {each.key: each.value.string_value for each in resource.resource.attributes}
                for scope in resource.scope_spans:
                    found.spans += [(names["service.name"], span) for span in scope.spans]
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
