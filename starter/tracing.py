"""The command line's end of a trace: one span for the command, told to the API with every request."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

from models.settings import Settings


@contextmanager
def command_span(settings: Settings) -> Generator[Mapping[str, str]]:
    """The headers that tell the API which trace a command belongs to; none, and no cost, without a collector."""
    if settings.otlp_endpoint is None:
        yield {}
        return
    import click
    from opentelemetry.trace import SpanKind

    from activities.telemetry.quiet import NoMeters
    from activities.telemetry.spans import Traces, traceparent

    context = click.get_current_context(silent=True)
    traces = Traces(settings.otlp_endpoint, "conclave-cli", NoMeters())
    try:
        with traces.span(context.command_path if context else "conclave", SpanKind.INTERNAL):
            yield traceparent()
    finally:
        traces.close()
