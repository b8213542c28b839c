"""How many more samples: enough, and not far from the fewest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betaincinv

from models.gate import Denial, GateInput
from models.gate_samples import MOST, Z, for_clopper_pearson, for_wilson, further_samples


def wilson(rate: float, n: float, side: int) -> float:
    """One-sided 95 % bound; side 1: upper, -1: lower."""
    centre, spread = rate + Z * Z / (2 * n), Z * (rate * (1 - rate) / n + Z * Z / (4 * n * n)) ** 0.5
    return (centre + side * spread) / (1 + Z * Z / n)


def clopper_pearson_high(rate: float, n: float) -> float:
    return float(betaincinv(rate * n + 1, n - rate * n, 0.95))


@given(st.floats(0.0, 1.0).filter(lambda rate: abs(rate - 0.85) > 0.005))
def test_wilson_is_at_the_bound_just_then(rate: float) -> None:
    side = -1 if rate > 0.85 else 1
    n = for_wilson(rate, 0.85)
    assert wilson(rate, n, side) == pytest.approx(0.85, abs=1e-9)


@pytest.mark.parametrize(
    ("rate", "fewest"), [(0.0, 59), (0.005, 72), (0.01, 90), (0.02, 157), (0.03, 343), (0.04, 1332)]
)
def test_clopper_pearson_is_below_the_bound_then_and_not_long_before(rate: float, fewest: int) -> None:
    assert clopper_pearson_high(rate, fewest) < 0.05 < clopper_pearson_high(rate, fewest - 1)
    assert fewest <= for_clopper_pearson(rate, 0.05) <= 1.04 * fewest


def facts(n: int, **numbers: float) -> GateInput:
    return GateInput(experiment_id="e", config_hash="c", dataset_hash="d", policy_hash="p", n=n, **numbers)


def denial(metric: str, observed: float | None, bound: float | None) -> Denial:
    return Denial(id="x", metric=metric, observed=observed, bound=bound, conclusive=False)


def test_known_answers() -> None:
    few = denial("n", 60, 100)
    assert further_samples(facts(60), [few]) == 40
    # 90 of 100 right: 0.85 is 138 samples away from being excluded; that is 124.2 right, so 0.90 of 138.
    right = denial("accuracy_low", 0.84, 0.85)
    assert further_samples(facts(100, accuracy=0.9), [right]) == 38
    # Half the distance takes four times as many.
    dear = denial("cost_increase_high", 0.4, 0.2)
    assert further_samples(facts(100, cost_increase=0.1), [dear]) == 801
    assert further_samples(facts(100, accuracy=0.9, cost_increase=0.1), [right, dear, few]) == 801


def test_at_the_threshold_no_number_would_do_and_it_is_capped() -> None:
    assert further_samples(facts(100, accuracy=0.85), [denial("accuracy_low", 0.8, 0.85)]) == MOST


def test_what_more_samples_do_not_mend_has_no_number() -> None:
    missing = denial("baseline_cost_micro_usd", None, None)
    literal = denial("accuracy", 0.8, 0.85)
    assert further_samples(facts(60), [missing, literal]) is None


@given(
    st.integers(0, 10**6),
    st.floats(0, 1),
    st.sampled_from(["n", "accuracy_low", "error_rate_high", "cost_increase_high"]),
    st.floats(-1, 1e300),
)
def test_it_is_always_a_number_that_can_be_asked_for(n: int, rate: float, metric: str, observed: float) -> None:
    numbers = {"accuracy": rate, "error_rate": rate, "cost_increase": rate}
    found = further_samples(facts(n, **numbers), [denial(metric, observed, 0.5)])
    assert found is not None and 1 <= found <= MOST
