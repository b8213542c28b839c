"""What leaves in a span, and that a collector which is away or silent holds nobody up."""

import socket
import threading
import time
from collections.abc import Generator, Iterable

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, Status, StatusCode, get_current_span

from activities.telemetry import spans
from activities.telemetry.quiet import NoMeters
from activities.telemetry.spans import ScrubbedExporter, Traces, parent_in, traceparent
from models.metrics import Measurement

SECRET = "sk-canary-5b1e0c"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Counted(NoMeters):
    def __init__(self) -> None:
        self.seen: dict[str, float] = {}

    def note(self, measurements: Iterable[Measurement]) -> None:
        for each in measurements:
            told = each.labels["delivery"]
            self.seen[told] = self.seen.get(told, 0) + each.value


def test_nothing_leaves_but_what_is_allowed() -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(ScrubbedExporter(kept, NoMeters())))
    tracer = provider.get_tracer("x")
    with (
        pytest.raises(ValueError, match=SECRET),
        tracer.start_as_current_span(f"read\n{SECRET}", attributes={"code": SECRET}) as span,
    ):
        span.set_attribute("http.route", "/reviews/{review_id}")
        span.set_attribute("error.type", SECRET * 40)
        span.add_event("said", {"text": SECRET})
        span.set_status(Status(StatusCode.ERROR, SECRET))
        raise ValueError(SECRET)
    (seen,) = kept.get_finished_spans()
    assert SECRET not in seen.to_json()
    assert dict(seen.attributes or {}) == {"http.route": "/reviews/{review_id}"}
    assert (seen.name, seen.status.status_code, seen.events) == ("span", StatusCode.ERROR, ())


def test_a_parent_is_taken_from_a_proper_header_alone_and_nothing_beside_it() -> None:
    given = parent_in({"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "tracestate": f"v={SECRET}"})
    context = get_current_span(given).get_span_context()
    assert (f"{context.trace_id:032x}", dict(context.trace_state)) == (TRACE, {})
    for wrong in ("", "00-0-0-0", f"00-{'0' * 32}-00f067aa0ba902b7-01", SECRET):
        assert not get_current_span(parent_in({"traceparent": wrong})).get_span_context().is_valid


@pytest.fixture(params=["nobody listens", "nobody answers"])
def dead(request: pytest.FixtureRequest) -> Generator[str]:
    """The address of a collector that is none."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if request.param == "nobody answers":
            listener.listen(8)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_dead_collector_costs_neither_the_work_nor_the_end(dead: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "DELAY_MS", 10)
    counted = Counted()
    traces = Traces(dead, "test", counted)
    began = time.perf_counter()
    for _ in range(spans.QUEUE_SPANS + 1_000):
        with traces.span("work", SpanKind.INTERNAL):
            pass
    working = time.perf_counter() - began
    with traces.span("told", SpanKind.INTERNAL):
        assert traceparent()["traceparent"].count("-") == 3
    began = time.perf_counter()
    traces.close()
    closing = time.perf_counter() - began
    # Three thousand spans in seconds on any machine; one that waited for the collector would take one by itself.
    assert working < 15
    assert closing < spans.CLOSE_SECONDS + 1.5
    assert threading.active_count() < 50
    assert counted.seen.get("sent", 0) == 0
