"""Metrics and traces of one process, put together: what others are given to tell, and where it can be read."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, start_http_server
from temporalio.client import Interceptor
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from activities.telemetry.meters import OpenTelemetryMeters
from activities.telemetry.quiet import NoMeters, NoTracer
from activities.telemetry.sdk_page import SdkPage
from activities.telemetry.steps import MeasuredSteps
from activities.telemetry_ports import Meters, Tracer
from models.settings import Settings

if TYPE_CHECKING:
    from activities.telemetry.spans import Traces

LOOPBACK = "127.0.0.1"
PORT_TRIES = 5


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What a process measures with."""

    meters: Meters = NoMeters()
    tracer: Tracer = NoTracer()
    page: CollectorRegistry | None = None
    """What is shown; None: nothing is measured."""
    gauges: OpenTelemetryMeters | None = None
    """Where the process may say how things stand."""
    traces: "Traces | None" = None
    """None: no collector is set."""
    interceptors: Sequence[Interceptor] = ()
    """For the connection to Temporal, and the workers over it."""
    runtime: Runtime | None = None
    """The SDK's, one per process; None: the default one, which shows nothing."""

    def close(self) -> None:
        """Send the last spans."""
        if self.traces is not None:
            self.traces.close()


QUIET = Telemetry()
"""For what nobody measures."""


class MetricsPortTaken(Exception):
    """Nobody can listen where the metrics should be shown."""

    def __init__(self, port: int) -> None:
        super().__init__(f"CONCLAVE_METRICS_PORT: port {port} cannot be listened on; free it or name another")


def telemetry_of(settings: Settings, role: str, *, sdk: bool = False) -> Telemetry:
    """The telemetry of this process.

    Args:
        settings: whether there is a collector.
        role: `api` or `worker`.
        sdk: whether the page shows the numbers of Temporal's SDK too: once per process.
    """
    page = CollectorRegistry()
    meters = OpenTelemetryMeters(page)
    interceptors: list[Interceptor] = [MeasuredSteps(meters)]
    traces = None
    if settings.otlp_endpoint is not None:
        # Only now: they are slow to import.
        from temporalio.contrib.opentelemetry import TracingInterceptor

        from activities.telemetry.spans import Traces

        traces = Traces(settings.otlp_endpoint, f"conclave-{role}", meters)
        interceptors.insert(0, TracingInterceptor(traces.tracer))
    return Telemetry(
        meters=meters,
        tracer=NoTracer() if traces is None else traces,
        page=page,
        gauges=meters,
        traces=traces,
        interceptors=interceptors,
        runtime=_runtime(page) if sdk else None,
    )


def serve_page(page: CollectorRegistry, host: str, port: int) -> None:
    """Serve the page at `/metrics` from a thread of its own, as long as the process lives.

    Raises:
        MetricsPortTaken: the port is taken, or is not ours to take.
    """
    try:
        start_http_server(port, host, page)
    except OSError as error:
        raise MetricsPortTaken(port) from error


def _runtime(page: CollectorRegistry) -> Runtime:
    """The SDK's runtime, whose numbers are added to the page."""
    for again in reversed(range(PORT_TRIES)):
        port = _free_port()
        metrics = PrometheusConfig(
            bind_address=f"{LOOPBACK}:{port}", counters_total_suffix=True, durations_as_seconds=True
        )
        try:
            runtime = Runtime(telemetry=TelemetryConfig(metrics=metrics))
        except (RuntimeError, ValueError):
            # Somebody took the port between the choice and the start.
            if not again:
                raise
        else:
            page.register(SdkPage(port))
            return runtime
    raise AssertionError("unreachable")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
