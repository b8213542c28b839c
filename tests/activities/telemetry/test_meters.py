"""Every metric under its name, and labels that nobody can widen."""

import re
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from activities.telemetry.meters import OpenTelemetryMeters
from models import metrics
from models.metrics import METRICS, OTHER, Kind, Measurement, Metric, Names, values_of

OF_THE_SPECIFICATION = {
    "orchestrator_complexity_score": Kind.HISTOGRAM,
    "orchestrator_expert_execution_time_seconds": Kind.HISTOGRAM,
    "orchestrator_provider_selection_total": Kind.COUNTER,
    "version_control_experiments_total": Kind.COUNTER,
    "version_control_promotions_total": Kind.COUNTER,
    "comparison_statistical_tests_total": Kind.COUNTER,
    "provider_health_checks_total": Kind.COUNTER,
    "provider_quota_violations_total": Kind.COUNTER,
}


def page_of(*measurements: Measurement) -> str:
    registry = CollectorRegistry()
    meters = OpenTelemetryMeters(registry)
    meters.note([each for each in measurements if each.metric.kind is not Kind.GAUGE])
    meters.stand([each for each in measurements if each.metric.kind is Kind.GAUGE])
    return generate_latest(registry).decode()


def usual(metric: Metric) -> Measurement:
    labels = {
        name: "a-name" if isinstance(values, Names) else sorted(values_of(values))[0]
        for name, values in metric.labels.items()
    }
    return Measurement(metric, 1, labels)


def test_the_names_of_the_specification_are_there() -> None:
    assert {each.name: each.kind for each in METRICS if each.name in OF_THE_SPECIFICATION} == OF_THE_SPECIFICATION


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_each_is_on_the_page_under_its_name_with_its_labels(metric: Metric) -> None:
    page = page_of(usual(metric))
    series = f"{metric.name}_count" if metric.kind is Kind.HISTOGRAM else metric.name
    (line,) = [each for each in page.splitlines() if re.match(rf"{series}[{{ ]", each) and not each.endswith(" 0.0")]
    assert line.endswith(" 1.0")
    assert set(re.findall(r'(\w+)="', line)) == set(metric.labels)


def test_what_somebody_sent_never_becomes_a_label() -> None:
    sent = 'x"} evil 1\n'
    labels = {"provider": sent, "result": sent}
    page = page_of(Measurement(metrics.CALLS, 1, labels), Measurement(metrics.REVIEWS, 1, {"mode": sent, "end": sent}))
    assert "evil" not in page
    assert f'provider_calls_total{{provider="{OTHER}",result="{OTHER}"}} 1.0' in page


def test_a_label_has_so_many_values_and_no_more() -> None:
    limit = metrics.PROVIDERS.limit
    noted = [Measurement(metrics.CALLS, 1, {"provider": f"p{n}", "result": "ok"}) for n in range(limit + 40)]
    lines = [line for line in page_of(*noted).splitlines() if line.startswith("provider_calls_total{")]
    assert len(lines) == limit + 1
    assert f'provider_calls_total{{provider="{OTHER}",result="ok"}} 40.0' in lines


def test_a_gauge_that_is_not_read_any_more_is_gone() -> None:
    registry = CollectorRegistry()
    meters = OpenTelemetryMeters(registry)
    meters.stand([Measurement(metrics.PROVIDER_HEALTHY, 1, {"provider": "gone"})])
    assert "gone" in generate_latest(registry).decode()
    meters.stand([])
    assert "gone" not in generate_latest(registry).decode()


def test_measuring_never_fails_what_is_measured() -> None:
    def broken() -> Iterator[Measurement]:
        yield Measurement(metrics.CALLS, 1)
        raise RuntimeError("content")

    OpenTelemetryMeters(CollectorRegistry()).note(broken())
