"""Traces through OpenTelemetry: what may be in a span, and a way out that holds nobody up."""

import re
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Final

import requests
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from typing_extensions import override

from activities.telemetry_ports import Meters
from models.metrics import SPANS, Delivery, Measurement

ATTRIBUTES: Final = frozenset(
    {
        *("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.request.max_tokens"),
        *("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "error.type"),
        *("http.request.method", "http.route", "http.response.status_code"),
        *("temporalWorkflowID", "temporalRunID", "temporalActivityID", "temporalUpdateID"),
    }
)
"""What a span may tell. Everything else is left out, whoever put it there: events, descriptions, other attributes."""

NAME = re.compile(r"[A-Za-z0-9 _.:/{}@+-]{1,250}")
LONGEST_VALUE = 250

QUEUE_SPANS, BATCH_SPANS = 2048, 256
"""Spans that wait, more are dropped; and how many are sent together."""
DELAY_MS = 1_000
EXPORT_SECONDS = 1.0
"""For one batch; a collector that does not take it by then does not get it."""
CLOSE_SECONDS = 1.0
"""For all that waits when the process ends."""

_W3C = TraceContextTextMapPropagator()


class ScrubbedExporter(SpanExporter):
    """Hands on spans with what is allowed in them, and counts what became of them."""

    def __init__(self, exporter: SpanExporter, meters: Meters) -> None:
        self._exporter = exporter
        self._meters = meters

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        try:
            result = self._exporter.export([scrubbed(span) for span in spans])
        except Exception:  # its text may hold the collector's address with a password in it
            result = SpanExportResult.FAILURE
        delivery = Delivery.SENT if result is SpanExportResult.SUCCESS else Delivery.LOST
        self._meters.note([Measurement(SPANS, len(spans), {"delivery": delivery})])
        return result

    @override
    def shutdown(self) -> None:
        self._exporter.shutdown()


def scrubbed(span: ReadableSpan) -> ReadableSpan:
    """A span with nothing in it but what `ATTRIBUTES` names."""
    kept = {name: value for name, value in (span.attributes or {}).items() if name in ATTRIBUTES and _small(value)}
    return ReadableSpan(
        name=span.name if NAME.fullmatch(span.name) else "span",
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=kept,
        links=[Link(each.context) for each in span.links],
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _small(value: object) -> bool:
    return isinstance(value, (bool, int, float)) or (isinstance(value, str) and len(value) <= LONGEST_VALUE)


class Traces:
    """The spans of one process; implements `Tracer` of `activities.telemetry_ports`."""

    def __init__(self, endpoint: str, service: str, meters: Meters) -> None:
        """Begin a thread that sends; nothing is connected yet.

        Args:
            endpoint: of the collector, OTLP over HTTP, without `/v1/traces`.
            service: name of this process.
            meters: counts what was sent and what was lost.
        """
        session = requests.Session()
        session.trust_env = False  # no proxy and no password out of files of the user's
        exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_SECONDS, session=session)
        resource = Resource.create({"service.name": service, "service.version": version("conclave")})
        self.provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self.provider.add_span_processor(
            BatchSpanProcessor(ScrubbedExporter(exporter, meters), QUEUE_SPANS, DELAY_MS, BATCH_SPANS)
        )
        self.tracer: Tracer = self.provider.get_tracer("conclave")

    @contextmanager
    def model_call(self, provider: str, model: str, max_tokens: int) -> Generator["ModelCall"]:
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": model,
            "gen_ai.request.max_tokens": max_tokens,
        }
        with self.span(f"chat {model}", SpanKind.CLIENT, attributes) as span:
            yield ModelCall(span)

    @contextmanager
    def span(
        self,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, str | int] | None = None,
        parent: Context | None = None,
    ) -> Generator[Span]:
        """A span that is the current one for as long as the context lasts; errors leave their type, not their text."""
        with self.tracer.start_as_current_span(
            name, parent, kind, attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except Exception as error:
                failed(span, type(error).__name__)
                raise

    def close(self) -> None:
        """Send what waits, for a moment at most."""
        ending = threading.Thread(target=self.provider.shutdown, daemon=True)
        ending.start()
        ending.join(CLOSE_SECONDS)


class ModelCall:
    """The span of one model call."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def answered(self, input_tokens: int, output_tokens: int) -> None:
        self._span.set_attribute("gen_ai.usage.input_tokens", input_tokens)
        self._span.set_attribute("gen_ai.usage.output_tokens", output_tokens)

    def failed(self, code: str) -> None:
        failed(self._span, code)


def failed(span: Span, code: str) -> None:
    """Mark a span as failed, with a code."""
    span.set_attribute("error.type", str(code))
    span.set_status(Status(StatusCode.ERROR))


def parent_in(headers: Mapping[str, str]) -> Context:
    """Of a `traceparent` header, if there is a proper one; what else came along stays behind."""
    told = get_current_span(_W3C.extract({"traceparent": headers.get("traceparent", "")}, Context())).get_span_context()
    if not told.is_valid:
        return Context()
    clean = SpanContext(told.trace_id, told.span_id, is_remote=True, trace_flags=told.trace_flags)
    return set_span_in_context(NonRecordingSpan(clean), Context())


def traceparent() -> dict[str, str]:
    """The header that tells somebody else of the current span."""
    headers: dict[str, str] = {}
    _W3C.inject(headers)
    return {name: value for name, value in headers.items() if name == "traceparent"}
