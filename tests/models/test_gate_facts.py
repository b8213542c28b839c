"""What the policy is told."""

import pytest

from models.experiment import Bar
from models.gate_facts import OneSided, SamplesMissing, cost_increase, gate_facts
from models.measure import Estimate, Metrics
from tests.activities.stats.made import metrics_of

BAR = Bar.model_validate(
    {
        "config_hash": f"cfg:v1:sha256:{'1' * 64}",
        "dataset_hash": f"ds:v1:sha256:{'2' * 64}",
        "policy": "default",
        "policy_hash": f"policy:v1:sha256:{'3' * 64}",
        "samples": 200,
    }
)


def costing(value: float | None, low: float | None = None, high: float | None = None) -> Metrics:
    estimate = Estimate(value=value, low=low, high=high, n=200, method="bootstrap-percentile")
    return metrics_of(200, right=180, errors=2).model_copy(update={"cost_per_analysis": estimate})


@pytest.mark.parametrize(
    ("cost", "baseline", "increase"),
    [
        (120, 100, 0.2),
        (119, 100, 0.19),
        (80, 100, -0.2),
        (0, 100, -1.0),
        (0, 0, 0.0),
        (0, None, 0.0),
        (5, 0, None),
        (5, None, None),
        (None, 100, None),
        (None, None, None),
    ],
)
def test_cost_increase(cost: int | None, baseline: int | None, increase: float | None) -> None:
    assert cost_increase(cost, baseline) == increase


def test_a_fifth_more_is_not_less_than_a_fifth() -> None:
    """(1.2 - 1.0) / 1.0 is, with binary numbers."""
    assert (1.2 - 1.0) / 1.0 < 0.2
    assert not any((cost_increase(6 * n, 5 * n) or 0) < 0.2 for n in range(1, 2_000))


def test_facts_are_those_of_the_bar_and_of_the_numbers() -> None:
    facts = gate_facts("e" * 32, BAR, costing(120.4, 110.6, 131.2), OneSided(0.86, 0.93, 0.0, 0.03), 100, "pass")
    assert (facts.config_hash, facts.dataset_hash) == (BAR.config_hash, BAR.dataset_hash)
    assert (facts.n, facts.accuracy, facts.error_rate, facts.ai_verdict) == (200, 0.9, 0.01, "pass")
    assert (facts.accuracy_low, facts.accuracy_high, facts.error_rate_low, facts.error_rate_high) == (
        0.86,
        0.93,
        0.0,
        0.03,
    )
    assert (facts.cost_micro_usd, facts.baseline_cost_micro_usd) == (120, 100)
    assert (facts.cost_increase_low, facts.cost_increase, facts.cost_increase_high) == (0.1, 0.2, 0.32)


def test_bounds_stay_around_the_rounded_mean() -> None:
    facts = gate_facts("e" * 32, BAR, costing(100.4, 100.4, 100.4), OneSided(), 90)
    assert facts.cost_increase_low is not None
    assert facts.cost_increase is not None
    assert facts.cost_increase_high is not None
    assert facts.cost_increase_low <= facts.cost_increase <= facts.cost_increase_high


def test_numbers_that_could_not_be_had_are_told_as_such() -> None:
    facts = gate_facts("e" * 32, BAR, costing(None), OneSided(), 100)
    assert (facts.cost_micro_usd, facts.cost_increase, facts.cost_increase_high) == (None, None, None)
    assert facts.accuracy_low is None


def test_fewer_samples_than_the_bar_promises_decide_nothing() -> None:
    with pytest.raises(SamplesMissing):
        gate_facts("e" * 32, BAR, metrics_of(199, right=199), OneSided(), 0)
