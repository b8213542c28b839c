"""What an experiment measures, from results to shares."""

from collections.abc import AsyncIterator

import pytest

from activities.experiment_ports import SampleResult
from activities.stats.metrics import measured
from models.dataset import Scope
from models.expert import ExpertName
from models.measure import Metrics
from models.source import Language
from tests.activities.stats.made import NOW, finding, label, report, result, sample


async def metrics(*results: SampleResult) -> Metrics:
    return await measured(results, measured_at=NOW, versions={"conclave": "1.2.3"})


async def test_labelled_and_clean_samples_are_judged_by_what_is_found_where() -> None:
    found = await metrics(
        result(sample(0, label(5)), report(finding(5))),  # found
        result(sample(1, label(5)), report(finding(7))),  # found, two lines off
        result(sample(2, label(5)), report(finding(30))),  # seen, not found
        result(sample(3, label(5)), report()),  # missed
        result(sample(4), report(finding(5))),  # a false alarm
        result(sample(5), report()),  # rightly silent
    )
    quality = found.quality
    assert quality.counts.model_dump(exclude_defaults=True) == {
        "samples": 6,
        "clean": 2,
        "right": 3,
        "detected": 3,
        "false_alarms": 1,
        "labels": 4,
        "found": 2,
        "located": 1,
        "findings": 4,
        "matched": 2,
    }
    values = (quality.accuracy, quality.recall, quality.detection, quality.precision, quality.f1)
    assert [each.value for each in values] == [0.5, 0.5, 0.75, 0.5, 0.5]
    assert (quality.false_positive_rate.value, quality.localisation.value) == (0.5, 0.5)
    assert [each.n for each in (*values, quality.false_positive_rate, quality.localisation)] == [6, 4, 4, 4, 8, 2, 2]
    assert all(each.low is not None and each.high is not None for each in values)
    assert found.line_tolerance == 2


async def test_an_error_is_wrong_whatever_the_sample_is() -> None:
    found = await metrics(
        result(sample(0, label(5)), None),
        result(sample(1), None),
        result(sample(2), report(experts={"security": "failed", "meta": "done"})),  # nobody looked
        result(sample(3), report(experts={"security": "degraded"})),
    )
    counts = found.quality.counts
    assert (counts.errors, counts.right, counts.false_alarms, counts.found) == (3, 1, 2, 0)
    assert (found.error_rate.value, found.error_rate.method) == (0.75, "clopper-pearson")
    assert (found.quality.accuracy.value, found.quality.recall.value) == (0.25, 0.0)
    assert found.quality.false_positive_rate.value == pytest.approx(2 / 3)


async def test_findings_outside_the_scope_are_neither_right_nor_wrong() -> None:
    other = finding(5, cwe="CWE-502", kind="unsafe-deserialisation")
    scoped = sample(0, scope=Scope(cwes=("CWE-78",)))
    assert (await metrics(result(scoped, report(other)))).quality.counts.false_alarms == 0
    assert (await metrics(result(sample(0), report(other)))).quality.counts.false_alarms == 1


async def test_every_expert_is_measured_alone_over_all_samples() -> None:
    both = finding(5) | {
        "sightings": [{"expert": name, "tool": "t", "rule": "r", "confidence": 0.5} for name in ("security", "quality")]
    }
    experts = {"security": "done", "quality": "done", "test": "not_selected"}
    found = await metrics(
        result(sample(0, label(5)), report(both, experts=experts)),
        result(sample(1, label(5)), report(finding(5), experts=experts)),
        result(sample(2), report(experts={"security": "done", "quality": "failed"})),
        result(sample(3, label(5)), None),
    )
    assert set(found.by_expert) == {ExpertName.SECURITY, ExpertName.QUALITY}
    security, quality = found.by_expert[ExpertName.SECURITY], found.by_expert[ExpertName.QUALITY]
    assert [each.counts.samples for each in (security, quality)] == [4, 4]
    assert [each.counts.found for each in (security, quality)] == [2, 1]
    assert [each.counts.errors for each in (security, quality)] == [1, 2]
    assert [each.accuracy.value for each in (security, quality)] == [0.75, 0.25]


async def test_languages_are_measured_apart() -> None:
    found = await metrics(
        result(sample(0, label(5)), report(finding(5))),
        result(sample(1, label(5), language="java"), report()),
    )
    recall = {language: each.recall.value for language, each in found.by_language.items()}
    assert recall == {Language.JAVA: 0.0, Language.PYTHON: 1.0}


async def test_what_was_not_made_anew_measures_neither_time_nor_money() -> None:
    found = await metrics(
        result(sample(0), report(cost_micro_usd=300), 2.0),
        result(sample(1), report(cost_micro_usd=100), 4.0),
        result(sample(2), report(cost_micro_usd=9_000), 0.001, cached=True),
        result(sample(3), None, 0.001),
    )
    assert (found.cached, found.cost_micro_usd, found.cost_per_analysis_micro_usd) == (1, 400, 200.0)
    assert (found.latency.p50.value, found.latency.p95.value, found.latency.p50.n) == (2.0, 4.0, 2)
    assert (found.latency.p99.value, found.latency.p95.high) == (None, None)
    assert found.quality.counts.samples == 4


async def test_when_all_was_there_already_the_cost_is_unknown_not_nothing() -> None:
    found = await metrics(result(sample(0), report(cost_micro_usd=5), cached=True))
    assert (found.cost_micro_usd, found.cost_per_analysis_micro_usd) == (0, None)


async def test_files_that_nobody_read_are_counted_once() -> None:
    failed = [
        {"expert": name, "path": "a.py", "status": "failed", "failed_tools": ["x"], "reason": "crashed"}
        for name in ("security", "quality")
    ]
    fine = {"expert": "test", "path": "a.py", "status": "skipped", "reason": "no_input"}
    skipped = [{"path": "b.py", "reason": "file_too_large"}, {"path": "c.png", "reason": "binary"}]
    found = await metrics(result(sample(0), report(coverage=[*failed, fine], skipped=skipped, partial=True)))
    assert (found.files_not_analysed, found.quality.counts.partial) == (2, 1)


async def test_a_dear_file_weighs_in_the_interval_of_the_mean() -> None:
    results = [result(sample(n, group=f"g{n // 10}"), report(cost_micro_usd=100 if n < 10 else 10)) for n in range(100)]
    found = (await metrics(*results)).cost_per_analysis
    assert (found.value, found.n, found.method) == (19.0, 100, "bootstrap-percentile")
    assert found.low == 10.0
    assert found.high is not None
    assert found.high >= 37.0


async def test_results_may_stream_and_their_order_does_not_matter() -> None:
    results = [
        result(sample(n, *[label(5)] * (n % 3 > 0), group=f"g{n // 2}"), report(*[finding(5)] * (n % 2)), n / 10)
        for n in range(60)
    ]

    async def stream() -> AsyncIterator[SampleResult]:
        for each in reversed(results):
            yield each

    streamed = await measured(stream(), measured_at=NOW, versions={"conclave": "1.2.3"})
    assert streamed == await metrics(*results)
    assert set(streamed.versions) == {"conclave", "scipy", "numpy"}
    assert Metrics.model_validate_json(streamed.model_dump_json()) == streamed


@pytest.mark.parametrize("samples", [0, 1])
async def test_next_to_nothing_is_no_defect(samples: int) -> None:
    found = await metrics(*[result(sample(n), report()) for n in range(samples)])
    assert found.quality.counts.samples == samples
    assert found.quality.precision.value is None
    assert found.error_rate.value == (0.0 if samples else None)
