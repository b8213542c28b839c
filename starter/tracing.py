"""The command line's end of a trace: one span for the command, told to the API with every request."""

import re
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from models.settings import Settings


@contextmanager
def command_span(settings: Settings) -> Generator[Mapping[str, str]]:
    """The headers that tell the API which trace a command belongs to; none, and no cost, without a collector."""
    if settings.otlp_endpoint is None:
        yield {}
        return
    from opentelemetry.trace import SpanKind

    from activities.telemetry.quiet import NoMeters
    from activities.telemetry.spans import Traces, traceparent

    traces = Traces(settings.otlp_endpoint, "conclave-cli", NoMeters())
    try:
        with traces.span(_name(), SpanKind.INTERNAL):
            yield traceparent()
    finally:
        traces.close()


def _name() -> str:
    """The command without what it was given: who got here began with the name of one of our commands."""
    first = sys.argv[1] if len(sys.argv) > 1 else ""
    return f"conclave {first}" if re.fullmatch(r"[a-z-]{1,20}", first) else "conclave"
