"""Measurements into OpenTelemetry's instruments, and out as the text that Prometheus reads."""

import logging
from collections.abc import Callable, Iterable, Mapping
from threading import Lock

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Counter, Histogram, Observation
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import CollectorRegistry

from models.metrics import METRICS, OTHER, Kind, Measurement, Metric, Names, allowed, zeros

log = logging.getLogger("conclave.telemetry")

SECONDS = "_seconds"
TOTAL = "_total"


class OpenTelemetryMeters:
    """Implements `Meters`: counters and histograms as they are noted, gauges as they stood at the last look."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Make every instrument there is.

        Args:
            registry: takes the page's content; one per process.
        """
        reader = PrometheusMetricReader(disable_target_info=True, scope_info_enabled=False, registry=registry)
        # Without a resource: detecting one asks the machine for its name.
        self._provider = MeterProvider([reader], shutdown_on_exit=False)
        meter = self._provider.get_meter("conclave")
        self._counters: dict[str, Counter] = {}
        self._histograms: dict[str, Histogram] = {}
        self._standing: dict[str, list[Measurement]] = {}
        self._names: dict[tuple[str, str], set[str]] = {}
        self._lock = Lock()
        for each in METRICS:
            name, unit = _otel_name(each)
            match each.kind:
                case Kind.COUNTER:
                    self._counters[each.name] = meter.create_counter(name, unit, each.help)
                case Kind.HISTOGRAM:
                    self._histograms[each.name] = meter.create_histogram(
                        name, unit, each.help, explicit_bucket_boundaries_advisory=list(each.buckets)
                    )
                case Kind.GAUGE:
                    meter.create_observable_gauge(name, [self._reader(each)], unit, each.help)
            self.note(zeros(each))

    def note(self, measurements: Iterable[Measurement]) -> None:
        try:
            for each in measurements:
                self._note(each)
        except Exception as error:  # what is measured must not fail because it is
            log.warning("measurement_lost", extra={"error": type(error).__name__})

    def stand(self, measurements: Iterable[Measurement]) -> None:
        """Replace where all gauges stand: what is not among these is not shown any more."""
        found: dict[str, list[Measurement]] = {}
        for each in measurements:
            found.setdefault(each.metric.name, []).append(each)
        self._standing = found

    def close(self) -> None:
        """Forget everything."""
        self._provider.shutdown()

    def _note(self, each: Measurement) -> None:
        labels = self._labels(each)
        if each.metric.kind is Kind.COUNTER:
            self._counters[each.metric.name].add(each.value, labels)
        else:
            self._histograms[each.metric.name].record(each.value, labels)

    def _reader(self, metric: Metric) -> Callable[[CallbackOptions], list[Observation]]:
        def standing(_: CallbackOptions) -> list[Observation]:
            found = self._standing.get(metric.name, [])
            return [Observation(each.value, self._labels(each)) for each in found]

        return standing

    def _labels(self, each: Measurement) -> Mapping[str, str]:
        """All labels of the metric, each with a value it may have."""
        metric = each.metric
        return {name: self._value(metric, name, each.labels.get(name, OTHER)) for name in metric.labels}

    def _value(self, metric: Metric, label: str, value: str) -> str:
        values = metric.labels[label]
        value = allowed(values, str(value))
        # A gauge is bounded where it is read: its names change.
        if isinstance(values, Names) and metric.kind is not Kind.GAUGE:
            with self._lock:
                known = self._names.setdefault((metric.name, label), set())
                if value not in known and len(known) >= values.limit:
                    return OTHER
                known.add(value)
        return value


def _otel_name(metric: Metric) -> tuple[str, str]:
    """OpenTelemetry's name and unit, of which the exporter makes the name on the page again."""
    if metric.kind is Kind.COUNTER:
        return metric.name.removesuffix(TOTAL), ""
    if metric.name.endswith(SECONDS):
        return metric.name.removesuffix(SECONDS), "s"
    return metric.name, ""
