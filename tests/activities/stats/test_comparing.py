"""From observations to a report: what is paired, what each metric says, and what is recommended."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.stats.effects import share
from activities.stats.pairs import paired
from models.comparison import ComparisonReport, Recommendation, Side
from models.matching import Claim
from models.source import LineRange
from tests.compared import observation, report, side


def worse_in_java(n: int) -> ComparisonReport:
    """v2 misses most of what v1 finds in one language."""
    v1 = [observation(number, True) for number in range(n)]
    v2 = [observation(number, number % 2 == 1 or number % 5 == 0) for number in range(n)]
    return report(v1, v2)


def test_much_better_is_promoted_and_much_worse_is_rejected() -> None:
    one, other = side(400, 0.7, 1), side(400, 0.95, 2)
    up, down = report(one, other), report(other, one)
    assert (up.recommendation, down.recommendation) == (Recommendation.PROMOTE, Recommendation.REJECT)
    assert up.confidence >= 0.97 and down.confidence >= 0.97
    first, second = up.metrics["accuracy"], down.metrics["accuracy"]
    assert first.change == pytest.approx(-(second.change or 0))
    assert first.low == pytest.approx(-(second.high or 0))
    assert up.confusion.only_v1 == down.confusion.only_v2


def test_the_order_of_observations_does_not_matter() -> None:
    one, other = side(60, 0.7, 1), side(60, 0.8, 2)
    mixed = list(other)
    Random(5).shuffle(mixed)
    assert report(one, mixed) == report(one, other)


def test_what_only_one_side_has_is_counted_and_left_out() -> None:
    one, other = side(50, 0.7, 1), side(60, 0.7, 1)[5:]
    pairing = report(one, other).pairing
    assert (pairing.paired, pairing.only_v1, pairing.only_v2) == (45, 5, 10)


def test_errors_count_as_wrong_and_one_sided_losses_hold_a_promotion_up() -> None:
    one = side(400, 0.6, 1)
    other = [
        replace(each, right=True, found=each.labels, findings=each.labels, false_alarm=False, seconds=also.seconds)
        for each, also in zip(one, side(400, 0.6, 2), strict=True)
    ]
    lost = [
        replace(each, right=False, found=0, findings=0, failure="analysis_failed", seconds=None) if place < 20 else each
        for place, each in enumerate(other)
    ]
    assert report(one, other).recommendation is Recommendation.PROMOTE
    found = report(one, lost)
    assert found.recommendation is not Recommendation.PROMOTE
    assert found.errors[Side.V2] == {"analysis_failed": 20}
    assert any(each.role == "quality" for each in found.findings)


def test_a_slice_that_got_worse_is_named_and_called_exploratory() -> None:
    found = worse_in_java(300)
    slices = {each.slice: each for each in found.regressions if each.exploratory}
    assert "language:java" in slices and "language:python" not in slices
    assert slices["language:java"].change < -0.5
    assert any(each.metric == "accuracy" and not each.exploratory for each in found.regressions)


def test_samples_of_one_group_widen_the_interval() -> None:
    one = [observation(number, True, group=f"g{number // 20}") for number in range(200)]
    other = [observation(number, number // 20 % 3 > 0, group=f"g{number // 20}") for number in range(200)]
    alone = [replace(each, group=each.sample_id) for each in one]
    grouped = report(one, other)
    single = report(alone, [replace(each, group=each.sample_id) for each in other])
    accuracy, plain = grouped.metrics["accuracy"], single.metrics["accuracy"]
    assert (accuracy.method, plain.method) == ("cluster-t", "tango")
    assert (accuracy.high or 0) - (accuracy.low or 0) > 1.5 * ((plain.high or 0) - (plain.low or 0))
    assert grouped.pairing.clustered and not single.pairing.clustered
    assert {test.test_name for test in grouped.statistical_tests if test.primary and test.metric == "accuracy"} == {
        "cluster-t"
    }


def test_p99_is_refused_below_four_hundred_samples() -> None:
    few, many = report(side(399, 0.8, 1), side(399, 0.8, 2)), report(side(400, 0.8, 1), side(400, 0.8, 2))
    assert few.metrics["latency_p99"].verdict == "refused" and few.metrics["latency_p99"].v1 is None
    assert many.metrics["latency_p99"].low is not None


def test_cached_answers_are_no_measure_of_latency_or_cost() -> None:
    one = side(50, 0.8, 1, cost_micro_usd=100)
    other = [replace(each, seconds=None, cost_micro_usd=None, cached=True) for each in one]
    found = report(one, other)
    assert (found.metrics["latency"].n, found.metrics["cost"].n) == (0, 0)
    assert found.recommendation is Recommendation.INCONCLUSIVE


def test_free_reviews_cost_the_same_and_a_first_price_has_no_increase() -> None:
    free, paid = side(200, 0.8, 1), side(200, 0.8, 2, cost_micro_usd=500)
    assert report(free, free).metrics["cost"].verdict == "same"
    first = report(free, paid).metrics["cost"]
    assert (first.change, first.verdict) == (None, "unclear")


def test_prices_that_changed_decide_nothing() -> None:
    one, other = (
        [
            replace(each, cost_micro_usd=500 + 7 * (place % shift))
            for place, each in enumerate(side(300, accuracy, shift))
        ]
        for accuracy, shift in ((0.7, 11), (0.95, 12))
    )
    assert report(one, other).recommendation is Recommendation.PROMOTE
    moved = report(one, other, prices_changed=True)
    assert moved.prices_changed and moved.recommendation is Recommendation.INCONCLUSIVE


def test_return_on_investment_is_value_less_cost_over_cost() -> None:
    one = [observation(number, False, cost_micro_usd=1_000) for number in range(30)]
    other = [observation(number, True, cost_micro_usd=101_000) for number in range(30)]
    economy = report(one, other, value_per_finding_usd=2.0).economy
    assert (economy.more_found, economy.value_gained_usd, economy.cost_increase_usd) == (20, 40.0, 3.0)
    assert economy.roi == pytest.approx((40 - 3) / 3)
    assert report(other, one).economy.roi is None


def test_repeats_tell_how_steady_each_side_is() -> None:
    one = [observation(number, True, repeat=repeat) for number in range(20) for repeat in (1, 2)]
    other = [
        observation(number, repeat == 1 or number < 15, repeat=repeat) for number in range(20) for repeat in (1, 2)
    ]
    found = report(one, other, repeats=2)
    assert found.consistency == {Side.V1: 1.0, Side.V2: 0.75}
    assert found.pairing.clustered and found.pairing.paired == 40


def test_findings_in_common_are_matched_one_to_one() -> None:
    def claim(line: int, kind: str = "command-injection") -> Claim:
        return Claim(kind, "CWE-78", frozenset(), frozenset(), LineRange(start=line, end=line))

    one = [observation(1, True, claims=(claim(5), claim(50)))]
    other = [observation(1, True, claims=(claim(5), claim(6), claim(90)))]
    found = report(one, other).overlap
    assert (found.both, found.only_v1, found.only_v2) == (1, 1, 2)
    assert (found.precision, found.recall, found.f1) == (pytest.approx(1 / 3), 0.5, 0.4)


def test_inconclusive_says_how_many_more_samples() -> None:
    found = report(side(400, 0.9, 1), side(400, 0.9, 8))
    assert found.recommendation is Recommendation.INCONCLUSIVE
    assert found.power.more_samples is not None and found.power.more_samples > 0
    assert found.power.minimum_detectable is not None and found.power.minimum_detectable > 0.03


def test_every_number_says_its_method_and_libraries() -> None:
    found = report(side(60, 0.7, 1), side(60, 0.8, 2), seed=7)
    assert {"conclave", "numpy", "scipy", "statsmodels"} <= found.libraries.keys()
    assert all(test.n > 0 for test in found.statistical_tests)
    assert {test.seed for test in found.statistical_tests if test.test_name == "permutation"} == {7}
    unpaired = {test.test_name for test in found.statistical_tests if not test.paired}
    assert unpaired == {"mann-whitney", "welch-t"}
    assert not any(test.primary for test in found.statistical_tests if not test.paired)


def test_nothing_to_compare_is_inconclusive_and_no_number_is_nan() -> None:
    found = report([], [])
    assert found.recommendation is Recommendation.INCONCLUSIVE
    assert "NaN" not in found.model_dump_json() and "Infinity" not in found.model_dump_json()


@settings(max_examples=10)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_whatever_came_out_the_report_holds_together(rights: list[tuple[bool, bool]]) -> None:
    one = [observation(number, right, seconds=1.0 + number) for number, (right, _) in enumerate(rights)]
    other = [observation(number, right, seconds=2.0 + number) for number, (_, right) in enumerate(rights)]
    found = report(one, other)
    table = found.confusion
    assert table.both_right + table.only_v1 + table.only_v2 + table.both_wrong == len(rights)
    for metric in found.metrics.values():
        if metric.low is not None and metric.high is not None and metric.change is not None:
            assert metric.low - 1e-9 <= metric.change <= metric.high + 1e-9
    assert ComparisonReport.model_validate_json(found.model_dump_json()) == found


def test_version_against_itself_raises_few_alarms() -> None:
    """Two runs of one version, a third of whose judgements waver: at most one in twenty is called different."""
    alarms = 0
    for seed in range(200):
        chance = Random(seed)
        one = [observation(number, chance.random() < 0.8) for number in range(80)]
        other = [replace(each, right=chance.random() < 0.8) if chance.random() < 0.3 else each for each in one]

        alarms += (
            share("accuracy", paired(one, other), lambda each: each.right, "higher", 0.05).metric.p_value or 1
        ) < 0.05
    assert alarms <= 200 * 0.05 + 3 * (200 * 0.05 * 0.95) ** 0.5
