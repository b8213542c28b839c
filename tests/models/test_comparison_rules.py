"""What follows from metrics: superiority for success, non-inferiority for guardrails, and nothing from silence."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.comparison import Compared, ComparisonRequest, Margins, Recommendation
from models.comparison_rules import GUARDRAILS, concluded, judged, more_samples

MARGINS = Margins()


def metric(low: float | None, high: float | None, **changes: Any) -> Compared:
    middle = None if low is None or high is None else (low + high) / 2
    return Compared(v1=0.5, v2=0.5, change=middle, low=low, high=high, n=200, method="tango", **changes)


def measured(**changes: Compared) -> dict[str, Compared]:
    """Accuracy is better, and every guardrail holds, but for what is changed."""
    usual: dict[str, Compared] = {"accuracy": metric(0.01, 0.08, p_value=0.01)}
    for name in GUARDRAILS:
        better = "lower" if name in ("false_positive_rate", "error_rate", "latency", "cost") else "higher"
        usual[name] = metric(-0.01, 0.01, better=better)
    return {name: judged(each, getattr(MARGINS, name)) for name, each in (usual | changes).items()}


def said(**changes: Compared) -> Recommendation:
    return concluded(measured(**changes), MARGINS, 0.05, attrition=False).recommendation


def test_better_and_no_guardrail_lost_is_promoted() -> None:
    found = concluded(measured(), MARGINS, 0.05, attrition=False)
    assert found.recommendation is Recommendation.PROMOTE
    assert found.confidence == pytest.approx(0.975)
    assert {each.verdict for each in found.findings} == {"pass"}


def test_worse_is_rejected_with_the_tests_confidence() -> None:
    found = concluded(measured(accuracy=metric(-0.1, -0.02, p_value=0.004)), MARGINS, 0.05, attrition=False)
    assert (found.recommendation, found.confidence) == (Recommendation.REJECT, pytest.approx(0.998))


@pytest.mark.parametrize("name", GUARDRAILS)
def test_each_guardrail_may_reject_hold_up_or_pass(name: str) -> None:
    lower = measured()[name].better == "lower"
    margin = getattr(MARGINS, name)
    lost = (margin + 0.1, margin + 0.2) if lower else (-margin - 0.2, -margin - 0.1)
    open_ = (-0.1, margin + 0.1) if lower else (-margin - 0.1, 0.1)
    better = "lower" if lower else "higher"
    assert said(**{name: metric(*lost, better=better)}) is Recommendation.REJECT
    assert said(**{name: metric(*open_, better=better)}) is Recommendation.INCONCLUSIVE
    assert said(**{name: metric(None, None, better=better)}) is Recommendation.INCONCLUSIVE, "unmeasured never passes"


def test_shown_to_be_the_same_is_held_and_unknown_is_inconclusive() -> None:
    assert said(accuracy=metric(-0.01, 0.01, p_value=0.9)) is Recommendation.HOLD
    assert said(accuracy=metric(-0.05, 0.05, p_value=0.9)) is Recommendation.INCONCLUSIVE
    assert said(accuracy=metric(None, None)) is Recommendation.INCONCLUSIVE


def test_attrition_holds_a_promotion_up() -> None:
    found = concluded(measured(), MARGINS, 0.05, attrition=True)
    assert (found.recommendation, found.confidence) == (Recommendation.INCONCLUSIVE, 0.5)


def test_the_widest_gap_tells_how_many_more_samples() -> None:
    metrics = measured(accuracy=metric(-0.04, 0.04, p_value=0.9), false_positive_rate=metric(-0.1, 0.1, better="lower"))
    found = concluded(metrics, MARGINS, 0.05, attrition=False)
    # Accuracy lacks a factor of (0.04 / 0.02)², false alarms of (0.1 / 0.05)²: both 4, twice that for four of five.
    assert more_samples(metrics, found, MARGINS, 200) == pytest.approx(200 * (4 * 2.04 - 1), rel=0.01)
    assert more_samples(measured(), concluded(measured(), MARGINS, 0.05, attrition=False), MARGINS, 200) is None
    lost = measured(latency=metric(None, None, better="lower"))
    assert more_samples(lost, concluded(lost, MARGINS, 0.05, attrition=False), MARGINS, 200) is None


@given(st.floats(-0.5, 0.5), st.floats(0, 0.3), st.sampled_from(["higher", "lower"]), st.floats(0.01, 0.2))
def test_turning_the_metric_round_turns_the_verdict_round(at: float, width: float, better: str, margin: float) -> None:
    turned = {"better": "worse", "worse": "better", "same": "same", "unclear": "unclear"}
    one = judged(metric(at - width, at + width, better=better), margin).verdict
    other = judged(metric(-at - width, -at + width, better=better), margin).verdict
    assert other == turned[one]


@pytest.mark.parametrize(
    "changes",
    [
        {"v2": None},
        {"v2": "2", "config": {}},
        {"v1": "../etc"},
        {"v1": "stable", "v2": "x" * 32},
        {"dataset_id": None, "repeats": 2},
        {"dataset_id": None, "limit": 5},
        {"repeats": 11},
        {"alpha": 0.01},
        {"margins": {"accuracy": 0}},
        {"margins": {"speed": 1}},
        {"value_per_finding_usd": -1},
        {"seed": 2**32},
    ],
)
def test_a_request_that_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    good = {"v1": "stable", "v2": "2", "dataset_id": "0" * 32}
    ComparisonRequest.model_validate(good)
    with pytest.raises(ValueError):
        ComparisonRequest.model_validate(good | changes)
